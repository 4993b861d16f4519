"""The writer: `build(parts)` gives RFC 5322 bytes for the wire.

`email.message.EmailMessage` needs thirty times as long and would be the dearest step of a
delivery (`python -m bench.mime`). What this one writes is held by property tests against the
standard library's parsers and a strict one. Equal parts give equal bytes, so that a retry, the
log's .eml and the copy in the Sent folder are the same message.
"""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from binascii import b2a_base64, b2a_qp
from email.utils import format_datetime
from hashlib import blake2b
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from maillog.mime.headers import (
    clean_sender_name,
    custom_headers,
    cut,
    mailboxes,
    refuse_controls,
    unstructured,
)
from maillog.mime.parts import Attachment, BadBody, BadHeader, Built, Mailbox, MailParts
from shops.addresses import domain_to_ascii

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,200}@[A-Za-z0-9.-]{1,253}>")
_CONTENT_TYPE = re.compile(
    r"(?!multipart/|message/)[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+_-]{0,100}"
    r"(?:; ?charset=[a-z0-9_.:-]{1,40})?",
    re.IGNORECASE,
)
_CONTENT_ID = re.compile(r"[A-Za-z0-9._+=@-]{1,200}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 !#$&'()+,.;=@^_`{}~\[\]-]{1,60}")
_LONGEST_NAME = 200
_PARAMETER = 60  # with its name and a semicolon within 78 columns

_QP_77 = re.compile(rb"^([^\r\n]{74})(=20|=09)(?=\r$)", re.MULTILINE)

# What quoted-printable leaves alone; every other byte takes three characters.
_QP_ITSELF = b"\t\r\n" + bytes(byte for byte in range(0x20, 0x7F) if byte != 0x3D)


def make_message_id(domain: str) -> str:
    """Return a fresh `<base32 of 128 random bits@domain>`; raises EmailAddressInvalid."""
    token = b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
    return f"<{token}@{domain_to_ascii(domain)}>"


def build(parts: MailParts) -> Built:
    """Return the bytes of the mail, lines at most 998 long and nearly always at most 78.

    Line ends of the bodies become CRLF and a missing last one is added; nothing else is changed.
    Raises BadHeader and BadBody, which name the field.
    """
    head = "\r\n".join(_head(parts))
    content = b"".join([head.encode(), b"\r\nMIME-Version: 1.0\r\n", _entity(parts)])
    return Built(content, needs_smtputf8=not head.isascii())


def _head(parts: MailParts) -> list[str]:
    if not parts.to:
        raise BadHeader("To", _("names nobody"))
    if not _MESSAGE_ID.fullmatch(parts.message_id):
        raise BadHeader("Message-ID", _("is not of the form <something@domain>"))
    if parts.date.utcoffset() is None:
        raise BadHeader("Date", _("has no time zone"))
    refuse_controls("From", parts.from_name)
    sender = Mailbox(parts.from_address, clean_sender_name(parts.from_name))
    lines = [mailboxes("From", (sender,)), mailboxes("To", parts.to)]
    if parts.cc:
        lines.append(mailboxes("Cc", parts.cc))
    if parts.reply_to:
        lines.append(mailboxes("Reply-To", parts.reply_to))
    lines += [
        unstructured("Subject", parts.subject),
        f"Date: {format_datetime(parts.date)}",
        f"Message-ID: {parts.message_id}",
    ]
    if parts.headers:
        lines += custom_headers(parts.headers)
    if parts.is_automatic and not _says_itself(parts):
        lines.append("Auto-Submitted: auto-generated")  # RFC 3834 section 5
    return lines


def _says_itself(parts: MailParts) -> bool:
    return any(name.lower() == "auto-submitted" for name, _value in parts.headers)


def _entity(parts: MailParts) -> bytes:
    """Return Content-Type and what follows: mixed(alternative(text, related(html, images)), …)."""
    # "=_" stands in neither quoted-printable nor base64, so a boundary never occurs in a body.
    mark = "=_" + blake2b(parts.message_id.encode(), digest_size=12).hexdigest()
    inline = [file for file in parts.attachments if file.content_id and parts.html]
    files = [file for file in parts.attachments if not (file.content_id and parts.html)]
    entities = []
    if parts.text or not parts.html:
        entities.append(_text_part("text", "plain", parts.text))
    if parts.html:
        page = _text_part("html", "html", parts.html)
        images = [_file_part(file, "inline") for file in inline]
        kind = 'related; type="text/html"'
        entities.append(_multipart(kind, f"{mark}r", [page, *images]) if images else page)
    if len(entities) == 2:
        entities = [_multipart("alternative", f"{mark}a", entities)]
    if files:
        entities += [_file_part(file, "attachment") for file in files]
        return _multipart("mixed", f"{mark}m", entities)
    return entities[0]


