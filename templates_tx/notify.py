"""The door for everything that is not an order: one message of a known type to one address."""

from __future__ import annotations

from typing import Any

from maillog.models import MailMessage
from maillog.outbox import Draft, Recipient, queue
from maillog.states import Reason, State
from shops.models import Shop
from shops.storable import storable, storable_data
from templates_tx import message_types
from templates_tx.composer import traits
from templates_tx.context import base_context
from templates_tx.plans import Words, plan_for
from templates_tx.rendering import plain, render_part


def notify(
    code: str,
    *,
    shop: Shop,
    to: str,
    name: str = "",
    language: str = "",
    context: dict[str, Any] | None = None,
    occurrence: str = "",
) -> MailMessage | None:
    """Queues a message of type ``code``; the shop's assignment decides account and template.

    ``context`` holds the type's own values as plain data. With an ``occurrence`` the message is
    queued once however often this is called, and None is returned the second time. Raises
    ``UnknownMessageType``, ``TemplateError``, ``NoTemplate``, and ``ValueError`` that names the
    place in ``context`` which is not plain data.
    """
    message_type = message_types.get(code)
    plan = plan_for(shop, message_type, storable(language))
    recipient = Recipient(to, name)
    common: dict[str, Any] = {
        **traits(message_type),
        "shop": shop,
        "account": plan.account,
        "recipients": (recipient,),
        "occurrence": occurrence,
    }
    if not plan.is_on:
        return queue(Draft(**common, born=State.NOT_SENT, reason=Reason.OFF))
    words = plan.words()
    values = storable_data(plain(_values(words, shop, recipient, context or {})))
    return queue(
        Draft(
            **common,
            subject=render_part(words.subject, "subject", values),
            context=values,
            template_version=words.version,
            language=words.language,
            due_in=plan.delay,
            reply_to=plan.reply_to,
        )
    )


def _values(words: Words, shop: Shop, recipient: Recipient, own: dict[str, Any]) -> dict[str, Any]:
    customer = {
        "name": storable(recipient.name),
        "first_name": storable(recipient.name.partition(" ")[0]),
        "email": storable(recipient.address),
    }
    return {**base_context(shop, words.language), "customer": customer, **own}
