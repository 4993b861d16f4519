"""A second mail parser, strict and independent of `email`: it accepts only what RFC 5322 allows.

Two parsers that agree are worth more than one: header and address smuggling lives where a
forgiving parser and a strict one read the same bytes differently. It reads what our own writer
makes, and is for checks, not for mail that comes in.
"""

from __future__ import annotations

import base64
import quopri
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

WORD = re.compile(r"=\?utf-8\?([bq])\?([!-~]*?)\?=")
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
MAILBOX = re.compile(
    rf'(?:(?P<name>"(?:[^"\\]|\\.)*"|{ATOM}(?: {ATOM})*) <(?P<angle>[^<>\s,]+)>'
    r"|(?P<bare>[^<>\s,]+))(?:, |$)"
)


class NotStrict(ValueError):
    """The bytes are not as the standards want them."""


def _require(holds: object, problem: str) -> None:
    if not holds:
        raise NotStrict(problem)


@dataclass
class Entity:
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    parts: list[Entity] = field(default_factory=list)

    def get(self, name: str) -> str:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        _require(len(values) <= 1, f"{name} comes {len(values)} times")
        return values[0] if values else ""

    def leaves(self) -> list[Entity]:
        return [leaf for part in self.parts for leaf in part.leaves()] if self.parts else [self]

    @property
    def kind(self) -> str:
        return self.get("Content-Type").split(";")[0]

    @property
    def payload(self) -> bytes:
        _require(all(len(line) <= 76 for line in self.body.split(b"\r\n")), "a long line")
        if self.get("Content-Transfer-Encoding") == "base64":
            return base64.b64decode(self.body.replace(b"\r\n", b""), validate=True)
        _require(self.get("Content-Transfer-Encoding") == "quoted-printable", "another encoding")
        _require(not re.search(rb"=(?!\r\n|[0-9A-F]{2})", self.body), "a stray “=”")
        return quopri.decodestring(self.body)

    @property
    def filename(self) -> str:
        value = self.get("Content-Disposition")
        if plain := re.search(r'filename="([^"\\]*)"', value):
            return plain[1]
        pieces = re.findall(r"filename\*(?:(\d+)\*)?=([^;\s]+)", value)
        numbers = [number for number, _ in pieces]
        _require(numbers in ([""], [str(n) for n in range(len(pieces))]), "a torn file name")
        text = "".join(piece for _, piece in pieces)
        return unquote(text.removeprefix("utf-8''"), errors="strict")


def parse(content: bytes) -> Entity:
    """The mail with its parts. Raises ``NotStrict``, and ``ValueError`` for what is no UTF-8."""
    bare = content.replace(b"\r\n", b"")
    _require(b"\r" not in bare and b"\n" not in bare, "a lone CR or LF")
    _require(content.endswith(b"\r\n"), "the last line has no end")
    _require(max(map(len, content.split(b"\r\n"))) <= 998, "a line beyond RFC 5322 2.1.1")
    return entity(content)


def entity(content: bytes) -> Entity:
    """One part: headers, and a body or parts of its own."""
    head, blank, body = content.partition(b"\r\n\r\n")
    _require(blank, "no blank line after the headers")
    found = Entity(body=body)
    for line in re.sub(r"\r\n(?=[ \t])", "", head.decode()).split("\r\n"):
        name, colon, value = line.partition(": ")
        _require(colon and re.fullmatch(r"[!-9;-~]+", name), line)
        found.headers.append((name, value.strip(" ")))
    for raw in head.split(b"\r\n"):
        _require(raw.strip(), "a folded line holds blanks only")
    if boundary := re.search(r'boundary="([^"]+)"', found.get("Content-Type")):
        mark = b"\r\n--" + boundary[1].encode()
        preamble, *pieces, end = (b"\r\n" + body).split(mark)
        _require((preamble, end) == (b"", b"--\r\n"), "something beside the parts")
        found.parts = [entity(piece.removeprefix(b"\r\n")) for piece in pieces]
    return found


def decode_words(value: str) -> str:
    """Decode each encoded word by itself: a character cut in two raises UnicodeDecodeError."""
    for match in WORD.finditer(value):
        _require(len(match[0]) <= 75, "an encoded word beyond RFC 2047 section 2")
    value = re.sub(r"(\?=)[ ]+(?==\?utf-8\?)", r"\1", value)

    def text(match: re.Match[str]) -> str:
        if match[1] == "b":
            return base64.b64decode(match[2], validate=True).decode()
        return quopri.decodestring(match[2].replace("_", " ").encode()).decode()

    return WORD.sub(text, value)


def mailboxes(value: str) -> list[tuple[str, str]]:
    """Names and addresses of a header. Raises ``NotStrict``."""
    found, place = [], 0
    while place < len(value):
        match = MAILBOX.match(value, place)
        if match is None or match.end() <= place:
            raise NotStrict(f"not a list of mailboxes: {value[place:]}")
        name = match["name"] or ""
        quoted = name.startswith('"')
        name = re.sub(r"\\(.)", r"\1", name[1:-1]) if quoted else decode_words(name)
        found.append((name, match["angle"] or match["bare"]))
        place = match.end()
    return found
