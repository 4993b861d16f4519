"""From the finished bytes of a mail back to what a provider's API asks for.

An API makes the mail itself: what reaches the reader has the same subject, texts, attachments,
sender and answers-to address, not the same bytes.
"""

from __future__ import annotations

import email
import re
from email.headerregistry import Address
from email.message import EmailMessage as Parsed
from email.policy import SMTP
from typing import Any

from django.core.mail import EmailMultiAlternatives

from mailaccounts.esp.schema import Provider
from mailaccounts.transports.base import Outgoing

# The API makes these itself, from fields of its own or by its own rules.
_MADE_THERE = frozenset(
    {
        "from", "sender", "to", "cc", "bcc", "subject", "reply-to", "date", "mime-version",
        "return-path", "received", "dkim-signature", "message-id",
    }
)  # fmt: skip
# Useful to machines, and the mail is the same without them.
_OUR_NOTES = re.compile(r"(?i)x-postroom-[a-z-]+|x-original-to|auto-submitted|feedback-id")


class NotCarried(ValueError):
    """The provider has no way to carry a part of the mail; ``str()`` names that part."""


def rebuild(item: Outgoing, provider: Provider) -> EmailMultiAlternatives:
    """The mail for the envelope's recipient alone. Raises ``NotCarried``."""
    parsed = email.message_from_bytes(item.content, policy=SMTP)
    assert isinstance(parsed, Parsed)
    message = EmailMultiAlternatives(
        subject=str(parsed["Subject"] or ""),
        from_email=_one(parsed, "From"),
        to=[_named(item.rcpt_to, parsed)],
        reply_to=_reply_to(parsed),
        headers=_headers(parsed, provider, item),
    )
    _fill(message, parsed)
    if message.reply_to and not provider.reply_to:
        raise NotCarried("another address for answers (Reply-To)")
    if message.attachments and not provider.attachments:
        raise NotCarried("attachments")
    if not provider.inline_images and any(_is_inline(each) for each in message.attachments):
        raise NotCarried("inline attachments")
    return message


def _fill(message: EmailMultiAlternatives, parsed: Parsed) -> None:
    """The first text and the first HTML are the mail's own words; everything else is a file."""
    text: str | None = None
    html: str | None = None
    for part in parsed.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        is_file = part.get_content_disposition() == "attachment" or part.get_filename()
        if kind == "text/plain" and text is None and not is_file:
            text = _words(part)
        elif kind == "text/html" and html is None and not is_file:
            html = _words(part)
        else:
            message.attachments.append(part)
    if text is None and html is not None:
        message.body, message.content_subtype = html, "html"
        return
    message.body = text or ""
    if html is not None:
        message.attach_alternative(html, "text/html")


def _words(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def _is_inline(part: Any) -> bool:
    return str(part.get_content_disposition()) == "inline"


def _mailboxes(parsed: Parsed, name: str) -> tuple[Address, ...]:
    return tuple(getattr(parsed[name], "addresses", ()))


def _one(parsed: Parsed, name: str) -> str:
    return str(next(iter(_mailboxes(parsed, name)), ""))


def _reply_to(parsed: Parsed) -> list[str]:
    return [str(each) for each in _mailboxes(parsed, "Reply-To")]


def _named(address: str, parsed: Parsed) -> str:
    """``address`` with the name that the mail's own headers give it, if they do."""
    for each in (*_mailboxes(parsed, "To"), *_mailboxes(parsed, "Cc")):
        if each.addr_spec == address:
            return str(each)
    return address


def _headers(parsed: Parsed, provider: Provider, item: Outgoing) -> dict[str, str]:
    """The headers that go along; raises ``NotCarried`` for one that would be lost."""
    kept = {
        name: str(value)
        for name, value in parsed.items()
        if name.lower() not in _MADE_THERE and not name.lower().startswith("content-")
    }
    if not provider.headers:
        lost = next((name for name in kept if not _OUR_NOTES.fullmatch(name)), None)
        if lost:
            raise NotCarried(f"the header {lost}")
        kept = {}
    if provider.message_id and parsed["Message-ID"]:
        kept["Message-ID"] = str(parsed["Message-ID"])
    if provider.idempotency_header:
        kept[provider.idempotency_header] = str(item.delivery_id)
    return {**kept, **provider.extra_headers}
