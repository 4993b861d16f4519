"""The filter `with_links`: a note that staff typed as plain text, with its links made to work.

`[our page](https://…)` and bare addresses become links, everything else stays the text it is. One
pass of one pattern, in which no character is looked at by more than two attempts.
"""

from __future__ import annotations

import re

from liquid import Markup, RenderContext, escape
from liquid.filter import string_filter, with_context

MAX_URL = 2_000
"""Characters of an address; a longer one stays text."""

_STYLE = "color:inherit"
"""The colour of the text around it, underlined: readable on a light card and on a dark one."""

# Characters that are not seen, that turn the direction of writing, or that programs read in
# different ways: an address with one of them is not what it looks like.
_TRICKS = (
    r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\\\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
)
_UNSAFE = rf"\s\"'<>`{_TRICKS}"
_WEB = r"[Hh][Tt][Tt][Pp][Ss]?://(?=[^\W_])"  # by hand: IGNORECASE would let a long s (ſ) pass
_MAILTO = r"[Mm][Aa][Ii][Ll][Tt][Oo]:(?=[^\W_])"
_LINK = re.compile(
    rf"\[(?P<label>[^\[\]\r\n]{{1,300}})\]"
    rf"\((?P<target>(?:{_WEB}|{_MAILTO})(?:[^{_UNSAFE}()\[\]]|\([^{_UNSAFE}()\[\]]*+\))++)\)"
    rf"|(?<!\w)(?P<bare>{_WEB}[^{_UNSAFE}]++)(?P<trick>[{_TRICKS}])?"
    r"|(?P<line>\r?\n)"
)
_AFTER = frozenset(".,;:!?…*_~|]}”’»")
"""What ends a sentence or a bracket around an address and is no part of it."""


@with_context
@string_filter
def with_links(text: str, *, context: RenderContext) -> str:
    """Make the links of a plain text work, in the running text of a part (not in an attribute).

    In HTML all else is escaped and lines end in `<br />`; in the text part `[our page](https://…)`
    becomes `our page: https://…`. Addresses other than http(s), and mailto in brackets, stay text.
    """
    plain = text.unescape() if isinstance(text, Markup) else str(text)
    writes = _Html() if context.autoescape else _Plain()
    pieces, end = [], 0
    for found in _LINK.finditer(plain):
        pieces += [writes.text(plain[end : found.start()]), _written(found, writes)]
        end = found.end()
    pieces.append(writes.text(plain[end:]))
    return writes.whole("".join(pieces))


class _Plain:
    """The text part."""

    def text(self, text: str) -> str:
        return text

    def line(self, end: str) -> str:
        return end

    def link(self, label: str, target: str) -> str:
        address = target if target[:4].lower() == "http" else target[7:].partition("?")[0]
        return address if label == address else f"{label}: {address}"

    def whole(self, text: str) -> str:
        return text


class _Html(_Plain):
    """The HTML part: whatever is written is escaped here."""

    def text(self, text: str) -> str:
        return str(escape(text))

    def line(self, end: str) -> str:
        return "<br />\n"

    def link(self, label: str, target: str) -> str:
        return f'<a href="{escape(target)}" style="{_STYLE}">{escape(label)}</a>'

    def whole(self, text: str) -> str:
        return Markup(text)


def _written(found: re.Match[str], writes: _Plain) -> str:
    whole = found.group()
    if found["line"]:
        return writes.line(whole)
    if found["trick"] or len(whole) > MAX_URL:
        return writes.text(whole)
    if found["target"]:
        return writes.link(found["label"].strip() or found["target"], found["target"])
    address = _without_what_follows(whole)
    return writes.link(address, address) + writes.text(whole[len(address) :])


def _without_what_follows(address: str) -> str:
    """Return a bare address without the punctuation after it; brackets it opened are its own."""
    extra = address.count(")") - address.count("(")
    end = len(address)
    while address[end - 1] in _AFTER or (address[end - 1] == ")" and extra > 0):
        extra -= address[end - 1] == ")"
        end -= 1
    return address[:end]
