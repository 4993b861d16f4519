"""The state of one render: the names, what is kept, and how much time is left.

Names are looked up in plain dicts and lists only; a name that is not there is an error, except
where the template asks whether it is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from time import thread_time
from typing import Any, TextIO

from liquid import RenderContext, Token
from liquid.builtin.tags.for_tag import ForLoop
from liquid.exceptions import (
    ContextDepthError,
    LocalNamespaceLimitError,
    OutputStreamLimitError,
    ResourceLimitError,
    UndefinedError,
)
from liquid.template import BoundTemplate
from liquid.undefined import UNDEFINED, FalsyStrictUndefined

from .liquid_guard import MAX_ITEMS, weigh

MAX_OUTPUT = 1_000_000
"""Characters that one part, or one `capture`, may have."""
MAX_LOCALS = 500_000
"""Weight of all that `assign` and `capture` keep."""
STEPS_PER_LOOK_AT_THE_CLOCK = 16
HEAVY = 2_000
"""Characters from which a single step is worth a look at the clock."""


class OutOfTime(ResourceLimitError):
    """The render used up its CPU budget."""


class Missing(FalsyStrictUndefined):
    """A name that is not there: false in `{% if %}`, replaced by `| default`, else an error."""

    force_liquid_default = True

    def __liquid__(self) -> bool:
        return False


class Limited(StringIO):
    """The output of a part or of a `capture`; a list of pieces is quicker than a StringIO."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.room = limit
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        size = len(text)
        self.room -= size
        if self.room < 0:
            raise OutputStreamLimitError("the message becomes too long", token=None)
        self.pieces.append(text)
        return size

    def getvalue(self) -> str:
        return "".join(self.pieces)


class GuardedContext(RenderContext):
    """The state of one render: names, locals and how much CPU time is left."""

    __slots__ = ("steps", "deadline", "locals_weight")

    def __init__(self, template: BoundTemplate, data: Mapping[str, object], deadline: float):
        super().__init__(template, globals=data)
        self.deadline = deadline
        self.locals_weight = 0
        self.steps = 0

    def spend(self, weight: int) -> None:
        """Count a lookup, a loop turn or a filter call; raise OutOfTime when time is up.

        Reading the thread's clock is a system call and costs as much as a small filter, so light
        work is looked at once in a while and heavy work (`weight` in characters) each time.
        """
        self.steps += 1
        if self.steps >= STEPS_PER_LOOK_AT_THE_CLOCK or weight > HEAVY:
            self.steps = 0
            if thread_time() > self.deadline:
                raise OutOfTime("this template takes too long", token=None)

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        """Return a buffer with the room that is left in the one around it."""
        return Limited(buf.room if isinstance(buf, Limited) else MAX_OUTPUT)

    def assign(self, key: str, val: Any) -> None:
        """Keep a value of `assign` or `capture`; all of them together have a limit."""
        old = self.locals.get(key)
        self.locals_weight += weigh(val) - (0 if old is None else weigh(old))
        if self.locals_weight > MAX_LOCALS:
            raise LocalNamespaceLimitError("the template keeps too much text", token=None)
        self.locals[key] = val

    def get(
        self, path: list[object], *, token: Token | None, default: object = UNDEFINED
    ) -> object:
        """Return the value at a path of plain dicts and lists, else Missing (or the default)."""
        self.spend(0)
        value = self._root(path[0])
        depth = 1
        while value is not UNDEFINED and depth < len(path):
            key = path[depth]
            depth += 1
            try:
                value = value[key] if type(value) is dict else _item(value, key)
            except (KeyError, IndexError, TypeError):
                value = _special(value, key)
        if value is not UNDEFINED:
            return value
        return _missing(path[:depth], token) if default is UNDEFINED else default

    def enter_loop(self, namespace: Mapping[str, object], turns: ForLoop) -> None:
        """As the library's `loop`, without its two context managers: `leave_loop` ends it."""
        if self.loops or turns.length > MAX_ITEMS:
            self.raise_for_loop_limit(turns.length)
        if self.scope.size() > self.env.context_depth_limit:
            raise ContextDepthError("this is nested too deeply", token=None)
        self.loops.append(turns)
        self.scope.push(namespace)

    def leave_loop(self) -> None:
        self.scope.pop()
        self.loops.pop()

    def setting(self, name: str, default: str) -> str:
        """The locale, currency or time zone in force here, for filters: they ask for it often."""
        if not self.locals and not self.loops:
            return str(self.globals.get(name, default))
        for namespace in self.scope._maps:
            if name in namespace:
                return str(namespace[name])
        return default

    def resolve(self, name: str, *, token: Token | None = None, default: object = UNDEFINED) -> Any:
        """Return one top-level value, as `get` does: what filters ask for."""
        return self.get([name], token=token, default=default)

    def _root(self, name: object) -> object:
        for namespace in self.scope._maps:
            if name in namespace:
                return namespace[name]  # type: ignore[index]
        return UNDEFINED


def _missing(path: list[object], token: Token | None) -> Missing:
    name = ".".join(str(key)[:60] for key in path)
    return Missing(name, token=token, hint=f"“{name}” is not known here")


def _item(value: object, key: object) -> object:
    if isinstance(value, (list, tuple, range)):
        if type(key) is int:
            return value[key]
    elif isinstance(value, Mapping):
        return value[key]
    raise KeyError(key)


def _special(value: object, key: object) -> object:
    """Return `size`, `first` and `last` of a collection (`size` of a text), else UNDEFINED."""
    if isinstance(key, Missing):
        raise UndefinedError(key.msg, token=key.token)
    if isinstance(value, Missing) or not isinstance(value, Sequence | dict):
        return UNDEFINED
    if key == "size":
        return len(value)
    if isinstance(value, list | tuple | range) and value:
        return value[0] if key == "first" else value[-1] if key == "last" else UNDEFINED
    return UNDEFINED
