"""Header lines that say what was meant and nothing else: folding, encoded words, mailboxes.

Every value passes `refuse_controls` here, whatever was checked before: a line break that gets
into a header makes further headers (CVE-2024-6923, CVE-2026-1299), and interpreters in the field
are old.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from django.utils.translation import gettext_lazy as _

from maillog.mime.parts import BadBody, BadHeader, Mailbox
from shops.addresses import EmailAddressInvalid, parse_address

LINE = 78  # RFC 5322 §2.1.1: should; the hard limit is 998
WORD_LINE = 76  # RFC 2047 §2: a line that holds an encoded word
WORD_FRAME = len("=?utf-8?q??=")
WORD_TEXT = 75 - WORD_FRAME
LONGEST_CHAR = len("=F0=9F=93=A6")
LONGEST_VALUE = 2000
SENDER_NAME = 70

# Line and paragraph separators count as line breaks for Python's own mail parser.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN = re.compile(r"(?:[!-~]{1,900}(?: [!-~]{1,900})*)?")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)
_SENDER_NOISE = re.compile(r'[@:,"\s]+')
_CUSTOM_NAME = re.compile(r"X-[A-Za-z0-9-]{1,60}", re.IGNORECASE)
_DKIM_VALUE = re.compile(r"[!-~](?:[ \t]*[!-~]|\r\n[ \t]+[!-~])*")

# Their values are read by programs: ASCII as it stands, never an encoded word. `Precedence` is
# not among them: it was never standard, and RFC 3834 §5 gives its job to Auto-Submitted.
STRUCTURED_NAMES = {
    name.lower(): name for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted")
}

# RFC 2047 §5 (3): the few characters that may stand for themselves in every place.
_Q_ITSELF = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = tuple(
    chr(byte) if byte in _Q_ITSELF else "_" if byte == 0x20 else f"={byte:02X}"
    for byte in range(256)
)


_Q_SHORT = bytes([*_Q_ITSELF, 0x20])


def refuse_controls(field: str, value: str) -> None:
    """Raise BadHeader for line breaks, NUL, other control characters and half characters."""
    if not value.isprintable() and _CONTROLS.search(value):
        raise BadHeader(field, _("contains a line break or another control character"))
    if len(value) > LONGEST_VALUE:
        raise BadHeader(field, _("is longer than 2,000 characters"))


def clean_sender_name(name: str) -> str:
    """Return a From name without `@ : , "`, cut to 70 characters.

    With them Microsoft treats the sender as a phisher, or sees no sender at all.
    """
    return _SENDER_NOISE.sub(" ", name).strip()[:SENDER_NAME].rstrip()


@lru_cache(maxsize=4096)
def _q(char: str) -> str:
    return "".join([_Q[byte] for byte in char.encode()])


def _b(chars: list[str]) -> str:
    return b2a_base64("".join(chars).encode(), newline=False).decode()


def cut(units: Sequence[str], sizes: Iterable[int], first: int, room: int) -> Iterator[list[str]]:
    """Yield runs of units whose sizes sum up to at most `first`, and `room` from the second on."""
    start = used = 0
    for index, size in enumerate(sizes):
        if used + size > first:
            yield list(units[start:index])
            start, used, first = index, 0, room
        used += size
    yield list(units[start:])


def encoded_words(value: str, used: int) -> str:
    """Return `value` as RFC 2047 words of at most 75 characters, one a line.

    `used` is the number of columns already taken on the first line. A character is never cut in
    two; Q or B is taken for all words, whichever is shorter.
    """
    lead = ""
    if WORD_LINE - used - WORD_FRAME < LONGEST_CHAR:
        lead, used = "\r\n ", 1
    first = min(WORD_TEXT, WORD_LINE - used - WORD_FRAME)
    data = value.encode()
    q_size = len(data) + 2 * len(data.translate(None, _Q_SHORT))
    if 3 * q_size <= 4 * len(data):
        units = [_q(char) for char in value]
        sizes = [len(unit) for unit in units]
        runs = cut(units, sizes, first, WORD_TEXT)
        words = [f"=?utf-8?q?{''.join(run)}?=" for run in runs]
    elif len(data) <= first // 4 * 3:
        words = [f"=?utf-8?b?{b2a_base64(data, newline=False).decode()}?="]
    else:
        sizes = [len(char.encode()) for char in value]
        runs = cut(value, sizes, first // 4 * 3, WORD_TEXT // 4 * 3)
        words = [f"=?utf-8?b?{_b(run)}?=" for run in runs]
    return lead + "\r\n ".join(words)


def _fold(value: str, used: int) -> str:
    """Break at single spaces, so that unfolding (RFC 5322 §2.2.3) gives the same text back."""
    if used + len(value) <= LINE:
        return value
    first, *rest = value.split(" ")
    out, used = [first], used + len(first)
    for word in rest:
        fits = used + 1 + len(word) <= LINE
        out.append(f" {word}" if fits else f"\r\n {word}")
        used = (used if fits else 0) + 1 + len(word)
    return "".join(out)


@lru_cache(maxsize=1024)
def unstructured(name: str, value: str) -> str:
    """Return the line(s) of a free-text header such as Subject, without the last line break."""
    refuse_controls(name, value)
    used = len(name) + 2
    if "=?" not in value and _PLAIN.fullmatch(value):
        return f"{name}: {_fold(value, used)}"
    return f"{name}: {encoded_words(value, used)}"


@lru_cache(maxsize=1024)
def _phrase(name: str, used: int) -> str:
    """Return a display name as atoms, quoted string or encoded words (RFC 5322 §3.2.5)."""
    if name.isascii() and len(name) <= 60 and "=?" not in name:
        if _ATOMS.fullmatch(name):
            return name
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return encoded_words(name, used)


def wire_address(field: str, address: str) -> str:
    """Return the address as it goes on the wire: IDN domain as A-label, one address only."""
    if len(address) <= 254 and _ADDRESS.fullmatch(address) and address.find("@") <= 64:
        return address
    try:
        parsed = parse_address(address, allow_utf8_local=True)
    except EmailAddressInvalid as refusal:
        raise BadHeader(field, refusal.reason) from refusal
    if parsed.name:
        raise BadHeader(field, _("the name belongs in its own field"))
    return parsed.address


def _mailbox(field: str, mailbox: Mailbox, used: int) -> str:
    address = wire_address(field, mailbox.address)
    refuse_controls(field, mailbox.name)
    name = " ".join(mailbox.name.split())
    if not name:
        return address
    phrase = _phrase(name, used)
    columns = len(phrase) - phrase.rfind("\n") - 1 + (0 if "\n" in phrase else used)
    gap = " " if columns + len(address) + 3 <= LINE else "\r\n "
    return f"{phrase}{gap}<{address}>"


def mailboxes(field: str, boxes: Iterable[Mailbox]) -> str:
    """Return an address header, one mailbox a line: a comma in a name never makes a second one."""
    lines = []
    used = len(field) + 2
    for box in boxes:
        lines.append(_mailbox(field, box, used))
        used = 1
    return f"{field}: " + ",\r\n ".join(lines)


def _structured(name: str, value: str) -> str:
    refuse_controls(name, value)
    if "=?" in value or not value or not _PLAIN.fullmatch(value):
        raise BadHeader(name, _("may hold plain letters, digits and signs only"))
    return f"{name}: {_fold(value, len(name) + 2)}"


def custom_header(name: str, value: str) -> str:
    """Return the line(s) of a header that the caller named; raise BadHeader for any other name."""
    if canonical := STRUCTURED_NAMES.get(name.lower()):
        return _structured(canonical, value)
    if not name.isascii() or not _CUSTOM_NAME.fullmatch(name):
        raise BadHeader(name[:80], _("is not a header that may be set; use a name such as X-…"))
    return unstructured(name, value)


def custom_headers(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return all headers of the caller; raise BadHeader when a name comes twice."""
    lines: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in lines:
            raise BadHeader(name[:80], _("is given twice"))
        lines[name.lower()] = custom_header(name, value)
    return list(lines.values())


def prefix_headers(content: bytes, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return `content` with header lines in front: custom ones, or `DKIM-Signature`.

    A signature is written as it comes (its folds are part of what was signed); everything else is
    encoded as in `build`. Raises BadHeader, and BadBody where `content` does not begin with a
    header, because the last line would then run on into it.
    """
    if not re.match(rb"[!-9;-~]+:", content):
        raise BadBody("content", _("does not begin with a header"))
    lines = []
    for name, value in headers:
        if name.lower() != "dkim-signature":
            lines.append(custom_header(name, value))
        elif not _DKIM_VALUE.fullmatch(value):
            raise BadHeader(name, _("contains a line break or another control character"))
        else:
            lines.append(f"DKIM-Signature: {value}")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii") + content
