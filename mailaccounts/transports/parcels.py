"""A message made ready for SMTP: dot-stuffed text, envelope commands, and whether it may go.

The checks here are a second line: the composer has refused bad addresses and line ends long
before. What slips through must still not become a command or a second message on the wire.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from mailaccounts.transports.base import AnswerClass, Outgoing
from mailaccounts.transports.smtp_opening import Link

# Everything that could end the path or the line. Length: RFC 5321 section 4.5.3.1.3.
_PATH = re.compile(r"[^\s<>\x00-\x1f\x7f]{1,254}")


class Unsendable(ValueError):
    """``item`` would break SMTP; that is a bug of ours and no server was told about it.

    ``item`` has neither an outcome nor been released: the caller holds it for people to look at.
    """

    def __init__(self, item: Outgoing, problem: str) -> None:
        super().__init__(problem)
        self.item = item


@dataclass(frozen=True, slots=True)
class Parcel:
    """``body`` is dot-stuffed and ends with CRLF; ``problem`` says why it must not be sent."""

    item: Outgoing
    body: bytes
    problem: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why this server cannot carry the message, known from its answer to EHLO."""

    answer: AnswerClass
    text: str


def pack(item: Outgoing) -> Parcel:
    """Check ``item`` and make its text transparent (RFC 5321 section 4.5.2)."""
    problem = _problem(item)
    return Parcel(item, b"" if problem else stuffed(item.content), problem)


def stuffed(content: bytes) -> bytes:
    """Double the dots that begin a line, and end the last line."""
    body = content.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def envelope(item: Outgoing, link: Link) -> tuple[bytes, bytes, bytes]:
    """MAIL, RCPT and DATA for ``item``, with the parameters that the server knows."""
    options = f" SIZE={len(item.content)}" if link.takes_size else ""
    if item.eight_bit:
        options += " BODY=8BITMIME"
    if item.needs_smtputf8:
        options += " SMTPUTF8"
    return (
        f"MAIL FROM:<{item.mail_from}>{options}\r\n".encode(),
        f"RCPT TO:<{item.rcpt_to}>\r\n".encode(),
        b"DATA\r\n",
    )


def unfit(item: Outgoing, link: Link) -> Unfit | None:
    """Say what ``item`` needs and this server does not have; None = it can go."""
    if link.size_limit and len(item.content) > link.size_limit:
        sizes = {
            "size": number_format(len(item.content), force_grouping=True),
            "limit": number_format(link.size_limit, force_grouping=True),
        }
        text = _("The message has %(size)s bytes, the server takes at most %(limit)s.") % sizes
        return Unfit(AnswerClass.SIZE, text)
    if item.needs_smtputf8 and not link.smtputf8:
        text = _("The server cannot deliver to addresses with letters outside ASCII (SMTPUTF8).")
        return Unfit(AnswerClass.CAPABILITY, text)
    if item.eight_bit and not link.eight_bit:
        text = _("The server takes no 8-bit text, and this message was not made without it.")
        return Unfit(AnswerClass.CAPABILITY, text)
    return None


def _problem(item: Outgoing) -> str:
    content = item.content
    line_ends = content.count(b"\r\n")
    if content.count(b"\n") != line_ends or content.count(b"\r") != line_ends:
        return "a bare CR or LF in the text: some servers would see a second message (smuggling)"
    if not content.isascii() and not item.eight_bit:
        return "8-bit text that is not declared"
    if not _PATH.fullmatch(item.rcpt_to) or (
        item.mail_from and not _PATH.fullmatch(item.mail_from)
    ):
        return "an address that would break its SMTP command"
    if not item.needs_smtputf8 and not (item.rcpt_to.isascii() and item.mail_from.isascii()):
        return "an address outside ASCII without SMTPUTF8"
    return ""
