"""Work that goes down by recursion, without a guard of its own, on a stack that it cannot use up.

The HTML libraries are in Rust and take a call for each level of a page. Where the stack ends, the
process ends, and with it every request that it serves. How deep a page is depends on how a parser
reads it, and each reads what is broken in its own way: it cannot be told beforehand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

STACK = 512 * 1024 * 1024
"""Bytes of address space; memory is taken only as far as a page really goes down. The dearest
element takes 6 kB a level, and a source has at most 8,000 beginnings of tags."""

_lock = threading.Lock()


def on_a_deep_stack[T](work: Callable[[], T]) -> T:
    """What ``work`` returns or raises, done in a thread of its own with 512 MB of stack."""
    outcome: list[T] = []
    problem: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            problem.append(error)

    with _lock:  # the size is the process's: whoever starts a thread meanwhile gets it too
        before = threading.stack_size(STACK)
        try:
            thread = threading.Thread(target=run, name="deep-stack")
            thread.start()
        finally:
            threading.stack_size(before)
    thread.join()
    if problem:
        raise problem[0]
    return outcome[0]
