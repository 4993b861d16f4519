"""What the editor's page holds, worked out once for the page and for the answer to a check."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from shops.models import Shop
from templates_tx.advice import Advice, advise
from templates_tx.editor.desk import Desk
from templates_tx.editor.ordering import by_number
from templates_tx.editor.previewing import Look, Setting, has_errors, look_at
from templates_tx.message_types import MessageType
from templates_tx.plans import plan_for
from templates_tx.problems import PART_NAMES, Problem, Sources

# The first is where somebody looks first.
_ORDER = list(PART_NAMES)
_PICTURE = re.compile(r"<img\b", re.IGNORECASE)
_OUTSIDE = re.compile(r"""\bsrc=["']?https?:""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """A problem as the bar under the code says it. ``wrong``: the words that are to be replaced."""

    problem: Problem
    wrong: str = ""

    @property
    def part_name(self) -> str:
        return self.problem.part_name

    @property
    def is_error(self) -> bool:
        return self.problem.refuses

    @property
    def can_be_replaced(self) -> bool:
        return bool(self.wrong and self.problem.suggestion)

    @property
    def can_be_inserted(self) -> bool:
        """Something is missing, and it is known what."""
        return bool(self.problem.suggestion) and self.problem.line is None

    def as_data(self) -> dict[str, Any]:
        """For the code editor (see docs/panel.md)."""
        one = self.problem
        return {
            "part": one.part,
            "line": one.line,
            "column": one.column,
            "length": one.length,
            "severity": one.severity,
            "message": one.message,
        }


def named(problems: list[Problem], sources: Sources) -> list[Named]:
    """Errors first, what has a line before what is missing, then by part and line."""

    def place(one: Problem) -> tuple[bool, bool, int, int]:
        part = _ORDER.index(one.part) if one.part in _ORDER else len(_ORDER)
        return not one.refuses, one.line is None, part, one.line or 0

    return [Named(one, _wrong(one, sources)) for one in sorted(problems, key=place)]


def _wrong(problem: Problem, sources: Sources) -> str:
    """The words at the problem's place; empty where it has none."""
    if not (problem.line and problem.column and problem.length):
        return ""
    lines = sources.parts()[problem.part].split("\n")
    if problem.line > len(lines):
        return ""
    start = problem.column - 1
    return lines[problem.line - 1][start : start + problem.length]


class Showing:
    """The words as they are on the page now: their problems, the preview, the advice."""

    def __init__(self, desk: Desk, sources: Sources, order_number: str = "") -> None:
        self.desk, self.sources = desk, sources
        self.order_number = order_number
        order = by_number(desk.shop, order_number) if desk.shows_orders else None
        plan = plan_for(desk.shop, desk.type, desk.language)
        self.setting = Setting(desk, plan, order)

    @cached_property
    def _looked(self) -> tuple[list[Problem], Look | None]:
        return look_at(self.sources, self.setting)

    @property
    def look(self) -> Look | None:
        return self._looked[1]

    @property
    def problems(self) -> list[Problem]:
        return self._looked[0]

    @cached_property
    def named(self) -> list[Named]:
        return named(self.problems, self.sources)

    @property
    def worst(self) -> Named | None:
        """The one that the bar under the code says."""
        return self.named[0] if self.named else None

    @property
    def others(self) -> list[Named]:
        return self.named[1:]

    @property
    def is_in_order(self) -> bool:
        return not has_errors(self.problems)

    @cached_property
    def advice(self) -> list[Advice]:
        mail = self.look.mail if self.look and self.look.is_current else None
        if mail is None or self.desk.is_locked:
            return []
        return advise(
            subject=mail.subject,
            html=mail.html,
            text=mail.text,
            html_source=self.sources.html_source,
        )

    @property
    def order_label(self) -> str:
        order = self.setting.order
        if order is None:
            return _("Sample values")
        name = order.customer.name or order.email
        return _("Order %(number)s, %(name)s") % {"number": order.number, "name": name}

    @property
    def order_is_missing(self) -> bool:
        """An order was asked for that the shop does not have."""
        return bool(self.order_number) and self.setting.order is None

    @property
    def has_outside_pictures(self) -> bool:
        return bool(self.look and shows_outside_pictures(self.look.mail.html))

    @cached_property
    def frame_url(self) -> str:
        """Another address for every other mail, so that the frame loads when it has to."""
        html = self.look.mail.html if self.look else ""
        query = {"v": hashlib.sha256(html.encode()).hexdigest()[:16]}
        if self.setting.order is not None:
            query["order"] = self.setting.order.number
        given = [self.desk.shop.slug, self.desk.type.code, self.desk.language]
        return f"{reverse('templates_tx:preview', args=given)}?{urlencode(query)}"


def shows_outside_pictures(html: str) -> bool:
    """Reads each character once: tags that are never closed must not make anybody wait."""
    tags = _PICTURE.split(html)[1:]
    return any(_OUTSIDE.search(tag.partition(">")[0]) for tag in tags)


def note_url(shop: Shop, message_type: MessageType) -> str:
    """Where the shop's note in the built-in words is written; empty if there is no such page."""
    try:
        return reverse("templates_tx:type_settings", args=[shop.slug, message_type.code])
    except NoReverseMatch:
        return ""
