"""The reader for the log's viewer and the demo mailbox: any bytes in, something to show out.

The standard library does the parsing. Nothing here raises: what cannot be read is shown as raw
text, because a mail that breaks the page that should explain it helps nobody.
"""

from __future__ import annotations

import re
from codecs import lookup
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

_FOLD = re.compile(r"\r?\n(?=[ \t])")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_LOST = re.compile("[\x00\ud800-\udc7f\udd00-\udfff]")
_NO_CHARSETS = ("idna", "punycode")  # need quadratic time (CVE-2022-45061) and are for names only


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """A file found in a mail."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str = ""

    @property
    def size(self) -> int:
        """Return the decoded size in bytes."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """Bodies (line ends are `\\n`) and files of a mail."""

    html: str = ""
    text: str = ""
    attachments: tuple[ParsedAttachment, ...] = ()


def headers_of(content: bytes) -> list[tuple[str, str]]:
    """Return names and decoded values in their order, for display only."""
    end = _HEADER_END.search(content)
    head = content[: end.start()] if end else content
    message = BytesParser(policy=compat32).parsebytes(head, headersonly=True)
    return [(_fit(name), _decoded(_FOLD.sub("", value))) for name, value in message.raw_items()]


def parse_parts(content: bytes) -> ParsedMail:
    """Return the bodies and files of a mail; the raw text where it cannot be taken apart."""
    try:
        return _taken_apart(BytesParser(policy=compat32).parsebytes(content))
    except Exception:
        # The parser's failures on garbage are an open set (RecursionError on nested parts,
        # AttributeError, UnicodeError, …), and each release of Python changes it.
        return ParsedMail(text=_line_ends(content.decode(errors="replace")))


def _taken_apart(message: Message) -> ParsedMail:
    bodies: dict[str, str] = {}
    attachments = []
    for part in _leaves(message):
        kind = _fit(part.get_content_type())
        payload = _payload(part)
        name = _decoded(part.get_filename() or "")
        is_file = bool(name) or part.get_content_disposition() == "attachment"
        if kind in ("text/plain", "text/html") and kind not in bodies and not is_file:
            bodies[kind] = _line_ends(_text(payload, part.get_content_charset() or "utf-8"))
        else:
            content_id = _fit(str(part.get("Content-ID", ""))).strip("<> \r\n")
            attachments.append(ParsedAttachment(name or kind, kind, payload, content_id))
    return ParsedMail(bodies.get("text/html", ""), bodies.get("text/plain", ""), tuple(attachments))


def _leaves(message: Message) -> list[Message]:
    """Return the parts that hold something; an attached message is one, not its parts."""
    leaves, waiting = [], [message]
    while waiting:
        part = waiting.pop()
        inner = part.get_payload() if part.get_content_maintype() == "multipart" else None
        if isinstance(inner, list):
            waiting.extend(item for item in reversed(inner) if isinstance(item, Message))
        else:
            leaves.append(part)
    return leaves


def _payload(part: Message) -> bytes:
    if part.is_multipart():
        inner = part.get_payload(0)
        return inner.as_bytes() if isinstance(inner, Message) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(data: bytes, charset: str) -> str:
    try:
        if lookup(charset).name in _NO_CHARSETS:
            charset = "utf-8"
        return _fit(data.decode(charset, errors="replace"))
    except (LookupError, ValueError):
        return _fit(data.decode(errors="replace"))


def _decoded(value: str) -> str:
    """Return a header value with its encoded words read; the raw value where they are broken."""
    try:
        pieces = decode_header(value)
    except (MessageError, ValueError, LookupError):
        return _fit(value).strip()
    text = "".join(
        piece if isinstance(piece, str) else _text(piece, charset or "utf-8")
        for piece, charset in pieces
    )
    return _fit(text).strip()


def _fit(value: str) -> str:
    """Return text that a page and a database take; bytes the parser smuggled in are UTF-8."""
    if not _UNFIT.search(value):
        return value
    value = _LOST.sub("\ufffd", value)
    return value.encode(errors="surrogateescape").decode(errors="replace")


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
