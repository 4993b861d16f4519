"""What happens to one claimed delivery before its session may send it: a list of named steps.

A step returns, or raises ``Stop`` with the state in which the delivery ends up. No step writes
to the database; the session records a Stop in the same place as every other outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from mailaccounts.models import SenderAccount
from mailaccounts.transports import transport_for
from mailaccounts.transports.base import Outgoing, Transport
from maillog import envelope, mime, registry, sizes
from maillog.models import Delivery
from maillog.states import Reason, Role, State
from shops.models.shop import TestMode


@dataclass(slots=True)
class Stop(Exception):
    """This delivery goes no further; ``detail`` is fit to show shop staff."""

    state: State
    reason: Reason = Reason.NONE
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One claimed delivery with what was looked up for its whole batch."""

    delivery: Delivery
    now: datetime
    suppressed: bool = False
    render_problem: Stop | None = None


def process(claim: Claim) -> Outgoing:
    """The delivery, ready for the wire; raises ``Stop`` where a step decides otherwise."""
    for step in STEPS:
        step(claim)
    outgoing = registry.channels[claim.delivery.channel].build(claim.delivery)
    check_size(outgoing)
    return outgoing


def check_size(outgoing: Outgoing) -> None:
    """Not in ``build``: what has left already is shown and filed, however large it is."""
    try:
        sizes.check_message(len(outgoing.content))
    except sizes.MessageTooLarge as error:
        raise Stop(State.FAILED, detail=str(error)) from error


def check_cancelled(claim: Claim) -> None:
    if claim.delivery.cancel_requested:
        raise Stop(State.CANCELLED, Reason.STAFF)


def check_expiry(claim: Claim) -> None:
    if claim.delivery.expires_at <= claim.now:
        raise Stop(State.EXPIRED, detail=_("It was not sent in time and is no longer useful."))


def check_suppression(claim: Claim) -> None:
    if claim.suppressed and claim.delivery.role != Role.COPY:
        raise Stop(State.SUPPRESSED)


def check_test_mode(claim: Claim) -> None:
    """The stricter of the shop's test mode when the message was made and now.

    What was made in test mode stays there; a message made before it was switched on obeys too.
    """
    delivery, message = claim.delivery, claim.delivery.message
    shop = message.shop
    if shop is None or message.is_test:
        return
    modes = {message.test_mode, shop.test_mode}
    if TestMode.HOLD in modes and "approved" not in message.notes:
        raise Stop(State.HELD, Reason.APPROVAL)
    if TestMode.REDIRECT in modes and not delivery.subject_prefix:
        if not shop.test_address:
            raise Stop(State.HELD, Reason.APPROVAL)
        delivery.envelope_to = shop.test_address
        delivery.subject_prefix = "[TEST] "
        delivery.wire_headers = [*delivery.wire_headers, ["X-Original-To", delivery.address]]


def check_body(claim: Claim) -> None:
    """A body that could not be made holds the message; it is not tried again blindly."""
    if claim.render_problem:
        raise claim.render_problem


STEPS = (check_cancelled, check_expiry, check_suppression, check_test_mode, check_body)


class EmailChannel:
    """E-mail: MIME on SMTP or through a provider's API."""

    def build(self, delivery: Delivery) -> Outgoing:
        try:
            built = mime.build(mail_parts(delivery))
            content = mime.prefix_headers(built.content, wire_headers(delivery))
            mail_from = mime.wire_address("From", delivery.message.from_address)
            if delivery.account is not None and delivery.account.tagged_envelope:
                mail_from = envelope.tagged(mail_from, delivery.pk)
        except mime.BadHeader as error:
            is_address = error.field in ("To", "Cc")
            reason = Reason.BAD_ADDRESS if is_address else Reason.NONE
            raise Stop(State.FAILED, reason, str(error)) from error
        return Outgoing(
            delivery_id=delivery.pk,
            fence=delivery.fence,
            mail_from=mail_from,
            rcpt_to=delivery.envelope_to or delivery.address,
            content=content,
            eight_bit=not content.isascii(),
            needs_smtputf8=built.needs_smtputf8 or not delivery.address.isascii(),
        )

    def transport(self, account: SenderAccount) -> Transport:
        return transport_for(account)


def wire_headers(delivery: Delivery) -> list[tuple[str, str]]:
    """Header lines that belong to this delivery alone; a signature stands above all others."""
    own = [(name, value) for name, value in delivery.wire_headers]
    above = sum(name == "DKIM-Signature" for name, _value in own[:1])
    return [*own[:above], ("X-Postroom-Delivery", delivery.pk.hex), *own[above:]]


def mail_parts(delivery: Delivery) -> mime.MailParts:
    """All that the bytes of this delivery are made of, from what is stored: equal on every try."""
    message = delivery.message
    body = message.body
    named = {role: message.addressing.get(role, []) for role in (Role.MAIN, Role.CC)}
    # A blind copy alone, or one beside an address that is none: a mail must name somebody.
    named[Role.MAIN] = named[Role.MAIN] or [["", delivery.address]]
    return mime.MailParts(
        from_address=message.from_address,
        from_name=mime.clean_sender_name(message.from_name),
        to=tuple(mime.Mailbox(address, name) for name, address in named[Role.MAIN]),
        cc=tuple(mime.Mailbox(address, name) for name, address in named[Role.CC]),
        reply_to=(mime.Mailbox(message.reply_to),) if message.reply_to else (),
        subject=f"{delivery.subject_prefix}{message.subject}",
        message_id=message.message_id,
        date=message.created_at,
        text=body.text,
        html=body.html,
        headers=tuple((name, value) for name, value in message.headers),
        is_automatic=True,
        attachments=tuple(
            mime.Attachment(each.name, each.content_type, bytes(each.file.content), each.content_id)
            for each in message.files
        ),
    )
