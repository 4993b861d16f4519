"""The door for everything that is not an order: one message of a known type to one address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from maillog.mime import Attachment
from maillog.models import MailMessage
from maillog.outbox import Draft, Recipient, queue
from maillog.sizes import check_file
from maillog.states import Reason, State
from shops.models import Shop
from shops.storable import storable, storable_data
from templates_tx.composer import language_for, notes_of, owner_copy, traits, worded
from templates_tx.context import base_context
from templates_tx.message_types import To
from templates_tx.own_types import find
from templates_tx.plans import plan_for
from templates_tx.rendering import plain, render_part


def notify(
    code: str,
    *,
    shop: Shop,
    to: str = "",
    name: str = "",
    language: str = "",
    context: dict[str, Any] | None = None,
    occurrence: str = "",
    attachments: tuple[Attachment, ...] = (),
) -> MailMessage | None:
    """Queues a message of type ``code``; the shop's assignment decides account and template.

    ``context`` holds the type's own values as plain data. What is for the shop's own people goes to
    its contact address, whatever ``to`` says. With an ``occurrence`` the message is queued once
    however often this is called, and None is returned the second time. Raises
    ``UnknownMessageType``, ``NoTemplate``, ``TemplateError`` where the subject cannot be made,
    ``FileTooLarge``, and ``ValueError`` that names the place in ``context`` that is not plain data.
    """
    for each in attachments:
        check_file(each.name, len(each.content))
    message_type = find(code, shop)
    plan = plan_for(shop, message_type, language_for(message_type, shop, storable(language)))
    is_for_owner = message_type.to == To.OWNER
    recipient = Recipient(shop.contact_email, shop.name) if is_for_owner else Recipient(to, name)
    draft = Draft(
        **traits(message_type) | {"expires_in": plan.delay + message_type.expires},
        shop=shop,
        account=plan.account,
        recipients=(recipient,),
        occurrence=occurrence,
        due_in=plan.delay,
        notes=notes_of(plan),
        attachments=attachments,
    )
    if not plan.is_on or message_type.is_withdrawn:
        # Only logged: what nobody gets is not kept either.
        return queue(replace(draft, born=State.NOT_SENT, reason=Reason.OFF, attachments=()))
    words = plan.words()
    base = base_context(shop, words.language)
    # What a program calls "shop" must not take the place of the shop's name and colours.
    values = base | (context or {}) | {"shop": base["shop"]}
    if not is_for_owner or any(each.name == "customer" for each in message_type.contract.entries):
        values = {"customer": _customer(recipient)} | values
    made = worded(
        replace(draft, recipients=(recipient, *owner_copy(plan, shop, message_type))),
        plan,
        message_type,
        storable_data(plain(values)),
    )
    if made.born == State.HELD:
        # Whoever calls should hear of it now; nothing is lost, for nothing was promised.
        render_part(words.subject, "subject", made.context or {})
    return queue(made)


def _customer(recipient: Recipient) -> dict[str, str]:
    return {
        "name": storable(recipient.name),
        "first_name": storable(recipient.name.partition(" ")[0]),
        "email": storable(recipient.address),
    }
