"""What goes into a mail, what comes out, and the two ways in which it can be refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class BadHeader(ValueError):
    """A value that must not enter a header; `field` names it, `reason` is fit to show to staff."""

    def __init__(self, field: str, reason: str | _StrPromise) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class BadBody(BadHeader):
    """A text, HTML or ready-made content that cannot be sent as it stands."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address with the name shown beside it; the name is free text, the address is bare."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file; with a `content_id` and an HTML body it is an inline image (`cid:…`)."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class MailParts:
    """All that a mail is made of; equal parts give equal bytes.

    There is no Bcc: a blind copy is a delivery of its own, and what is not a field cannot leak.
    """

    from_address: str
    to: tuple[Mailbox, ...]
    subject: str
    message_id: str
    date: datetime
    from_name: str = ""
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    # Nobody wrote it by hand: answering machines stay silent. An own ``Auto-Submitted`` goes first.
    is_automatic: bool = False
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """The bytes for the wire: CRLF lines, and 7-bit unless `needs_smtputf8` (RFC 6532)."""

    content: bytes = field(repr=False)
    needs_smtputf8: bool = False
