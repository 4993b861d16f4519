"""What changed from one version of a template to another, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.functional import Promise

from templates_tx.problems import PART_NAMES, Sources

# Names in ``Sources``, with what they are called.
PARTS: tuple[tuple[str, Promise], ...] = tuple(
    ("html_source" if part == "html" else part, name) for part, name in PART_NAMES.items()
)
AROUND = 3  # unchanged lines shown on either side of a change
MOST_LINES = 4_000  # of both sides: comparing more takes longer than anybody waits
MOST_WORDS = 120  # of a line, within which single words are marked
MOST_PAIRS = 20  # lines changed in one place
_WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """``sign``: "+", "−", "" for an unchanged one, "…" for a gap. Numbers count from 1."""

    sign: str
    pieces: tuple[Piece, ...]
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class PartDiff:
    name: str
    label: Promise
    lines: list[Line]
    is_too_long: bool = False

    @property
    def added(self) -> int:
        return sum(line.sign == "+" for line in self.lines)

    @property
    def removed(self) -> int:
        return sum(line.sign == "−" for line in self.lines)


def compare(before: Sources, after: Sources) -> list[PartDiff]:
    """The parts that differ."""
    made = []
    for name, label in PARTS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            a, b = old.split("\n") if old else [], new.split("\n") if new else []
            if len(a) + len(b) > MOST_LINES:
                made.append(PartDiff(name, label, [], is_too_long=True))
            else:
                made.append(PartDiff(name, label, list(_lines(a, b))))
    return made


def _lines(a: list[str], b: list[str]) -> Iterator[Line]:
    for at, group in enumerate(SequenceMatcher(None, a, b).get_grouped_opcodes(AROUND)):
        if at:
            yield Line("…", ())
        for tag, a_from, a_to, b_from, b_to in group:
            if tag == "equal":
                for offset in range(a_to - a_from):
                    text = (Piece(a[a_from + offset]),)
                    yield Line("", text, a_from + offset + 1, b_from + offset + 1)
            else:
                yield from _changed(a[a_from:a_to], b[b_from:b_to], a_from + 1, b_from + 1)


def _changed(old: list[str], new: list[str], a_from: int, b_from: int) -> Iterator[Line]:
    """Lines that took one another's place have the words marked that differ."""
    paired = len(old) == len(new) <= MOST_PAIRS
    words = [_words(x, y) if paired else None for x, y in zip(old, new, strict=False)]
    for at, text in enumerate(old):
        pair = words[at] if paired else None
        yield Line("−", pair[0] if pair else (Piece(text),), before=a_from + at)
    for at, text in enumerate(new):
        pair = words[at] if paired else None
        yield Line("+", pair[1] if pair else (Piece(text),), after=b_from + at)


def _words(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]] | None:
    """None where the lines have too little in common for single words to say anything."""
    a, b = _WORD.findall(old), _WORD.findall(new)
    if max(len(a), len(b)) > MOST_WORDS:
        return None
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.quick_ratio() < 0.5 or matcher.ratio() < 0.5:
        return None
    left, right = [], []
    for tag, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        left.append(Piece("".join(a[a_from:a_to]), tag != "equal"))
        right.append(Piece("".join(b[b_from:b_to]), tag != "equal"))
    return tuple(left), tuple(right)
