"""What a value may weigh on its way through a template, and what a template source may look like.

python-liquid limits loops and output, but a single filter call (`split`, `replace`, `join`) or a
single pass of its lexer can run for minutes or take gigabytes. Everything here is refused before
the work is done, in time linear to its input.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from liquid.exceptions import FilterError, LiquidSyntaxError, ResourceLimitError
from liquid.token import Token
from liquid.undefined import is_undefined

MAX_SOURCE = 200_000
"""Characters of a template source."""
MAX_MARKUP = 3_000
"""Characters between one `{{` or `{%` and its end."""
MAX_MARKUP_TOTAL = 60_000
"""Characters of all markup of one source: what the parser turns into objects (about 150 B each)."""
MAX_TAGS = 2_500
"""Number of `{{ }}` and `{% %}` in one source."""
MAX_BLANKS = 100
"""Blanks in a row inside markup: the lexer's patterns are quadratic in them."""

MAX_WEIGHT = 200_000
"""Characters of a value that enters or leaves a filter, list items counting ITEM_WEIGHT each."""
ITEM_WEIGHT = 20
"""So that no list, nor what it holds in all, passes 10,000 items."""
MAX_ITEMS = MAX_WEIGHT // ITEM_WEIGHT
MAX_INT_BITS = 128
MAX_DECIMAL_EXPONENT = 40

_OPEN = re.compile(r"\{[{%]")
_TAG = re.compile(r"\{%-?\s*(?P<name>\w+)")
_ENDRAW = re.compile(r"\{%-?\s*endraw\s*-?%\}")
_BLOCKS = frozenset({"capture", "case", "comment", "for", "if", "ifchanged", "tablerow", "unless"})
_BLANKS = re.compile(rf"\s{{{MAX_BLANKS}}}")


class TooLarge(ResourceLimitError):
    """A value or a source passed one of the limits above."""


def weigh(value: object, limit: int = MAX_WEIGHT) -> int:
    """Return the weight of a value; raise TooLarge as soon as it passes `limit`.

    Numbers weigh nothing but are refused when they are too long to calculate with or to print.
    """
    if isinstance(value, str):
        return _within(len(value), limit)
    if isinstance(value, (int, float, Decimal)):
        _check_number(value)
    elif isinstance(value, (list, tuple)):
        return _weigh_all(value, limit)
    elif isinstance(value, dict):
        return _weigh_all(value.values(), limit)
    elif isinstance(value, range):
        return _within(len(value) * ITEM_WEIGHT, limit)
    return 0


def _weigh_all(values: Any, limit: int) -> int:
    total = len(values) * ITEM_WEIGHT
    _within(total, limit)
    for value in values:
        total += weigh(value, limit - total)
    return total


def _within(weight: int, limit: int) -> int:
    if weight > limit:
        raise TooLarge("this is too much text or too many items", token=None)
    return weight


def _check_number(value: float | Decimal) -> None:
    if isinstance(value, int):
        fits = value.bit_length() <= MAX_INT_BITS
    elif isinstance(value, float):
        fits = math.isfinite(value)
    else:
        fits = value.is_finite() and abs(value.adjusted()) <= MAX_DECIMAL_EXPONENT
    if not fits:
        raise TooLarge("this number is too large", token=None)


def check_source(source: str) -> None:
    """Refuse a source that the lexer or the parser would choke on.

    Raises LiquidSyntaxError with the place for what is never closed, TooLarge for the rest.
    """
    if len(source) > MAX_SOURCE:
        raise TooLarge(f"a template has at most {MAX_SOURCE} characters", token=None)
    blocks = Blocks(source)
    position = tags = markup = 0
    while opening := _OPEN.search(source, position):
        start = opening.start()
        position = _end_of_markup(source, start)
        tags += 1
        markup += position - start
        if tags > MAX_TAGS or markup > MAX_MARKUP_TOTAL:
            raise TooLarge("this template has too many placeholders", token=_at(source, start))
        if tag := _TAG.match(source, start, position):
            position = blocks.meet(tag, position)
    blocks.finish()


class Blocks:
    """The blocks that are open at a place of the source.

    The library reports a missing `endif` at the end of the file, without a line.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.open: list[tuple[str, Token]] = []

    def meet(self, tag: re.Match[str], end: int) -> int:
        """Take a tag into account; return where to go on (after `endraw` for `raw`)."""
        name, token = tag["name"], _at(self.source, tag.start())
        inside = self.open[-1][0] if self.open else ""
        # The lexer looks for the end of these two even inside a comment, each time from anew.
        if name == "doc":
            raise LiquidSyntaxError("the tag “doc” is not available", token=token)
        if name == "raw":
            return self._end_of_raw(end, token)
        if inside == "comment" and name not in ("comment", "endcomment"):
            return end
        if name in _BLOCKS:
            self.open.append((name, token))
        elif name.startswith("end") and name[3:] in _BLOCKS:
            if name[3:] != inside:
                problem = f"does not close “{inside}”" if inside else "closes nothing"
                raise LiquidSyntaxError(f"“{name}” {problem}", token=token)
            self.open.pop()
        return end

    def finish(self) -> None:
        """Raise LiquidSyntaxError when a block is still open at the end of the source."""
        if self.open:
            name, token = self.open[-1]
            raise LiquidSyntaxError(f"“{name}” is never closed by “end{name}”", token=token)

    def _end_of_raw(self, position: int, token: Token) -> int:
        end = _ENDRAW.search(self.source, position)
        if end is None:
            raise LiquidSyntaxError("“raw” is never closed by “endraw”", token=token)
        return end.end()


def _end_of_markup(source: str, start: int) -> int:
    closing = "}}" if source[start + 1] == "{" else "%}"
    end = source.find(closing, start + 2, start + MAX_MARKUP)
    place = _at(source, start)
    if end < 0 and source.find(closing, start + MAX_MARKUP) < 0:
        raise LiquidSyntaxError(f"“{place.value}” is never closed by “{closing}”", token=place)
    if end < 0 or _BLANKS.search(source, start, end):
        raise TooLarge("this placeholder is too long", token=place)
    return end + 2


def _at(source: str, index: int) -> Token:
    return Token("tag", source[index : index + 2], index, source)


def spell(value: object) -> str:
    """Return a value that is not text as text; lists are joined, groups are refused."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    weigh(value)
    if isinstance(value, list | tuple):
        return "".join(item if isinstance(item, str) else spell(item) for item in value)
    if isinstance(value, range):
        return f"{value.start}..{value.stop - 1}"
    if isinstance(value, Mapping) and not is_undefined(value):
        raise FilterError("this is a group of values, choose one of them", token=None)
    return str(value)
