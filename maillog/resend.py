"""What staff do with a message afterwards: send it again, try again, stop it.

"Send again" makes a new message with its own Message-ID and points back with ``resend_of``;
"try again" goes on with the same one, for mail that never reached a verdict of success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maillog.generation_failure import MENDABLE
from maillog.loading import has_body
from maillog.mending import mend
from maillog.mime import Attachment
from maillog.models import Delivery, MailMessage
from maillog.moves import move
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.requeue import AGAIN_EXPIRES, CannotResend, account_of, put_back
from maillog.states import RETRYABLE, STOPPABLE, Reason, Role, State, UnknownPolicy
from maillog.wake import wake_on_commit
from shops.addresses import is_usable
from shops.models import AuditEntry

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

NO_WORDS = gettext_lazy("There is no text to send: none was made, or it is no longer kept.")
NOT_MADE = gettext_lazy("Its text could not be made. Mend the template and send it from there.")


def send_again(
    message: MailMessage, *, to: str = "", by: AbstractUser | None = None, token: str = ""
) -> MailMessage:
    """A new message with the same words, to the same recipients or to the one address ``to``.

    ``token`` comes from the form: a second click with the same token returns the first one's
    message. The bytes differ only in Message-ID and Date. Raises ``CannotResend``.
    """
    if reason := obstacle(message):
        raise CannotResend(reason)
    occurrence = f"manual:{token or uuid4().hex}"
    with transaction.atomic():
        # Two clicks at once stand in line here: the installation's own mail takes no key.
        MailMessage.objects.select_for_update().get(pk=message.pk)
        earlier = message.resends.filter(occurrence=occurrence).first()
        if earlier is not None:
            return earlier
        made = queue(_draft(message, to, occurrence))
        if made is None:
            raise CannotResend(_("It was sent again already."))
        AuditEntry.note(
            "message.sent_again", shop=message.shop, user=by, target=message.pk, new=str(made.pk)
        )
    return made


def obstacle(message: MailMessage) -> str:
    """Why this message cannot be sent again, in words for staff; empty if it can."""
    if message.sensitive:
        # Its link may have been used or have ended; the shop's software makes a new one.
        return _("It holds a personal link and is not kept; let the shop send a new one.")
    if message.reason == Reason.TEMPLATE:
        return str(NOT_MADE)
    return "" if has_words(message) else str(NO_WORDS)


def has_words(message: MailMessage) -> bool:
    """True if there is a text, or the snapshot to make one from: neither is kept for ever."""
    text = Q(body__isnull=False) & (~Q(body__html="") | ~Q(body__text=""))
    return MailMessage.objects.filter(text | Q(context__isnull=False), pk=message.pk).exists()


def _draft(message: MailMessage, to: str, occurrence: str) -> Draft:
    body = Body(message.body.html, message.body.text) if has_body(message) else None
    return Draft(
        message_type=message.message_type,
        shop=message.shop,
        account=account_of(message),
        recipients=(Recipient(to),) if to else tuple(_recipients(message)),
        expires_in=max(message.lifetime, AGAIN_EXPIRES),
        occurrence=occurrence,
        subject=message.subject,
        body=body,
        context=message.context,
        template_version=message.template_version,
        attachments=tuple(_attachments(message)),
        headers=tuple((name, value) for name, value in message.headers),
        language=message.language,
        order_number=message.order_number,
        reply_to=message.reply_to,
        critical=message.critical,
        unknown_policy=UnknownPolicy(message.unknown_policy),
        resend_of=message,
    )


def _recipients(message: MailMessage) -> list[Recipient]:
    names = {
        address: name
        for role in (Role.MAIN, Role.CC)
        for name, address in message.addressing.get(role, [])
    }
    return [
        Recipient(each.address, names.get(each.address, ""), Role(each.role))
        for each in message.deliveries.filter(role__in=(Role.MAIN, Role.CC, Role.BCC))
    ]


def _attachments(message: MailMessage) -> list[Attachment]:
    return [
        Attachment(each.name, each.content_type, bytes(each.file.content), each.content_id)
        for each in message.attachments.select_related("file")
    ]


def try_again(message: MailMessage, by: AbstractUser | None = None) -> int:
    """Puts failed, held, expired and uncertain deliveries back into the queue; returns how many.

    Same Message-ID, so a mailbox that has it already shows it once. What waited for approval is
    approved by this; what could not be made is made anew (``mend``). Raises ``CannotResend`` where
    there is no text or no account to send from.
    """
    if message.deliveries.filter(MENDABLE).exists():
        return mend(message, by)
    if not has_words(message):
        raise CannotResend(NO_WORDS)
    with transaction.atomic():
        waiting = _tryable(message)
        if not waiting:
            return 0
        if Reason.APPROVAL in waiting.values():
            message.notes = [*message.notes, "approved"]
        put_back(message, waiting, "notes")
        AuditEntry.note("message.tried_again", shop=message.shop, user=by, target=message.pk)
    if message.account_id:
        wake_on_commit(message.account_id)
    return len(waiting)


def _tryable(message: MailMessage) -> dict[UUID, str]:
    """Deliveries that may be tried again, with the reason they stopped for; they are locked.

    Raises ``CannotResend`` if nothing is wrong but their addresses: trying changes no address.
    """
    # Before the message: an outcome that comes late locks its delivery first, then the message.
    rows = message.deliveries.exclude(role=Role.IMAP).order_by("pk")
    rows = rows.filter(state__in=(*RETRYABLE, State.UNKNOWN))
    found = list(rows.select_for_update().values_list("pk", "reason", "address"))
    usable = {pk: reason for pk, reason, address in found if is_usable(address)}
    if found and not usable:
        raise CannotResend(
            _("The address cannot be written to. Send the message again to another one.")
        )
    return usable


def cancel(message: MailMessage, by: AbstractUser | None = None) -> int:
    """Stops what has not left yet; returns how many deliveries were stopped or asked to stop.

    A delivery that is being sent is stopped at its dot gate if it is not past it.
    """
    with transaction.atomic():
        # All are locked before any is looked at: one that is given back or claimed meanwhile
        # would be in neither look. And before the message, as an outcome does.
        # The copy in the Sent folder tells of what has left already.
        rows = message.deliveries.exclude(role=Role.IMAP).select_for_update().order_by("pk")
        states = dict(rows.values_list("pk", "state"))
        waiting = [pk for pk, state in states.items() if state in STOPPABLE]
        sending = [pk for pk, state in states.items() if state == State.CLAIMED]
        Delivery.objects.filter(pk__in=sending).update(cancel_requested=True)
        if waiting:
            move(Q(pk__in=waiting), State.CANCELLED, reason=Reason.STAFF, ended_at=timezone.now())
        if waiting or sending:
            AuditEntry.note("message.cancelled", shop=message.shop, user=by, target=message.pk)
    return len(waiting) + len(sending)
