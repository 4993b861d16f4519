"""Runs one qcluster and several ``deliver`` processes, and starts again what dies or stalls.

django-q2's cluster may stall or repeat tasks when one of its processes is killed, so nothing
depends on it for delivery. Children end when the supervisor does, even by SIGKILL: each holds
the reading end of a pipe whose writing end only the supervisor has.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from django.db.models import Q

from maillog import claims
from maillog.clock import db_now
from maillog.deliver import TOKEN_VARIABLE, process_name
from maillog.models import WorkerBeat

logger = logging.getLogger(__name__)

STALLED_AFTER = 15.0  # seconds without a claim while mail is due
TASKS_ARE_LATE = 150.0  # seconds; a sweep is due each minute
GRACE = 30.0  # seconds that a child has to finish what is on the wire
LOOK_EVERY = 0.5
FORGET_BEATS_AFTER = timedelta(days=1)


@dataclass(slots=True)
class Child:
    """One process of ours and everything it starts, in a process group of its own."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = 0
    wait_until: float = 0.0
    busy_since: float = 0.0
    token: str = ""  # of this start, in the name under which the process claims and beats

    def start(self) -> None:
        self.token = secrets.token_hex(4)
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, TOKEN_VARIABLE: self.token},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.started, self.busy_since = time.monotonic(), 0.0

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Only the main process: django-q2 hangs when its whole group gets a SIGTERM."""
        if self.process and self.is_running():
            self.process.send_signal(number)

    def kill_group(self) -> None:
        """Ends whatever is left of the group, orphans of a dead main process included."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            if self.process.stdin:
                self.process.stdin.close()
            self.process.wait()


class Supervisor:
    """``manage.py worker``."""

    def __init__(self, deliverers: int, *, with_tasks: bool = True) -> None:
        # In a foreign project there is no manage.py beside us: Django's own entry point serves.
        manage = [sys.executable, "-m", "django"]
        self.children = [
            Child(f"deliver {number}", [*manage, "deliver", "--parent-pipe"])
            for number in range(1, deliverers + 1)
        ]
        if with_tasks:
            guard = [sys.executable, str(Path(__file__).with_name("guard.py"))]
            self.children.append(Child("tasks", [*guard, *manage, "qcluster"]))
        self.stopping = False
        self.name = process_name()

    def run(self) -> None:
        os.environ["DJANGO_SETTINGS_MODULE"] = settings.SETTINGS_MODULE
        os.environ["PYTHONPATH"] = os.pathsep.join([path for path in sys.path if path])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        try:
            while not self.stopping:
                self._look()
                time.sleep(LOOK_EVERY)
        finally:
            self._stop_all()

    def _ask_to_stop(self, *_: object) -> None:
        self.stopping = True

    def _look(self) -> None:
        for child in self.children:
            if not child.is_running() and time.monotonic() >= child.wait_until:
                self._restart(child)
        try:
            close_old_connections()
            self._beat()
            self._restart_stalled()
            self._restart_stalled_tasks()
        except DatabaseError:
            logger.exception("the database is away")
            connection.close()
        except Exception:
            # Our children live and die with this process: no bug may end it.
            logger.exception("the look at the children broke off")

    def _restart(self, child: Child) -> None:
        if child.process is not None:
            logger.warning("%s ended with %s; starting it again", child.name, child.process.poll())
            child.kill_group()
            # A child that dies at once must not keep the machine busy with starting it.
            quick = time.monotonic() - child.started < 5
            child.restarts = child.restarts + 1 if quick else 0
            child.wait_until = time.monotonic() + min(30.0, 0.5 * child.restarts)
            child.process = None
            if child.restarts:
                return
        child.start()

    def _beat(self) -> None:
        now = db_now()
        WorkerBeat.objects.update_or_create(
            name=self.name,
            defaults={"kind": "worker", "beat_at": now},
            create_defaults={"kind": "worker", "beat_at": now, "started_at": now},
        )
        WorkerBeat.objects.filter(beat_at__lt=now - FORGET_BEATS_AFTER).delete()

    def _restart_stalled(self) -> None:
        """A ``deliver`` process that claims nothing while mail of an open account is due."""
        if not claims.due_accounts():
            for child in self.children:
                child.busy_since = 0.0
            return
        now = time.monotonic()
        fresh = db_now() - timedelta(seconds=STALLED_AFTER)
        for child in self.children:
            if not child.name.startswith("deliver") or not child.process:
                continue
            child.busy_since = child.busy_since or now
            alive = WorkerBeat.objects.filter(
                Q(beat_at__gte=fresh), name__endswith=f":{child.process.pid}:{child.token}"
            ).exists()
            if now - child.busy_since > STALLED_AFTER and not alive:
                logger.warning("%s has stalled", child.name)
                child.kill_group()
                child.busy_since = 0.0

    def _restart_stalled_tasks(self) -> None:
        """A cluster that has finished no sweep for longer than a task may take.

        One whose worker died while it read the queue looks alive and runs nothing more. Sweeps
        are shared among hosts: where one host's cluster still runs them, another's is left alone.
        """
        patience = settings.Q_CLUSTER["timeout"] + TASKS_ARE_LATE if self._tasks else 0
        fresh = db_now() - timedelta(seconds=patience)
        for child in self._tasks:
            young = time.monotonic() - child.started < patience
            if young or WorkerBeat.objects.filter(kind="tasks", beat_at__gte=fresh).exists():
                continue
            logger.warning("%s have stalled", child.name)
            child.kill_group()

    @property
    def _tasks(self) -> list[Child]:
        return [child for child in self.children if child.name == "tasks" and child.is_running()]

    def _stop_all(self) -> None:
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and any(each.is_running() for each in self.children):
            time.sleep(0.1)
        for child in self.children:
            child.kill_group()
        WorkerBeat.objects.filter(name=self.name).delete()
