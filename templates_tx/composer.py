"""From something that happened in a shop to a stored message: which words, which account.

Composing runs in the shop's own transaction and never breaks it: what cannot be composed is
stored as a held message that says why. Only a lost database is the caller's business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError

from mailaccounts.models import SenderAccount
from maillog.models import MailMessage
from maillog.outbox import Draft, Recipient, queue
from maillog.states import Reason, Role, State
from shops.facts import OrderFacts, OrderLike
from shops.models import Shop
from shops.savepoint import savepoint
from shops.storable import storable_data
from templates_tx import message_types
from templates_tx.context import full_context
from templates_tx.message_types import MessageType
from templates_tx.plans import NoTemplate, Plan, plan_for
from templates_tx.rendering import TemplateError, render_part

logger = logging.getLogger(__name__)


def compose(
    message_type: MessageType,
    shop: Shop,
    facts: OrderFacts,
    occurrence: str,
    extra: dict[str, Any] | None = None,
) -> Draft:
    """The draft of one message about one order, to its buyer.

    Raises ``TemplateError`` or ``NoTemplate`` if the subject cannot be made.
    """
    plan = plan_for(shop, message_type, facts.language)
    common = _common(message_type, shop, occurrence, facts)
    to = Recipient(facts.buyer.email, facts.buyer.name)
    if not plan.is_on:
        return Draft(
            **common, account=plan.account, recipients=(to,), born=State.NOT_SENT, reason=Reason.OFF
        )
    words = plan.words()
    context = {**full_context(shop, facts, words.language), **storable_data(extra or {})}
    return Draft(
        **common,
        account=plan.account,
        recipients=(to, *_owner_copy(plan, shop, message_type)),
        subject=render_part(words.subject, "subject", context),
        context=context,
        template_version=words.version,
        language=words.language,
        due_in=plan.delay,
        reply_to=plan.reply_to,
    )


def _common(
    message_type: MessageType, shop: Shop, occurrence: str, facts: OrderFacts
) -> dict[str, Any]:
    return {
        **traits(message_type),
        "shop": shop,
        "occurrence": occurrence,
        "order_number": facts.number,
        "imported_at": facts.imported_at,
    }


def traits(message_type: MessageType) -> dict[str, Any]:
    """What a draft takes over from its type."""
    return {
        "message_type": message_type.code,
        "expires_in": message_type.expires,
        "sensitive": message_type.sensitive,
        "critical": message_type.critical,
        "priority": message_type.priority,
        "unknown_policy": message_type.unknown_policy,
    }


def _owner_copy(plan: Plan, shop: Shop, message_type: MessageType) -> tuple[Recipient, ...]:
    """The owner gets the customer's own message, not another text."""
    if not plan.copy_to_owner or message_type.sensitive:
        return ()
    return (Recipient(shop.contact_email, shop.name, Role.COPY),)


def send_for_order(
    code: str, order: OrderLike, occurrence: str, extra: dict[str, Any] | None = None
) -> MailMessage | None:
    """Composes and queues a message about ``order``. None if it was said before, or if not even
    its failure could be stored (that is logged)."""
    message_type = message_types.get(code)

    def attempt() -> MailMessage | None:
        draft = compose(message_type, order.shop, order.facts(), occurrence, extra)
        return queue(draft, savepoint=False)

    return never_breaking(
        attempt, message_type, order.shop, occurrence, order.number, to=order.email
    )


def never_breaking(
    attempt: Callable[[], MailMessage | None],
    message_type: MessageType,
    shop: Shop,
    occurrence: str,
    order_number: str = "",
    to: str = "",
) -> MailMessage | None:
    """Runs ``attempt`` in a savepoint; what goes wrong in it becomes a held message.

    ``OperationalError`` and ``InterfaceError`` (the database is gone) are raised on.
    """
    try:
        with savepoint():
            return attempt()
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("%s for %s could not be composed", message_type.code, occurrence)
        failure = partial(_failed_draft, message_type, shop, error, to)
        return _store_failure(failure, occurrence, order_number)


def _failed_draft(message_type: MessageType, shop: Shop, error: Exception, to: str) -> Draft:
    known = isinstance(error, TemplateError | NoTemplate | ValueError)
    return Draft(
        **traits(message_type),
        shop=shop,
        account=SenderAccount.objects.main_of(shop),
        recipients=(Recipient(to),),
        # Nothing was said: once the cause is mended, the same occurrence may be said.
        once=False,
        born=State.HELD,
        reason=Reason.TEMPLATE,
        detail=str(error) if known else type(error).__name__,
    )


def _store_failure(
    make: Callable[[], Draft], occurrence: str, order_number: str
) -> MailMessage | None:
    try:
        with savepoint():
            return queue(replace(make(), occurrence=occurrence, order_number=order_number))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("not even the failure of %s could be stored", occurrence)
        return None
