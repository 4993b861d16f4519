"""Threads that run sessions, each with a database connection of its own that it closes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from django.db import connection

type Job = tuple[Future[Any], Callable[[], Any]]


class SessionThreads:
    """A pool of threads, started when they are needed and kept.

    Like ``ThreadPoolExecutor``, but a thread closes its database connection when it ends: an
    executor's threads would leave theirs open on the server.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)

    def __enter__(self) -> SessionThreads:
        return self

    def __exit__(self, *_: object) -> None:
        for _each in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def submit[Result](self, job: Callable[[], Result]) -> Future[Result]:
        """Runs ``job`` in a thread that is free, or in a new one."""
        future: Future[Result] = Future()
        if not self._idle.acquire(blocking=False):
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put((future, job))
        return future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, run = job
            try:
                future.set_result(run())
            except BaseException as error:
                future.set_exception(error)
            self._idle.release()
        connection.close()
