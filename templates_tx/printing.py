"""What is printed but cannot be, or should not be as it is: groups, lists, links, line breaks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from templates_tx.contract import Kind
from templates_tx.problems import ERROR, WARNING
from templates_tx.shapes import Shape

_IN_LINK = re.compile(r"\b(?:href|src|background)\s*=\s*[\"']?\s*\{\{-?\s*\Z", re.IGNORECASE)
_LOOKS_BACK = 60


@dataclass(frozen=True, slots=True)
class Printed:
    """A value in `{{ }}`: what it is, how it is written, and where in which source."""

    shape: Shape
    written: str
    source: str
    index: int
    is_html: bool

    @property
    def is_a_link(self) -> bool:
        """Whether an attribute that leads somewhere begins with it."""
        start = max(self.index - _LOOKS_BACK, 0)
        return _IN_LINK.search(self.source[start : self.index]) is not None

    @property
    def is_in_a_tag(self) -> bool:
        """Whether it stands in an attribute, where no line can be broken."""
        opened, closed = (self.source.rfind(mark, 0, self.index) for mark in "<>")
        return opened > closed


def complaint_of(printed: Printed) -> tuple[str, str, str] | None:
    """Sentence, suggestion and severity; None for what may stand there."""
    shape, written = printed.shape, printed.written
    if shape.fields is not None:
        first = next(iter(shape.fields), "")
        words = _("“%(name)s” is a group of values: choose one of them, such as “%(one)s”.")
        return words % {"name": written, "one": f"{written}.{first}"}, f"{written}.{first}", ERROR
    if shape.item is not None:
        return _list(printed, shape.item)
    return _in_html(printed) if printed.is_html else None


def _list(printed: Printed, item: Shape) -> tuple[str, str, str]:
    written = printed.written
    if item.fields is None:
        words = _("“%(name)s” is a list: say what stands between its lines.") % {"name": written}
        return words, f'{written} | join: ", "', WARNING
    name = item.path.rpartition(".")[2]
    words = _(
        "“%(list)s” is a list: write {%% for %(item)s in %(list)s %%} … {%% endfor %%} and say "
        "what of each item is shown."
    )
    return words % {"list": written, "item": name}, "", ERROR


def _in_html(printed: Printed) -> tuple[str, str, str] | None:
    kind, written = printed.shape.kind, printed.written
    if kind == Kind.LINK and printed.is_a_link:
        words = _("“%(name)s” becomes a link here: “safe_url” lets no other things through.")
        return words % {"name": written}, f"{written} | safe_url", WARNING
    if kind == Kind.MULTILINE and not printed.is_in_a_tag:
        words = _("“%(name)s” may have several lines: “newline_to_br” keeps them apart.")
        return words % {"name": written}, f"{written} | newline_to_br", WARNING
    return None
