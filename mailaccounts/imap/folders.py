"""Folders as an IMAP server lists them, and which of them is for sent mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imap_tools.imap_utf7 import utf7_decode, utf7_encode

LONGEST_NAME = 255  # what the account's column holds
MOST_FOLDERS = 1000

# RFC 3501 section 7.2.2: (flags) delimiter name; the name is quoted, an atom or a literal.
_LISTED = re.compile(rb'\((?P<flags>[^()]*)\) (?:NIL|"(?:\\.|[^"\\])") ?(?P<name>.*)', re.DOTALL)
_UNUSABLE = frozenset({"\\noselect", "\\nonexistent"})
# Where no folder is marked: the usual names, in the order in which they are looked for.
SENT_NAMES = (
    *("sent", "inbox.sent", "sent items", "sent mail", "[gmail]/sent mail"),
    *("inbox/sent", "sent messages", "inbox.sent items", "inbox.sent messages"),
    *("wysłane", "inbox.wysłane", "elementy wysłane", "inbox.elementy wysłane"),
)


@dataclass(frozen=True, slots=True)
class Folder:
    """``name`` is for people; ``raw`` goes into commands, byte for byte as the server said it."""

    name: str
    raw: bytes
    is_marked: bool = False  # \\Sent, RFC 6154


def parse(answers: Sequence[Any]) -> list[Folder]:
    """The folders of a LIST that mail can be filed in. What could break out of a command, or is
    written in no known way, is no folder of ours."""
    folders = (_folder(each) for each in answers[:MOST_FOLDERS])
    return [each for each in folders if each is not None]


def _folder(answer: Any) -> Folder | None:
    literal = answer[1] if isinstance(answer, tuple) else None
    listed = _LISTED.match(answer[0] if isinstance(answer, tuple) else answer)
    if listed is None:
        return None
    raw = literal if literal is not None else _unquoted(listed["name"])
    name = _decoded(raw)
    flags = {flag.decode("ascii", "replace").lower() for flag in listed["flags"].split()}
    if not name or len(name) > LONGEST_NAME or flags & _UNUSABLE:
        return None
    return Folder(name, raw, "\\sent" in flags)


def _unquoted(name: bytes) -> bytes:
    if len(name) > 1 and name[:1] == name[-1:] == b'"':
        return re.sub(rb"\\(.)", rb"\1", name[1:-1])
    return name


def _decoded(raw: bytes) -> str:
    """Modified UTF-7 (RFC 3501 section 5.1.3), or the plain UTF-8 of some servers; "" if neither,
    or if it has a character that is not seen."""
    try:
        name = utf7_decode(raw) if raw.isascii() else raw.decode("utf-8")
        if raw.isascii() and utf7_encode(name) != raw:
            return ""  # two ways to write one name: the wrong folder might be meant
    except ValueError:
        return ""
    return name if name.isprintable() else ""


def sent_folder(folders: Sequence[Folder]) -> Folder | None:
    """The one that the server marks as ``\\Sent``, else the first of the usual names."""
    marked = next((each for each in folders if each.is_marked), None)
    if marked is not None:
        return marked
    by_name = {each.name.casefold(): each for each in reversed(folders)}
    return next((by_name[name] for name in SENT_NAMES if name in by_name), None)
