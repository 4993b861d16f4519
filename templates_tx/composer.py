"""From something that happened in a shop to a stored message: which words, which account.

Composing runs in the shop's own transaction and never breaks it: what cannot be composed is
stored as a held message that says why. Only a lost database is the caller's business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError

from mailaccounts.models import SenderAccount
from maillog.generation_failure import unmade_of
from maillog.models import MailMessage
from maillog.outbox import Draft, Recipient, key_text, queue
from maillog.states import Channel, Reason, Role, State
from shops.addresses import is_usable
from shops.facts import OrderFacts, OrderLike
from shops.models import Shop
from shops.savepoint import savepoint
from shops.storable import storable, storable_data
from templates_tx.conditions import Change, hold
from templates_tx.context import full_context
from templates_tx.files import files_for
from templates_tx.message_types import MessageType, To
from templates_tx.models import TemplateAssignment
from templates_tx.own_types import find
from templates_tx.plans import NoTemplate, Plan, plan_for
from templates_tx.rendering import TemplateError, plain, render_part

logger = logging.getLogger(__name__)

# It waits for a while: before it is rendered the shop is asked once more whether it wants it.
CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True)
class Cause:
    """What a message is about: what happened, what else the template sees, what has changed."""

    occurrence: str
    extra: dict[str, Any] = field(default_factory=dict)
    change: Change | None = None


def compose(message_type: MessageType, shop: Shop, facts: OrderFacts, cause: Cause) -> Draft:
    """The draft of one message about one order. Raises ``NoTemplate``."""
    plan = plan_for(shop, message_type, language_for(message_type, shop, facts.language))
    return draft_of(plan, message_type, shop, facts, cause)


def language_for(message_type: MessageType, shop: Shop, customers: str) -> str:
    """The customer's, or the shop's for what its own people read."""
    return shop.language if message_type.to == To.OWNER else customers


def draft_of(
    plan: Plan, message_type: MessageType, shop: Shop, facts: OrderFacts, cause: Cause
) -> Draft:
    """As ``compose``, with the plan at hand."""
    common = _common(plan, message_type, shop, cause.occurrence) | {
        "order_number": facts.number,
        "imported_at": facts.imported_at,
    }
    to = _recipient(message_type, shop, facts)
    if (why_not := reason_against(plan, message_type, facts, cause.change)) is not None:
        return Draft(**common, recipients=(to,), born=State.NOT_SENT, reason=why_not)
    words = plan.words()
    context = full_context(shop, facts, words.language) | storable_data(cause.extra)
    if cause.change is not None:
        context["change"] = asdict(cause.change)
    return worded(
        Draft(
            **common,
            recipients=(to, *owner_copy(plan, shop, message_type)),
            due_in=plan.delay,
            notes=notes_of(plan),
        ),
        plan,
        message_type,
        context,
    )


def notes_of(plan: Plan) -> tuple[str, ...]:
    return (CONDITIONAL,) if plan.delay else ()


def worded(draft: Draft, plan: Plan, message_type: MessageType, context: dict[str, Any]) -> Draft:
    """``draft`` with its words: the version, the subject, what the shop adds, the files.

    Where the subject cannot be made the draft is held with all that a mended template needs.
    Raises ``NoTemplate``, and ``ValueError`` for a context that is not plain.
    """
    words = plan.words()
    context = message_type.contract.completed(context)
    if note := plan.note_in(words.language):
        context = context | {"shop": context["shop"] | {"note": note}}
    made = replace(
        draft,
        context=context,
        template_version=words.version,
        language=words.language,
        reply_to=_answers(message_type, context) or plan.reply_to,
        files=files_for(draft.shop, message_type.code, words.language) if plan.has_files else (),
    )
    try:
        return replace(made, subject=render_part(words.subject, "subject", context))
    except TemplateError as error:
        return replace(made, once=False, born=State.HELD, reason=Reason.TEMPLATE, detail=str(error))


def reason_against(
    plan: Plan, message_type: MessageType, facts: OrderFacts | None, change: Change | None
) -> Reason | None:
    """Why the shop does not want the message, as things are. Without ``facts``: is it off?"""
    if not plan.is_on or message_type.is_withdrawn:
        return Reason.OFF
    return None if facts is None or hold(plan.rules, facts, change) else Reason.CONDITION


def _recipient(message_type: MessageType, shop: Shop, facts: OrderFacts) -> Recipient:
    if message_type.to == To.OWNER:
        return Recipient(shop.contact_email, shop.name)
    return Recipient(facts.buyer.email, facts.buyer.name)


def _answers(message_type: MessageType, context: dict[str, Any]) -> str:
    """Whom an answer reaches where the type says so; empty where that is no address."""
    found: Any = context
    for name in message_type.answers_to.split(".") if message_type.answers_to else ():
        found = found.get(name, "") if isinstance(found, dict) else ""
    return found if isinstance(found, str) and is_usable(found) else ""


def _common(plan: Plan, message_type: MessageType, shop: Shop, occurrence: str) -> dict[str, Any]:
    return traits(message_type) | {
        "shop": shop,
        "account": plan.account,
        "occurrence": occurrence,
        "expires_in": plan.delay + message_type.expires,
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


def owner_copy(plan: Plan, shop: Shop, message_type: MessageType) -> tuple[Recipient, ...]:
    """The owner gets the customer's own message, not another text."""
    if not plan.copy_to_owner or message_type.sensitive or message_type.to == To.OWNER:
        return ()
    return (Recipient(shop.contact_email, shop.name, Role.COPY),)


