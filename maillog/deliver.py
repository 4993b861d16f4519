"""A ``deliver`` process: looks for due mail and runs one session thread for each connection.

``worker`` (production and demo) runs several of these beside one qcluster; ``drain`` runs the
same sessions inside a django-q2 task, so a plain qcluster is enough for a small shop.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import socket
import threading
import time
from collections import Counter
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from itertools import count

from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog import claims, generation_alarms, quotas, reaper
from maillog.clock import db_now
from maillog.models import WorkerBeat
from maillog.sent_folder_threads import Filing
from maillog.session import Session
from maillog.session_threads import SessionThreads
from shops.conf import conf

logger = logging.getLogger(__name__)

TOKEN_VARIABLE = "POSTROOM_PROCESS_TOKEN"
BEAT_EVERY = 2.0  # seconds
QUOTAS_EVERY = 60.0  # seconds between two looks at what accounts have sent
REST_AFTER_BREAK = 5.0  # seconds; what broke a session may break the next one at once
REST_WHEN_CROWDED = 60.0  # seconds before another connection is tried beside those at work
# Seconds that a session may last: where all are taken, another account has its turn then.
TURN = 20.0


class LeaseKeeper:
    """Prolongs the leases of this process's sessions from a thread of its own.

    A process that is stopped or dead renews nothing; one whose session waits for a slow server
    does, because the transport's own deadlines end that wait.
    """

    def __init__(self) -> None:
        self._workers: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="leases", daemon=True)

    def __enter__(self) -> LeaseKeeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=5)

    def add(self, worker: str) -> None:
        with self._lock:
            self._workers.add(worker)

    def remove(self, worker: str) -> None:
        with self._lock:
            self._workers.discard(worker)

    def _keep(self) -> None:
        while not self._ended.wait(conf.LEASE_SECONDS / 4):
            with self._lock:
                workers = sorted(self._workers)
            try:
                close_old_connections()
                claims.renew(workers)
            except Exception:
                # Whatever it is: without this thread every lease would run out.
                logger.exception("leases could not be prolonged")
        connection.close()


def process_name() -> str:
    """A name for claims and heartbeats that no other process has, or ever had.

    Host and number are not enough: a container that starts again has both again, and would prolong
    the leases of the one that died. The supervisor names its children's tokens.
    """
    token = os.environ.get(TOKEN_VARIABLE) or secrets.token_hex(4)
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{token}"


def run_session(
    account: SenderAccount, worker: str, keeper: LeaseKeeper, stop: threading.Event, seconds: float
) -> Session:
    """One session under a kept lease; returns it when it is over."""
    close_old_connections()
    keeper.add(worker)
    session = Session(account, worker, stop, seconds)
    try:
        session.run()
    finally:
        keeper.remove(worker)
    return session


class Deliverer:
    """The loop of one process. ``stop`` may be set from a signal handler or another thread."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.name = process_name()
        self._numbers = count(1)
        self._running: dict[Future[Session], int] = {}  # session → account
        self._rest_until: dict[int, float] = {}  # account → when it may have a session again
        self._full_until: dict[int, float] = {}  # account → when its limit has room again
        self._next_sweep = 0.0
        self._next_quotas = time.monotonic() + random.uniform(0, QUOTAS_EVERY / 2)
        self._next_beat = 0.0
        self._claimed_at: datetime | None = None
        self._filing = Filing(self.name, self.stop)

    def run(self, *, once: bool = False) -> None:
        """Sends until ``stop`` is set; with ``once``, until nothing is due that may leave now."""
        with LeaseKeeper() as keeper, SessionThreads() as pool:
            while not self.stop.is_set():
                busy = self._round(keeper, pool)
                if once and not busy and not self._running and self._filing.finish(keeper, pool):
                    break
                self.stop.wait(conf.LOOK_EVERY)
        self._forget()

    def _round(self, keeper: LeaseKeeper, pool: SessionThreads) -> bool:
        """One look. True if there was something to do."""
        try:
            close_old_connections()
            self._collect()
            self._beat()
            self._sweep()
            busy = self._start_sessions(keeper, pool)
            self._filing.round(keeper, pool)
            return busy
        except DatabaseError:
            logger.exception("the database is away; looking again in a moment")
            connection.close()
            self.stop.wait(1.0)
            return True
        except Exception:
            # The sweep also runs code of the shop: its bug must not end the sending.
            logger.exception("a round broke off; looking again in a moment")
            self.stop.wait(1.0)
            return True

    def _collect(self) -> None:
        for done in [each for each in self._running if each.done()]:
            account = self._running.pop(done)
            if error := done.exception():
                logger.error("a session of account %s broke off", account, exc_info=error)
                self._rest_until[account] = time.monotonic() + REST_AFTER_BREAK
                continue
            session = done.result()
            if session.is_crowded:
                self._rest_until[account] = time.monotonic() + REST_WHEN_CROWDED
            elif session.claimed:
                self._claimed_at = timezone.now()
            if session.rest:
                self._full_until[account] = time.monotonic() + session.rest

    def _start_sessions(self, keeper: LeaseKeeper, pool: SessionThreads) -> bool:
        now = time.monotonic()
        accounts = [
            each for each in claims.due_accounts() if now >= self._full_until.get(each.pk, 0)
        ]
        open_sessions = Counter(self._running.values())
        for account in accounts:
            if len(self._running) >= conf.SESSIONS_PER_PROCESS:
                break
            if open_sessions[account.pk] >= share_of(account):
                continue
            if time.monotonic() < self._rest_until.get(account.pk, 0):
                continue
            worker = f"{self.name}:{next(self._numbers)}"
            future = pool.submit(partial(run_session, account, worker, keeper, self.stop, TURN))
            self._running[future] = account.pk
            SenderAccount.objects.filter(pk=account.pk).update(last_used_at=timezone.now())
        return bool(accounts)

    def _sweep(self) -> None:
        if time.monotonic() < self._next_sweep:
            return
        pause = min(10.0, max(0.5, conf.REAP_GRACE_SECONDS / 3))
        self._next_sweep = time.monotonic() + pause * random.uniform(0.8, 1.2)
        reaper.sweep()
        if time.monotonic() >= self._next_quotas:
            self._next_quotas = time.monotonic() + QUOTAS_EVERY
            quotas.look()
            generation_alarms.look()

    def _beat(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + BEAT_EVERY
        now = db_now()
        WorkerBeat.objects.update_or_create(
            name=self.name,
            defaults={"kind": "deliver", "beat_at": now, "claimed_at": self._claimed_at},
            create_defaults={"kind": "deliver", "beat_at": now, "started_at": now},
        )

    def _forget(self) -> None:
        WorkerBeat.objects.filter(name=self.name).delete()


def share_of(account: SenderAccount) -> int:
    """How many of an account's connections one process opens, so that all have their part."""
    return max(1, account.concurrency // max(1, conf.DELIVER_PROCESSES))
