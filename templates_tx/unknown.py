"""What is said about a name that is not known, and which one was probably meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from liquid.builtin.expressions.path import Path

from templates_tx.complaints import closest
from templates_tx.shapes import Shape, paths_in

LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Unknown:
    message: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """Everything that is known at one place of a template."""

    shapes: Mapping[str, Shape]

    def like(self, path: str) -> str:
        """The path that looks most like this one; empty if none does."""
        known = [each for each in paths_in(self.shapes) if "." in each or "." not in path]
        return self.ending_in(path) or closest(path.lower(), known)

    def ending_in(self, name: str) -> str:
        """The one path that ends so: `order.total` for `total`; empty if several do."""
        found = [each for each in paths_in(self.shapes) if each.endswith(f".{name}")]
        return found[0] if len(found) == 1 else ""

    def list_of(self, item: str) -> str:
        """The list whose items are usually called so; empty if there is none."""
        return next(
            (path for path, rows in _lists(self.shapes) if rows.path.endswith(f".{item}")), ""
        )


def _lists(shapes: Mapping[str, Shape], prefix: str = "") -> list[tuple[str, Shape]]:
    found: list[tuple[str, Shape]] = []
    for name, shape in shapes.items():
        if shape.item is not None and shape.item.fields is not None:
            found.append((f"{prefix}{name}", shape.item))
        elif shape.fields is not None:
            found += _lists(shape.fields, f"{prefix}{name}.")
    return found


def spelled(path: Path, segments: int | None = None) -> str:
    """A path, or its first segments, as staff write it."""
    return str(Path(path.token, path.path[:segments]))[:LONGEST_SHOWN]


def unknown_root(names: Names, path: Path, ended: Mapping[str, Shape]) -> Unknown:
    """``ended``: what was known in a loop before it ended."""
    root, shown = str(path.path[0]), spelled(path)
    if root in ("forloop", "tablerowloop"):
        return Unknown(_("“%(name)s” is known only inside of a loop.") % {"name": root})
    rows = names.list_of(root)
    if rows:
        return Unknown(
            _(
                "“%(name)s” is known only inside of its loop: write "
                "{%% for %(item)s in %(list)s %%} before it and {%% endfor %%} behind it."
            )
            % {"name": shown, "item": root[:LONGEST_SHOWN], "list": rows}
        )
    if root in ended:
        return Unknown(_("“%(name)s” is known only inside of its loop.") % {"name": shown})
    return Unknown(_not_known(shown), names.like(shown))


def unknown_step(names: Names, path: Path, place: int, shape: Shape) -> Unknown:
    """``place``: which key behind the name is not there; ``shape``: what it was asked of."""
    key, asked = str(path.path[place + 1]), spelled(path, place + 1)
    whole = spelled(path)
    if shape.item is not None:
        return Unknown(_not_of_list(asked, key, shape.item))
    if shape.fields is None:
        shown = {"name": asked, "key": key[:LONGEST_SHOWN]}
        return Unknown(_("“%(name)s” is a single value, without a “%(key)s”.") % shown, asked)
    near = closest(key, shape.fields)
    if near:
        return Unknown(_not_known(whole), str(Path(path.token, _with(path, place, near))))
    return Unknown(_not_known(whole), names.ending_in(key))


def _with(path: Path, place: int, key: str) -> list[str | int | Path]:
    return [*path.path[: place + 1], key, *path.path[place + 2 :]]


def _not_known(path: str) -> str:
    return _("“%(name)s” is not known here.") % {"name": path}


def _not_of_list(asked: str, key: str, item: Shape) -> str:
    if item.fields is not None and key in item.fields:
        name = item.path.rpartition(".")[2]
        return _(
            "“%(list)s” is a list: write {%% for %(item)s in %(list)s %%} before it, "
            "{%% endfor %%} behind it and “%(item)s.%(key)s” between them."
        ) % {"list": asked, "item": name, "key": key}
    shown = {"name": asked, "key": key[:LONGEST_SHOWN]}
    return _("“%(name)s” is a list, without a “%(key)s”.") % shown


def no_list(written: str) -> str:
    return _("“%(name)s” is no list: a loop cannot go through it.") % {
        "name": written[:LONGEST_SHOWN]
    }
