"""What a value in a template is, as far as it can be known without any data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from templates_tx.contract import Contract, Entry, Field, Group, Kind, Rows
from templates_tx.types.shared import CUSTOMER, LOCALE, ORDER, SHOP


@dataclass(frozen=True, slots=True)
class Shape:
    """A single value (``kind``), a group (``fields``), a list (``item``), or whatever it may be.

    ``path``: what the contract calls it; empty for what a template makes itself. ``is_text``: a
    number that arrives as text, such as "1234.50".
    """

    path: str = ""
    kind: Kind | None = None
    fields: Mapping[str, Shape] | None = None
    item: Shape | None = None
    is_text: bool = False

    @property
    def may_be_anything(self) -> bool:
        return self.kind is None and self.fields is None and self.item is None

    def step(self, key: str | int) -> Shape | None:
        """What ``.key`` or ``[key]`` gives; None if there is no such thing."""
        if self.may_be_anything:
            return self
        if self.fields is not None and key in self.fields:
            return self.fields[str(key)]
        if key == "size" and self.kind not in (Kind.NUMBER, Kind.FLAG):
            return NUMBER
        if self.item is not None and (isinstance(key, int) or key in ("first", "last")):
            return self.item
        return None


ANYTHING = Shape()
NUMBER = Shape(kind=Kind.NUMBER)
FLAG = Shape(kind=Kind.FLAG)
TEXT = Shape(kind=Kind.TEXT)

_TURN = dict.fromkeys(("length", "index", "index0", "rindex", "rindex0"), NUMBER)
_ENDS = dict.fromkeys(("first", "last"), FLAG)
FORLOOP = Shape(fields={**_TURN, **_ENDS, "name": TEXT, "parentloop": ANYTHING})
_CELLS = dict.fromkeys(("col", "col0", "row"), NUMBER) | {"col_first": FLAG, "col_last": FLAG}
TABLEROWLOOP = Shape(fields={**_TURN, **_ENDS, **_CELLS})

# What there is beside the contract: what has just changed, and the clock.
_BESIDE = {
    "change": Shape(
        "change",
        fields={name: Shape(f"change.{name}", Kind.TEXT) for name in ("field", "before", "after")},
    ),
    "now": Shape(kind=Kind.MOMENT),
    "today": Shape(kind=Kind.DATE),
}


@cache
def shapes_of_others() -> dict[str, Shape]:
    """What many types have and this one may not: words that are shared may ask for it."""
    return {entry.name: _shape(entry, entry.name) for entry in (CUSTOMER, ORDER)}


def shapes_of(contract: Contract) -> dict[str, Shape]:
    """Name → shape of everything that a template of this contract may use."""
    # The composer gives the first ones to every template.
    entries = (*LOCALE, SHOP, *contract.entries)
    return _BESIDE | {entry.name: _shape(entry, entry.name) for entry in entries}


def _shape(entry: Entry, path: str) -> Shape:
    if isinstance(entry, Group):
        return Shape(
            path,
            fields={each.name: _shape(each, f"{path}.{each.name}") for each in entry.entries},
        )
    if isinstance(entry, Rows):
        fields = {each.name: _shape(each, f"{path}.{each.name}") for each in entry.fields}
        return Shape(path, item=Shape(f"{path}.{entry.item}", fields=fields))
    return _of_field(entry, path)


def _of_field(field: Field, path: str) -> Shape:
    if field.kind == Kind.LINES:
        return Shape(path, item=Shape(f"{path}.line", Kind.TEXT))
    number = field.kind in (Kind.MONEY, Kind.NUMBER)
    return Shape(path, field.kind, is_text=number and isinstance(field.sample_in("en"), str))


def paths_in(shapes: Mapping[str, Shape], prefix: str = "") -> Iterator[str]:
    """Every path that may be written, groups first."""
    for name, shape in shapes.items():
        yield f"{prefix}{name}"
        if shape.fields is not None:
            yield from paths_in(shape.fields, f"{prefix}{name}.")
