"""Runs work as the last thing of a transaction: after everything the caller saved, before COMMIT.

Django knows ``on_commit``, which comes after it: too late for what must live and die with the
transaction. Work is registered there all the same, so that Django forgets it with its savepoint,
and is taken up a moment earlier, when the outermost ``atomic`` calls ``connection.commit()``.
Should a later Django commit in another way, the work still runs, as an ordinary ``on_commit``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from django.db import Error, connections, transaction


class _Waiting:
    """One piece of work. As an ``on_commit`` callback it runs only if it has not run yet."""

    def __init__(self, work: Callable[[], object], key: Hashable) -> None:
        self.work, self.key = work, key
        self.is_done = False

    def __call__(self) -> None:
        if not self.is_done:
            self.is_done = True
            self.work()


def before_commit(work: Callable[[], object], *, using: str, key: Hashable) -> None:
    """Runs ``work`` before the current transaction commits, once for each ``key``.

    Outside a transaction it runs at once. Inside a test's transaction, which never commits, it
    runs with ``TestCase.captureOnCommitCallbacks(execute=True)``. What it raises rolls back.
    """
    connection = connections[using]
    if not connection.in_atomic_block:
        work()
        return
    _attend(connection)
    connection.on_commit(_Waiting(work, key))


def _attend(connection: Any) -> None:
    """Puts the waiting work before ``commit()`` of this one connection object."""
    if "commit" in vars(connection):
        return
    commit = connection.commit

    def work_and_commit() -> None:
        try:
            _run_waiting(connection)
        except BaseException:
            # ``atomic`` rolls back for database errors only, and would go on after others.
            _roll_back(connection)
            raise
        commit()

    connection.commit = work_and_commit


def _waiting(connection: Any) -> Iterator[_Waiting]:
    for _savepoints, callback, _robust in connection.run_on_commit:
        if isinstance(callback, _Waiting) and not callback.is_done:
            yield callback


def _run_waiting(connection: Any) -> None:
    """Until nothing is left: work may save more."""
    while waiting := list(_waiting(connection)):
        first = {each.key: each for each in reversed(waiting)}
        for each in waiting:
            each.is_done = True
        # Without this Django would take savepoints and on_commit() for misuse: ``atomic`` has
        # declared the block left so that it may commit.
        connection.in_atomic_block = True
        try:
            with transaction.atomic(using=connection.alias):
                for each in waiting:
                    if first[each.key] is each:
                        each.work()
        finally:
            connection.in_atomic_block = False


def _roll_back(connection: Any) -> None:
    try:
        connection.rollback()
    except Error:
        connection.close()
