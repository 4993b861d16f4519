"""What is wrong with a template, as the people who write it are told."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, fields

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ERROR, WARNING = "error", "warning"
PART_NAMES: dict[str, Promise] = {
    "subject": _("Subject"),
    "preheader": _("First line"),
    "html": _("HTML"),
    "text": _("Text"),
    "sms": _("SMS"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence for shop staff. Lines and columns count from 1; None where nobody can tell.

    ``part``: one of ``PART_NAMES``. ``length``: characters to underline.
    ``suggestion``: what to write instead of what is underlined, or what to insert.
    """

    part: str
    message: str
    line: int | None = None
    column: int | None = None
    length: int = 0
    severity: str = ERROR
    suggestion: str = ""

    @property
    def refuses(self) -> bool:
        """Whether a template with it cannot be saved."""
        return self.severity == ERROR

    @property
    def part_name(self) -> str:
        return str(PART_NAMES.get(self.part, self.part))


@dataclass(frozen=True, slots=True)
class Sources:
    """What a person wrote for one message in one language."""

    subject: str
    html_source: str
    text: str
    preheader: str = ""
    sms: str = ""

    def parts(self) -> dict[str, str]:
        """Part → source, in the order in which they are read."""
        return {
            "subject": self.subject,
            "preheader": self.preheader,
            "html": self.html_source,
            "text": self.text,
            "sms": self.sms,
        }

    def changed(self, change: Callable[[str], str]) -> Sources:
        """The same with each part changed."""
        return Sources(*(change(getattr(self, each.name)) for each in fields(self)))


@dataclass(slots=True)
class Lines:
    """Where in a source an index is."""

    source: str
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [0, *(each.end() for each in re.finditer("\n", self.source))]

    def place(self, index: int) -> tuple[int, int]:
        """Line and column, from 1."""
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1