def _multipart(kind: str, boundary: str, entities: list[bytes]) -> bytes:
    line = boundary.encode()
    pieces = [f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n'.encode()]
    for entity in entities:
        pieces += (b"\r\n--", line, b"\r\n", entity)
    pieces += (b"\r\n--", line, b"--\r\n")
    return b"".join(pieces)


def _wire_text(field: str, text: str) -> bytes:
    """Return UTF-8 with CRLF line ends; a lone CR counts as one (RFC 5322 §2.3 bans it)."""
    if "\0" in text:
        raise BadBody(field, _("contains a NUL character"))
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise BadBody(field, _("contains half of a character (a lone surrogate)")) from error
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data and not data.endswith(b"\n"):
        data += b"\n"
    return data.replace(b"\n", b"\r\n")


def _text_part(field: str, subtype: str, text: str) -> bytes:
    data = _wire_text(field, text)
    dear = len(data.translate(None, _QP_ITSELF))
    # Base64 takes 1.37 characters a byte; quoted-printable 1, 3 for a dear one, and its breaks.
    if 1.04 * (len(data) + 2 * dear) <= 1.37 * len(data):
        encoding, body = b"quoted-printable", _quoted_printable(data)
    else:
        encoding, body = b"base64", _base64_lines(data)
    return b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (
        subtype.encode(),
        encoding,
        body,
    )


def _quoted_printable(data: bytes) -> bytes:
    """Return RFC 2045 §6.7 lines of at most 76 characters, none of them a single dot."""
    body = b2a_qp(data, istext=True)
    # Two slips of b2a_qp: after a soft break a dot may stand alone (the end of DATA for a relay
    # that forgets to double it), and a blank before a line end may make 77 columns.
    body = body.replace(b"=\r\n.\r\n", b"=\r\n=2E\r\n")
    if b"=20\r\n" in body or b"=09\r\n" in body:
        body = _QP_77.sub(rb"\1=\r\n\2", body)
    return body


def _base64_lines(data: bytes) -> bytes:
    text = b2a_base64(data, newline=False)
    lines = [text[start : start + 76] for start in range(0, len(text), 76)]
    return b"\r\n".join([*lines, b""])


def _file_part(file: Attachment, disposition: str) -> bytes:
    if not _CONTENT_TYPE.fullmatch(file.content_type):
        raise BadHeader("attachment type", _("is not a type such as application/pdf"))
    head = [
        f"Content-Type: {file.content_type}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {disposition};{_file_name(file.name)}",
    ]
    if file.content_id:
        if not _CONTENT_ID.fullmatch(file.content_id):
            raise BadHeader("Content-ID", _("may hold plain letters, digits and . _ + = @ - only"))
        head.append(f"Content-ID: <{file.content_id}>")
    return "\r\n".join([*head, "", ""]).encode() + _base64_lines(file.content)


def _file_name(name: str) -> str:
    """Return the `filename` parameter, in RFC 2231 pieces where it is long or not plain ASCII.

    Slashes become dashes: an invoice FV/12/2026 is no path, and readers would cut it to "2026".
    """
    refuse_controls("attachment name", name)
    name = re.sub(r"[/\\]", "-", name).strip()
    if not name or len(name) > _LONGEST_NAME:
        raise BadHeader("attachment name", _("is empty or longer than 200 characters"))
    if _PLAIN_NAME.fullmatch(name):
        return f'\r\n filename="{name}"'
    units = ["utf-8''", *(quote(char, safe="!#$&+.^_`{}~-") for char in name)]
    sizes = [len(unit) for unit in units]
    if sum(sizes) <= _PARAMETER:
        return f"\r\n filename*={''.join(units)}"
    runs = cut(units, sizes, _PARAMETER, _PARAMETER)
    return ";".join(f"\r\n filename*{place}*={''.join(run)}" for place, run in enumerate(runs))
