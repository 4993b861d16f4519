"""The filing of sent mail inside a ``deliver`` process: looks for it, and runs a few sessions."""

from __future__ import annotations

import logging
import random
import threading
import time
from concurrent.futures import Future
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from django.db import Error as DatabaseError
from django.db import close_old_connections

from mailaccounts.models import SenderAccount
from maillog import sent_folder
from maillog.sent_folder_session import ImapSession
from maillog.session_threads import SessionThreads

if TYPE_CHECKING:
    from maillog.deliver import LeaseKeeper

logger = logging.getLogger(__name__)

SESSIONS = 4  # at once in one process, beside those that send
LOOK_EVERY = 10.0  # seconds
TURN = 20.0  # seconds a session may last: another account has its turn then


def run_session(
    account: SenderAccount, worker: str, keeper: LeaseKeeper, stop: threading.Event, seconds: float
) -> ImapSession:
    """One session under a kept lease; returns it when it is over."""
    close_old_connections()
    keeper.add(worker)
    session = ImapSession(account, worker, stop, seconds)
    try:
        session.run()
    finally:
        keeper.remove(worker)
    return session


def gather_all() -> None:
    """Looks what was sent, account by account; one that cannot be looked at stops no other."""
    close_old_connections()
    for account in sent_folder.switched_on():
        try:
            sent_folder.gather(account)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("what account %s has sent could not be gathered", account.pk)


class Filing:
    """Called in each round of the process's loop; does something every ten seconds.

    Even the looking is done in a thread: the loop starts the sessions that send.
    """

    def __init__(self, name: str, stop: threading.Event) -> None:
        self._name = name
        self._stop = stop
        self._numbers = count(1)
        self._gathering: Future[None] | None = None
        self._running: dict[int, Future[ImapSession]] = {}  # by account
        self._next_look = 0.0

    def round(self, keeper: LeaseKeeper, pool: SessionThreads) -> None:
        self._collect()
        if self._gathering is not None and self._gathering.done():
            if error := self._gathering.exception():
                logger.error("what was sent could not be gathered", exc_info=error)
            self._gathering = None
            self._start_sessions(keeper, pool)
        if self._gathering is None and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_EVERY * random.uniform(0.8, 1.2)
            self._gathering = pool.submit(gather_all)

    def finish(self, keeper: LeaseKeeper, pool: SessionThreads) -> bool:
        """Looks at once; True if nothing is left to do."""
        self._collect()
        gather_all()
        self._start_sessions(keeper, pool)
        return not self._running

    def _collect(self) -> None:
        for account, done in list(self._running.items()):
            if done.done():
                del self._running[account]
                if error := done.exception():
                    logger.error("filing for account %s broke off", account, exc_info=error)

    def _start_sessions(self, keeper: LeaseKeeper, pool: SessionThreads) -> None:
        due = [each for each in sent_folder.due_accounts() if each.pk not in self._running]
        random.shuffle(due)  # no account is always the last one
        for account in due[: max(0, SESSIONS - len(self._running))]:
            worker = f"{self._name}:i{next(self._numbers)}"
            job = partial(run_session, account, worker, keeper, self._stop, TURN)
            self._running[account.pk] = pool.submit(job)
