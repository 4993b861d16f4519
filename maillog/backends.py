"""Django's own mail goes through the outbox too: logged, retried, visible.

``MAILERS["default"]`` names this backend, so any ``send_mail()`` (log-in, invitations, alarms, a
shop developer's own code) becomes a message of type ``system.…`` that leaves through the
installation's system account.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from mailaccounts.models import system_account
from maillog.mime import Attachment
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.sizes import check_file
from maillog.states import Role, UnknownPolicy
from shops.addresses import EmailAddressInvalid, parse_address
from shops.storable import storable

TYPE_HEADER = "X-Postroom-Type"
SYSTEM_EXPIRES = timedelta(hours=48)
# Mail inside mail is not read by the log's viewer; it travels as a file.
OPAQUE = "application/octet-stream"


class OutboxBackend(BaseEmailBackend):
    """Queues instead of sending. Takes part in the caller's transaction.

    Raises ``FileTooLarge`` for an attachment beyond ``MAX_ATTACHMENT_BYTES``.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return sum(queue(draft_from(message)) is not None for message in email_messages)


def draft_from(message: EmailMessage) -> Draft:
    """A ready-made draft. The header ``X-Postroom-Type: system.invitation`` names its type;
    mail without one is ``system.mail``. Both kinds may carry links that sign somebody in, so
    their bodies are never shown or copied."""
    code = str(message.extra_headers.get(TYPE_HEADER, "system.mail"))
    text, html = _bodies(message)
    return Draft(
        message_type=code if code.startswith("system.") and len(code) <= 80 else "system.mail",
        shop=None,
        account=system_account(),
        recipients=_recipients(message),
        expires_in=SYSTEM_EXPIRES,
        once=False,
        subject=" ".join(str(message.subject).split()),
        body=Body(html=html, text=text),
        attachments=tuple(_attachments(message)),
        headers=_custom_headers(message),
        reply_to=_reply_to(message),
        sensitive=True,
        priority=2,
        unknown_policy=UnknownPolicy.REPEAT_NOW,
    )


def _bodies(message: EmailMessage) -> tuple[str, str]:
    if message.content_subtype == "html":
        return "", str(message.body)
    html = [
        str(each.content)
        for each in getattr(message, "alternatives", [])
        if each.mimetype == "text/html"
    ]
    return str(message.body), html[0] if html else ""


def _recipients(message: EmailMessage) -> tuple[Recipient, ...]:
    roles = ((message.to, Role.MAIN), (message.cc, Role.CC), (message.bcc, Role.BCC))
    return tuple(
        Recipient(str(address), role=role) for addresses, role in roles for address in addresses
    )


def _reply_to(message: EmailMessage) -> str:
    """The first of the addresses for answers, without its name; empty if it is none."""
    try:
        return parse_address(str(message.reply_to[0])).address if message.reply_to else ""
    except EmailAddressInvalid:
        return ""


def _custom_headers(message: EmailMessage) -> tuple[tuple[str, str], ...]:
    """The caller's own ``X-`` headers; ours (``X-Postroom-…``) cannot be set from outside."""
    return tuple(
        (name, str(value))
        for name, value in message.extra_headers.items()
        if name.lower().startswith("x-") and not name.lower().startswith("x-postroom-")
    )


def _attachments(message: EmailMessage) -> list[Attachment]:
    found = []
    for each in message.attachments:
        name, content, content_type = _parts(each)
        data = storable(content).encode() if isinstance(content, str) else bytes(content)
        check_file(name or "file", len(data))
        nested = content_type.startswith(("message/", "multipart/"))
        found.append(Attachment(name or "file", OPAQUE if nested else content_type or OPAQUE, data))
    return found


def _parts(attachment: Any) -> tuple[str, Any, str]:
    """Django keeps attachments as named tuples or as parts of the standard library."""
    if isinstance(attachment, tuple):
        name, content, content_type = attachment
        return str(name or ""), content, str(content_type or "")
    return (
        attachment.get_filename() or "",
        attachment.get_payload(decode=True) or b"",
        attachment.get_content_type(),
    )
