"""Finds tags, comments and elements of raw text in HTML that nobody has checked, in linear time.

A pattern for the same would start anew at each `<` of a source that never closes one: 60 kB of
`<a ` take it twenty seconds. Here what a place leads to is worked out once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 200
"""Elements inside one another. The libraries behind us go down by recursion, and some without a
guard: 20,000 end the process."""
MAX_BEGINNINGS = 8_000
"""Of tags in one source, in comments and quotes too, where another parser may see tags. A page of
that many has long been cut off by Gmail (102 kB)."""

_START = re.compile(r"<(?:!--|/?[a-z!])", re.IGNORECASE)
_SPECIAL = re.compile(r"[>\"']")
_RAW = re.compile(r"<(style|title|textarea|script|mj-style|mj-title|mj-preview)\b", re.IGNORECASE)
_NAME = re.compile(r"</?([a-z][a-z0-9-]*)", re.IGNORECASE)
# Without a content, or closed by the next of their kind: they never lie inside one another.
_ALONE = "area base br col embed hr img input link meta source track wbr mj-image mj-divider"
_CLOSED_BY_THE_NEXT = "p li td th tr dt dd option tbody thead tfoot"
_FLAT = frozenset(f"{_ALONE} {_CLOSED_BY_THE_NEXT}".split())


@dataclass(frozen=True, slots=True)
class Markup:
    """One comment, tag, or element of raw text (`raw` is its name) at a place of the source."""

    start: int
    end: int
    text: str
    raw: str = ""


def markups(source: str) -> Iterator[Markup]:
    """Every markup in its order; a `<` that begins none is text."""
    ends = _TagEnds(source)
    closed: dict[str, bool] = {}  # what still has an end somewhere
    position = 0
    while found := _START.search(source, position):
        start = found.start()
        end, raw = _special_end(source, start, closed)
        if end < 0:
            end = ends.after(found.end())
        if end < 0:
            position = start + 1
            continue
        yield Markup(start, end, source[start:end], raw)
        position = end


def _special_end(source: str, start: int, closed: dict[str, bool]) -> tuple[int, str]:
    """The end of a comment or of an element of raw text, else -1; with the element's name."""
    if source.startswith("<!--", start):
        return _end_by(source, start + 4, "-->", closed), ""
    if raw := _RAW.match(source, start):
        name = raw[1].lower()
        return _end_by(source, raw.end(), rf"</{name}\s*>", closed), name
    return -1, ""


def _end_by(source: str, position: int, pattern: str, closed: dict[str, bool]) -> int:
    """The end of the next match; what is not found once is not looked for again."""
    if not closed.get(pattern, True):
        return -1
    match = re.compile(pattern, re.IGNORECASE).search(source, position)
    closed[pattern] = match is not None
    return match.end() if match else -1


class _TagEnds:
    """Where a tag that begins at a place ends: at the next `>` outside of quotes."""

    def __init__(self, source: str) -> None:
        self.places = [found.start() for found in _SPECIAL.finditer(source)]
        self.kinds = "".join(source[place] for place in self.places)
        self.next_same: list[int] = [-1] * len(self.places)
        latest: dict[str, int] = {}
        for index in range(len(self.places) - 1, -1, -1):
            self.next_same[index] = latest.get(self.kinds[index], -1)
            latest[self.kinds[index]] = index
        self.known: dict[int, int] = {}
        self.cursor = 0

    def after(self, position: int) -> int:
        """The end of the tag whose name begins before ``position``, -1 if it has none."""
        while self.cursor < len(self.places) and self.places[self.cursor] < position:
            self.cursor += 1
        index, seen = self.cursor, []
        while 0 <= index < len(self.places) and index not in self.known:
            seen.append(index)
            if self.kinds[index] == ">":
                break
            closing = self.next_same[index]
            index = closing + 1 if closing >= 0 else -1
        end = self._end_at(index)
        self.known.update(dict.fromkeys(seen, end))
        return end

    def _end_at(self, index: int) -> int:
        if not 0 <= index < len(self.places):
            return -1
        return self.known[index] if index in self.known else self.places[index] + 1


class TooDeep(ValueError):
    """A page that no mail program would show, and that the libraries behind us cannot take."""


def check_shape(source: str) -> None:
    """Raise TooDeep for elements more than 200 deep, or more than 8,000 beginnings of tags."""
    if sum(1 for _beginning in _START.finditer(source)) > MAX_BEGINNINGS:
        raise TooDeep(f"a page has at most {MAX_BEGINNINGS} tags")
    open_names: list[str] = []
    for markup in markups(source):
        name = _NAME.match(markup.text)
        if name is None or markup.raw or name[1].lower() in _FLAT:
            continue
        _follow(open_names, name[1].lower(), closes=markup.text.startswith("</"))
        if len(open_names) > MAX_DEPTH:
            raise TooDeep(f"elements lie inside one another more than {MAX_DEPTH} deep")


def _follow(open_names: list[str], name: str, *, closes: bool) -> None:
    """An end that fits no open element is passed over, as parsers do."""
    if not closes:
        open_names.append(name)
        return
    for place in range(len(open_names) - 1, -1, -1):
        if open_names[place] == name:
            del open_names[place:]
            return
