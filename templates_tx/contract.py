"""What a template of one message type may use: the typed contract between composer and author.

A contract says which values there are, what they are, and what each may look like. It is the source
of the editor's palette, of the check when a template is saved, and of the sample that a preview
shows where there is no real order. Values are plain data (see ``context``): amounts are text such
as "1234.50", moments ISO 8601 with an offset.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise

FALLBACK_LANGUAGE = "en"

# The composer fills these from shop and order, with nothing left out.
ALWAYS_WHOLE = frozenset({"locale", "currency", "time_zone", "shop", "customer", "order"})

type Sample = str | int | bool | list[str] | Mapping[str, Any]
type Name = str | Promise


class Kind(StrEnum):
    """What a value is, hence what a template may do with it."""

    TEXT = "text"
    MULTILINE = "multiline"  # text with line breaks
    LINES = "lines"  # a list of lines, such as an address
    MONEY = "money"  # "1234.50", for the filter `money`
    NUMBER = "number"
    DATE = "date"  # "2026-11-30", for `format_date`
    MOMENT = "moment"  # "2026-11-30T10:02:11+01:00", for `format_date` and `format_datetime`
    LINK = "link"  # an address of the web, for `safe_url`
    EMAIL = "email"
    COLOUR = "colour"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """One value. ``sample``: as it may be, or language → as it may be (``en`` stands in).

    ``may_be_empty``: a template has to cope without it.
    """

    name: str
    label: Name
    sample: Sample
    kind: Kind = Kind.TEXT
    may_be_empty: bool = False

    def sample_in(self, language: str) -> Any:
        if isinstance(self.sample, Mapping):
            return self.sample.get(language, self.sample[FALLBACK_LANGUAGE])
        return copy.copy(self.sample)

    def empty(self) -> Any:
        """The value where there is none: the key is there all the same."""
        return [] if self.kind == Kind.LINES else ""


@dataclass(frozen=True, slots=True)
class Rows:
    """A list whose items all have the same fields; ``item`` is how a loop usually calls one."""

    name: str
    label: Name
    item: str
    fields: tuple[Field, ...]
    samples: Mapping[str, list[dict[str, Any]]]
    may_be_empty: bool = False

    def sample_in(self, language: str) -> list[dict[str, Any]]:
        return copy.deepcopy(self.samples.get(language, self.samples[FALLBACK_LANGUAGE]))


@dataclass(frozen=True, slots=True)
class Group:
    """Values that belong together, reached as ``name.field``."""

    name: str
    label: Name
    entries: tuple[Field | Rows, ...]

    def sample_in(self, language: str) -> dict[str, Any]:
        return {entry.name: entry.sample_in(language) for entry in self.entries}


type Entry = Field | Rows | Group


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing to insert, as the palette shows it.

    ``path`` is written in a template (``order.number``, in a loop ``item.name``); ``of`` is the
    path of the list whose items have it, else empty; ``must_appear``: a template without it is
    refused.
    """

    path: str
    label: Name
    kind: Kind
    group: Name
    of: str = ""
    must_appear: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything that templates of one type may use, and the paths that they must use."""

    entries: tuple[Entry, ...] = ()
    must_appear: tuple[str, ...] = ()
    # What is put in where nobody hands in an optional value of the type's own.
    blanks: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = (entry for entry in self.entries if entry.name not in ALWAYS_WHOLE)
        blanks = {entry.name: blank for entry in own if (blank := _blank(entry)) is not None}
        object.__setattr__(self, "blanks", blanks)

    def completed(self, context: dict[str, Any]) -> dict[str, Any]:
        """``context`` with every value that may be empty, so that a template may ask for it."""
        if not self.blanks:
            return context
        made = dict(context)
        for name, blank in self.blanks.items():
            given = made.setdefault(name, blank) if not isinstance(blank, dict) else made.get(name)
            if isinstance(blank, dict) and isinstance(given, dict):
                made[name] = blank | given
        return made

    def sample(self, language: str) -> dict[str, Any]:
        """A believable context in ``language``; a new one each time."""
        return {
            **{entry.name: entry.sample_in(language) for entry in self.entries},
            "locale": language,
        }

    def barest(self, language: str) -> dict[str, Any]:
        """The sample with everything empty that may be."""
        made = self.sample(language)
        for entry in self.entries:
            _strip(entry, made)
        return made

    def lists(self) -> dict[str, Rows]:
        """Path → list, for instance ``order.items``."""
        found: dict[str, Rows] = {}
        for entry in self.entries:
            if isinstance(entry, Rows):
                found[entry.name] = entry
            elif isinstance(entry, Group):
                found |= {
                    f"{entry.name}.{inner.name}": inner
                    for inner in entry.entries
                    if isinstance(inner, Rows)
                }
        return found

    def fields(self) -> dict[str, Field]:
        """Path → field outside of lists, for instance ``order.number``."""
        found: dict[str, Field] = {}
        for entry in self.entries:
            if isinstance(entry, Field):
                found[entry.name] = entry
            elif isinstance(entry, Group):
                found |= {
                    f"{entry.name}.{inner.name}": inner
                    for inner in entry.entries
                    if isinstance(inner, Field)
                }
        return found

    def variables(self) -> Iterator[Variable]:
        """In the order of the palette: each group, then what its lists' items have."""
        for entry in self.entries:
            if isinstance(entry, Field):
                yield self._variable(entry.name, entry, "")
            elif isinstance(entry, Rows):
                yield from self._of_rows(entry.name, entry)
            else:
                yield from self._of_group(entry)

    def _of_group(self, group: Group) -> Iterator[Variable]:
        for entry in group.entries:
            path = f"{group.name}.{entry.name}"
            if isinstance(entry, Field):
                yield self._variable(path, entry, group.label)
            else:
                yield from self._of_rows(path, entry)

    def _of_rows(self, path: str, rows: Rows) -> Iterator[Variable]:
        yield Variable(path, rows.label, Kind.LINES, rows.label, "", path in self.must_appear)
        for each in rows.fields:
            yield Variable(f"{rows.item}.{each.name}", each.label, each.kind, rows.label, path)

    def _variable(self, path: str, field: Field, group: Name) -> Variable:
        return Variable(path, field.label, field.kind, group, "", path in self.must_appear)


def _blank(entry: Entry) -> Any:
    """The value of an entry that nobody hands in; of a group, its optional values."""
    if isinstance(entry, Group):
        inner = {each.name: _blank(each) for each in entry.entries}
        return {name: blank for name, blank in inner.items() if blank is not None}
    if not entry.may_be_empty:
        return None
    return [] if isinstance(entry, Rows) else entry.empty()


def _strip(entry: Entry, values: dict[str, Any]) -> None:
    if isinstance(entry, Group):
        for inner in entry.entries:
            _strip(inner, values[entry.name])
    elif isinstance(entry, Rows):
        if entry.may_be_empty:
            values[entry.name] = []
        for row in values[entry.name]:
            for each in entry.fields:
                _strip(each, row)
    elif entry.may_be_empty:
        values[entry.name] = entry.empty()