def send_for_order(
    code: str,
    order: OrderLike,
    cause: Cause,
    *,
    beside: str = "",
    details: Callable[[OrderFacts], dict[str, Any]] | None = None,
) -> MailMessage | None:
    """Composes and queues a message about ``order``. None if it was said before, or if not even
    its failure could be stored (that is logged).

    ``beside``: the message for staff that leaves along with it, where the shop wants one.
    ``details`` reads what the template sees beside the order, in place of the cause's ``extra``.
    Raises ``UnknownMessageType``.
    """
    message_type = find(code, order.shop)
    along: bool | None = None

    def attempt() -> MailMessage | None:
        nonlocal along
        facts = order.facts()
        language = language_for(message_type, order.shop, facts.language)
        plan = plan_for(order.shop, message_type, language, beside)
        along = plan.goes_along
        told = replace(cause, extra=details(facts)) if details else cause
        return _stored(draft_of(plan, message_type, order.shop, facts, told))

    message = never_breaking(attempt, message_type, order.shop, cause, order.number, to=order.email)
    if along:
        send_for_order(beside, order, cause)
    elif along is None and beside:
        # It failed too early to know.
        _send_if_on(beside, order, cause)
    return message


def _send_if_on(code: str, order: OrderLike, cause: Cause) -> None:
    message_type = find(code, order.shop)
    switch = TemplateAssignment.objects.filter(
        shop=order.shop, channel=Channel.EMAIL, message_type=code, is_on=True
    )

    def attempt() -> MailMessage | None:
        return send_for_order(code, order, cause) if switch.exists() else None

    never_breaking(attempt, message_type, order.shop, cause, order.number)


def never_breaking(
    attempt: Callable[[], MailMessage | None],
    message_type: MessageType,
    shop: Shop,
    cause: Cause,
    order_number: str = "",
    to: str = "",
) -> MailMessage | None:
    """Runs ``attempt`` in a savepoint; what goes wrong in it becomes a held message.

    It keeps the cause: what staff have typed is in no order, and the message may be made anew.
    ``OperationalError`` and ``InterfaceError`` (the database is gone) are raised on.
    """
    try:
        with savepoint():
            return attempt()
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("%s for %s could not be composed", message_type.code, cause.occurrence)
        failure = partial(_failed_draft, message_type, shop, error, to)
        return _store_failure(failure, cause, order_number)


def _stored(draft: Draft) -> MailMessage | None:
    """Queues ``draft`` in the savepoint that the caller has set; None if it is known already."""
    if draft.born == State.HELD and _is_held_already(draft):
        return None
    return queue(draft, savepoint=False)


def _is_held_already(draft: Draft) -> bool:
    """Whether a message waits to say just this; then it shows the mistake of now.

    One that kept fewer facts than ``draft`` has does not count: it may never be mended.
    """
    if draft.shop is None or not draft.occurrence:
        return False
    same = unmade_of(draft.shop, draft.message_type).filter(
        occurrence=key_text(storable(draft.occurrence))
    )
    if draft.template_version is not None:
        same = same.filter(template_version__isnull=False)
    return bool(same.update(detail=storable(draft.detail)))


def _failed_draft(message_type: MessageType, shop: Shop, error: Exception, to: str) -> Draft:
    known = isinstance(error, TemplateError | NoTemplate | ValueError)
    return Draft(
        **traits(message_type),
        shop=shop,
        account=SenderAccount.objects.main_of(shop),
        recipients=(Recipient(shop.contact_email if message_type.to == To.OWNER else to),),
        # Nothing was said: once the cause is mended, the same occurrence may be said.
        once=False,
        born=State.HELD,
        reason=Reason.TEMPLATE,
        detail=str(error) if known else type(error).__name__,
    )


def _kept(cause: Cause) -> dict[str, Any] | None:
    """The cause as the message keeps it; None where it holds nothing, or what cannot be kept."""
    change = asdict(cause.change) if cause.change else None
    try:
        extra = storable_data(plain(cause.extra))
    except ValueError:
        extra = {}
    return {"extra": extra, "change": change} if extra or change else None


def _store_failure(
    make: Callable[[], Draft], cause: Cause, order_number: str
) -> MailMessage | None:
    try:
        with savepoint():
            failed = replace(make(), context=_kept(cause), occurrence=cause.occurrence)
            return _stored(replace(failed, order_number=order_number))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("not even the failure of %s could be stored", cause.occurrence)
        return None
