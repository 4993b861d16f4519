"""From a stored template and an order's data to subject, HTML and text. The send path's hot spot.

Staff write the templates and customers the data, so both are hostile: templates run in the guarded
environment of `liquid_env`, data must be plain (no object has methods or attributes to reach) and
is never looked at for placeholders. Every failure is a TemplateError.
"""

from __future__ import annotations

import datetime as dt
import gc
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from time import thread_time
from typing import Literal

from liquid.exceptions import LiquidError

from .liquid_context import OutOfTime
from .liquid_env import CPU_BUDGET, GuardedEnvironment, GuardedTemplate

Part = Literal["subject", "html", "text"]

MAX_SUBJECT = 900
"""Characters: RFC 5322 §2.1.1 ends a line at 998 octets, and folding needs room."""
MAX_TEXT_VALUE = 200_000
MAX_VALUES = 50_000
MAX_DEPTH = 12

_SCALARS = frozenset({str, int, bool, float, Decimal, type(None), dt.date, dt.datetime})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class TemplateError(Exception):
    """A template cannot be parsed or rendered.

    `line` and `column` count from 1 in the source of `part`; they are None where nobody can tell.
    """

    def __init__(
        self, message: str, *, part: Part, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.part = part
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = f", line {self.line}" if self.line else ""
        return f"{self.part}{place}: {self.message}"


@dataclass(frozen=True)
class Parts:
    """The finished sources of one version of a template in one language."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class Rendered:
    """A message as the customer gets it. `html` is empty where the template has none."""

    subject: str
    html: str
    text: str


_ESCAPING = GuardedEnvironment(html=True)
_VERBATIM = GuardedEnvironment(html=False)


def parse(source: str, *, part: Part) -> GuardedTemplate:
    """Return the parsed template, from a cache of the sources used last.

    Raises TemplateError.
    """
    return _parse(source, part)


@lru_cache(maxsize=512)
def _parse(source: str, part: Part) -> GuardedTemplate:
    environment = _ESCAPING if part == "html" else _VERBATIM
    try:
        return environment.from_source(source)
    except LiquidError as error:
        raise _explained(error, part) from error
    except RecursionError as error:
        raise TemplateError("this is nested too deeply", part=part) from error


class _FullCollections:
    """How often the interpreter has looked through all its objects, told by itself.

    In a process with a large heap that takes as long as a message may: it is not the template's.
    """

    def __init__(self) -> None:
        self.count = 0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        self.count += phase == "stop" and info["generation"] == 2


_full_collections = _FullCollections()


def _in_time[T](work: Callable[[float], T]) -> T:
    """What `work` makes before its deadline; once more if a full collection fell into its time."""
    before = _full_collections.count
    try:
        return work(thread_time() + CPU_BUDGET)
    except TemplateError as error:
        if not isinstance(error.__cause__, OutOfTime) or _full_collections.count == before:
            raise
    return work(thread_time() + CPU_BUDGET)


def render_part(source: str, part: Part, context: Mapping[str, object]) -> str:
    """Render one source. Raises TemplateError, and ValueError for data that is not plain."""
    data = plain(context)
    return _in_time(lambda deadline: _render(source, part, data, deadline))


def render_all(parts: Parts, context: Mapping[str, object]) -> Rendered:
    """Render all parts of a message within one CPU budget.

    Raises TemplateError, and ValueError for data that is not plain.
    """
    data = plain(context)
    return _in_time(lambda deadline: _all(parts, data, deadline))


def _all(parts: Parts, data: Mapping[str, object], deadline: float) -> Rendered:
    return Rendered(
        # A worker has no subject to make: that was done when the message was queued.
        subject=_render(parts.subject, "subject", data, deadline) if parts.subject else "",
        html=_render(parts.html, "html", data, deadline) if parts.html else "",
        text=_render(parts.text, "text", data, deadline),
    )


def _render(source: str, part: Part, data: Mapping[str, object], deadline: float) -> str:
    template = _parse(source, part)
    environment = _ESCAPING if part == "html" else _VERBATIM
    try:
        rendered = environment.render_template(template, data, deadline)
    except LiquidError as error:
        raise _explained(error, part) from error
    except Exception as error:
        # The library lets Python's own errors through (an overflow in `round`, a bad index in
        # `for … limit`). Whatever a template causes is the template's error, never the worker's.
        raise TemplateError(f"cannot be rendered ({type(error).__name__})", part=part) from error
    return one_line(rendered) if part == "subject" else rendered


def one_line(text: str) -> str:
    """Return a subject without line breaks and control characters, at most 900 characters."""
    return _CONTROL.sub(" ", text).strip()[:MAX_SUBJECT]


def _explained(error: LiquidError, part: Part) -> TemplateError:
    try:
        place = error.context()
    except ValueError:  # the library's own: an error at the very end of the source
        place = None
    line, column = (place[0], place[1] + 1) if place else (None, None)
    return TemplateError(str(error.message)[:300], part=part, line=line, column=column)


def plain(context: Mapping[str, object]) -> dict[str, object]:
    """Return the context if it holds nothing but plain data, else raise ValueError with the path.

    Exact types only: a subclass of str may carry `__html__` (Django's SafeString) and switch
    escaping off, an object of any other kind has methods that a template could reach.
    """
    if type(context) is not dict:
        raise ValueError("context: must be a dict")
    _check_plain(context, "context", 0, [MAX_VALUES])
    return context


def _check_plain(value: object, path: str, depth: int, left: list[int]) -> None:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        raise ValueError(f"{path}: too much data")
    if isinstance(value, dict) and type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise ValueError(f"{path}: the key {key!r} is not text")
            if type(item) is not str or len(item) > MAX_TEXT_VALUE:
                _check_plain(item, f"{path}.{key}", depth + 1, left)
    elif isinstance(value, list) and type(value) is list:
        for index, item in enumerate(value):
            _check_plain(item, f"{path}[{index}]", depth + 1, left)
    else:
        _check_scalar(value, path)


def _check_scalar(value: object, path: str) -> None:
    if type(value) not in _SCALARS:
        raise ValueError(f"{path}: {type(value).__name__} is not plain data")
    if isinstance(value, str) and len(value) > MAX_TEXT_VALUE:
        raise ValueError(f"{path}: longer than {MAX_TEXT_VALUE} characters")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path}: {value} is not a number")
