"""The values that a message may use, as the editor offers them: grouped, with the right filter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from templates_tx.contract import Contract, Kind, Rows, Variable

_FILTER = {
    Kind.MONEY: "money",
    Kind.DATE: "format_date",
    Kind.MOMENT: "format_date",
    Kind.LINK: "safe_url",
    Kind.COLOUR: "safe_color",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One value to press. ``html`` and ``text`` are what it inserts in that part."""

    path: str
    label: str
    html: str
    text: str
    must_appear: bool


@dataclass(slots=True)
class ChipGroup:
    name: str
    chips: list[Chip] = field(default_factory=list)
    # The list whose rows have these values; empty for what is there once.
    of: str = ""


# What nearly every message has is offered last.
_LAST = ("customer", "shop", "locale", "currency", "time_zone")


def groups(contract: Contract) -> list[ChipGroup]:
    """What the message is about first; the fields of a list's rows are a group of their own."""
    made: dict[tuple[str, str], ChipGroup] = {}
    lists = contract.lists()
    homes = {path: _home(path, contract) for path in lists}
    for each in sorted(contract.variables(), key=_place):
        name = homes.get(each.path) or str(each.group) or _("General")
        group = made.setdefault((name, each.of), ChipGroup(name, of=each.of))
        group.chips.append(_chip(each, lists.get(each.path)))
    return list(made.values())


def _place(variable: Variable) -> int:
    root = (variable.of or variable.path).partition(".")[0]
    return _LAST.index(root) if root in _LAST else -1


def _home(path: str, contract: Contract) -> str:
    """A list itself stands with the values beside it: ``order.items`` with those of the order."""
    space = path.rpartition(".")[0]
    return next((str(each.label) for each in contract.entries if each.name == space), "")


def _chip(variable: Variable, rows: Rows | None) -> Chip:
    html, text = _insertions(variable, rows)
    return Chip(variable.path, str(variable.label), html, text, variable.must_appear)


def _insertions(variable: Variable, rows: Rows | None) -> tuple[str, str]:
    path = variable.path
    if rows is not None:
        first = f"{rows.item}.{rows.fields[0].name}"
        loop = f"{{% for {rows.item} in {path} %}}\n{{{{ {first} }}}}\n{{% endfor %}}"
        return loop, loop
    if variable.kind == Kind.LINES:
        lines = f"{{% for line in {path} %}}{{{{ line }}}}<br>{{% endfor %}}"
        return lines, f'{{{{ {path} | join: ", " }}}}'
    if variable.kind == Kind.FLAG:
        condition = f"{{% if {path} %}}{{% endif %}}"
        return condition, condition
    if variable.kind == Kind.MULTILINE:
        return f"{{{{ {path} | newline_to_br }}}}", f"{{{{ {path} }}}}"
    plain = f"{{{{ {path} | {_FILTER[variable.kind]} }}}}" if variable.kind in _FILTER else ""
    return (plain or f"{{{{ {path} }}}}",) * 2


def completions(contract: Contract, language: str) -> list[dict[str, Any]]:
    """The list that the code editor completes from (see docs/panel.md)."""
    lists, fields = contract.lists(), contract.fields()
    made = []
    for each in contract.variables():
        entry: dict[str, Any] = {"name": each.path, "label": str(each.label), "kind": each.kind}
        if each.path in lists:
            entry["kind"] = "list"
        elif each.path in fields:
            entry["sample"] = str(fields[each.path].sample_in(language))[:60]
        if each.of:
            entry["of"] = each.of
        made.append(entry)
    return made


def filters() -> list[dict[str, str]]:
    """The filters that staff are offered; the others work, too."""
    return [
        {"name": "money", "label": _("amount with the currency")},
        {"name": "format_date", "label": _("a day in words")},
        {"name": "format_datetime", "label": _("day and hour")},
        {"name": "safe_url", "label": _("an address for a link")},
        {"name": "safe_color", "label": _("a colour")},
        {"name": "newline_to_br", "label": _("line ends become <br>")},
        {"name": "default", "label": _("something else where it is empty")},
        {"name": "join", "label": _("a list in one line")},
        {"name": "size", "label": _("how many")},
        {"name": "upcase", "label": _("CAPITALS")},
        {"name": "truncate", "label": _("at most so many characters")},
    ]
