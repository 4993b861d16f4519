"""What filters take and give, by the kind of value: `money` of an amount, `join` of a list."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import gettext as _
from liquid.builtin.expressions.arguments import KeywordArgument
from liquid.builtin.expressions.primitive import StringLiteral

from templates_tx.complaints import closest
from templates_tx.contract import Kind
from templates_tx.liquid_nodes import BoundFilter
from templates_tx.shapes import ANYTHING, FLAG, NUMBER, TEXT, Shape

AMOUNTS = frozenset({Kind.MONEY, Kind.NUMBER})
DATES = frozenset({Kind.DATE, Kind.MOMENT})
TAKES = {
    **dict.fromkeys(("money", "number"), AMOUNTS),
    **dict.fromkeys(("format_date", "format_datetime", "date"), DATES),
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GIVES_TEXT = _names("money number format_date format_datetime safe_url join")
_GIVES_NUMBER = _names(
    "abs at_least at_most ceil divided_by find_index floor minus modulo plus round size sum times"
)
_GIVES_THE_LIST = _names("compact concat default reject reverse slice sort sort_natural uniq where")
_GIVES_AN_ITEM = _names("find first last")
_OF_LISTS = _GIVES_THE_LIST | _GIVES_AN_ITEM | _names("find_index has join map size sum split")
# Their first value is the name of what each item has.
_BY_NAME = _names("compact find find_index has map reject sort sort_natural sum uniq where")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes out of a filter, and what is wrong with its use.

    ``at_name``: the filter's name is to be underlined; else ``index`` is the place of a value
    behind its colon, None for what stands before the filter.
    """

    shape: Shape
    message: str = ""
    suggestion: str = ""
    at_name: bool = True
    index: int | None = None
    length: int = 0


def judge(used: BoundFilter, left: Shape, arguments: Sequence[Shape]) -> Verdict:
    """What the filter makes of ``left``."""
    if left.fields is not None and used.name != "default":
        words = _("“%(name)s” is a group of values: choose one of them.")
        return Verdict(ANYTHING, words % {"name": left.path or used.name})
    if not _fits_arguments(used):
        words = _("“%(filter)s” needs other values behind its colon.")
        return Verdict(ANYTHING, words % {"filter": used.name})
    if left.item is not None:
        return _of_list(used, left, arguments)
    if used.name in TAKES and left.kind is not None and left.kind not in TAKES[used.name]:
        return Verdict(TEXT, _not_for(used.name, left))
    return Verdict(_of_value(used.name, left))


def _not_for(name: str, left: Shape) -> str:
    shown = {"filter": name, "name": left.path}
    if TAKES[name] is AMOUNTS:
        if not left.path:
            return _("“%(filter)s” is for amounts, and this is none.") % shown
        return _("“%(filter)s” is for amounts, and “%(name)s” is none.") % shown
    if not left.path:
        return _("“%(filter)s” is for dates, and this is none.") % shown
    return _("“%(filter)s” is for dates, and “%(name)s” is none.") % shown


def _of_value(name: str, left: Shape) -> Shape:
    if name in _GIVES_TEXT:
        return TEXT
    if name in _GIVES_NUMBER:
        return NUMBER
    if name == "default":
        return left if left.kind is not None else ANYTHING
    return FLAG if name == "has" else ANYTHING


def _of_list(used: BoundFilter, left: Shape, arguments: Sequence[Shape]) -> Verdict:
    item = left.item or ANYTHING
    if used.name not in _OF_LISTS or (used.name == "join" and item.fields is not None):
        words = _("“%(name)s” is a list: “%(filter)s” is for single values.")
        return Verdict(ANYTHING, words % {"name": left.path, "filter": used.name})
    if wrong := _unknown_name(used, item):
        return wrong
    if used.name in _GIVES_AN_ITEM:
        return Verdict(item)
    if used.name == "map":
        return Verdict(Shape(left.path, item=_mapped(used, item)))
    if used.name in _GIVES_THE_LIST:
        same = all(each == left for each in arguments) or used.name not in ("concat", "default")
        return Verdict(left if same else ANYTHING)
    return Verdict(_of_value(used.name, ANYTHING))


def _name(used: BoundFilter) -> StringLiteral | None:
    """The name of what each item has, where it is written out."""
    first = used.positional[0] if used.positional else None
    return first if used.name in _BY_NAME and isinstance(first, StringLiteral) else None


def _mapped(used: BoundFilter, item: Shape) -> Shape:
    name = _name(used)
    return (name and item.step(str(name.value))) or ANYTHING


def _unknown_name(used: BoundFilter, item: Shape) -> Verdict | None:
    name = _name(used)
    if name is None or item.fields is None or str(name.value) in item.fields:
        return None
    shown = str(name.value)
    return Verdict(
        ANYTHING,
        _("“%(name)s” is nothing that the list's items have.") % {"name": shown},
        closest(shown, item.fields),
        at_name=False,
        index=name.token.start_index + 1,
        length=len(shown),
    )


def _fits_arguments(used: BoundFilter) -> bool:
    names = {each.name for each in used.args if isinstance(each, KeywordArgument)}
    if names & {"context", "environment"}:
        return False
    signature = _signature(used.function)
    if signature is None:
        return True
    given: dict[str, Any] = dict.fromkeys(names)
    if used.takes_context:
        given["context"] = None
    try:
        signature.bind(None, *used.positional, **given)
    except TypeError:
        return False
    return True


@cache
def _signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None
