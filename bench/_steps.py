"""The time of each step of a drain: one session in this thread, with a clock at each joint."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount

# What a step is called here, and the functions that it consists of. A step within another one is
# counted for itself and not for the outer one; "rest" is what is in none: the loop itself.
STEPS = {
    "claim": ("maillog.claims.claim",),
    "load": ("maillog.session.Session._load",),
    "render": ("maillog.loading.render_missing",),
    "build": ("maillog.session.Session._prepare",),
    "commit": ("maillog.journal.AccountJournal.step",),
    "wire": ("mailaccounts.transports.smtp.Smtp.send",),
    "items": ("maillog.session.Session._items",),
}


class Clocks:
    """Wall-clock and CPU time of nested steps, each without what runs inside it."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = (time.perf_counter(), time.thread_time())

    def enter(self, step: str) -> None:
        self._book()
        self._open.append(step)

    def leave(self) -> None:
        self._book()
        self._open.pop()

    def _book(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        step = self._open[-1] if self._open else "rest"
        self.wall[step] += now[0] - self._since[0]
        self.cpu[step] += now[1] - self._since[1]
        self._since = now


def measure(account: SenderAccount, messages: int) -> dict[str, dict[str, float]]:
    """Drains ``messages`` that wait; returns µs a message by step, wall-clock and CPU."""
    from maillog.session import Session

    account.__class__.objects.filter(pk=account.pk).update(next_try_at=None)
    account.refresh_from_db()
    clocks = Clocks()
    with _timed(clocks):
        clocks.enter("rest")
        claimed = Session(account, "bench:1:steps:1", threading.Event()).run()
        clocks.leave()
    if claimed != messages:
        raise RuntimeError(f"{claimed} messages were claimed, not {messages}")
    return {
        step: {
            "wall": round(seconds / messages * 1e6),
            "cpu": round(clocks.cpu[step] / messages * 1e6),
        }
        for step, seconds in sorted(clocks.wall.items(), key=lambda item: -item[1])
    }


@contextmanager
def _timed(clocks: Clocks) -> Iterator[None]:
    """The functions of ``STEPS`` with their clocks."""
    from django.utils.module_loading import import_string

    with ExitStack() as stack:
        for step, paths in STEPS.items():
            for path in paths:
                owner, _dot, name = path.rpartition(".")
                wrap = _generator if step == "items" else _function
                real = getattr(import_string(owner) if _is_class(owner) else _module(owner), name)
                stack.enter_context(patch(path, wrap(clocks, step, real)))
        yield


def _is_class(path: str) -> bool:
    return path.rpartition(".")[2][:1].isupper()


def _module(path: str) -> Any:
    from importlib import import_module

    return import_module(path)


def _function(clocks: Clocks, step: str, real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def timed(*args: Any, **kwargs: Any) -> Any:
        clocks.enter(step)
        try:
            return real(*args, **kwargs)
        finally:
            clocks.leave()

    return timed


def _generator(clocks: Clocks, step: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """A generator works while it is asked for its next item, not while it waits."""

    @wraps(real)
    def timed(*args: Any, **kwargs: Any) -> Iterator[Any]:
        items = real(*args, **kwargs)
        while True:
            clocks.enter(step)
            try:
                item = next(items, None)
            finally:
                clocks.leave()
            if item is None:
                return
            yield item

    return timed
