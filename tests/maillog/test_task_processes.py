"""Whatever process of ``worker`` dies, mail leaves, once, and nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from demo.tally import has_ended
from maillog import tasks
from maillog.models import Delivery, WorkerBeat
from maillog.supervisor import TASKS_ARE_LATE, Child, Supervisor
from tests import factories, faults
from tests.maillog.test_drainers import queue_many
from tests.maillog.test_supervisor import alive, children_of
from tests.smtp import sink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.kills, pytest.mark.slow]

EACH = 8  # messages queued right before each kill
# The guard, and the cluster's top, sentinel, two workers, monitor and pusher.
TASK_PROCESSES = 7
GUARD, TOP, SENTINEL = range(3)


class Family:
    """A real ``manage.py worker`` and all that it starts."""

    def __init__(self) -> None:
        self.env = {**faults.quick_environment(), "Q_WORKERS": "2"}
        self.seen: set[int] = set()
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*faults.MANAGE, "worker", "--deliverers", "1"], env=self.env, cwd=faults.ROOT
        )
        self.task_processes()

    def members(self) -> set[int]:
        found = children_of(self.process.pid)
        self.seen |= found
        return found

    def task_processes(self) -> list[int]:
        """The guard and the cluster's processes, the eldest first, once all of them run."""
        found: list[int] = []

        def all_run() -> bool:
            found[:] = sorted(pid for pid in self.members() if b"qcluster" in command_of(pid))
            return len(found) == TASK_PROCESSES

        assert faults.until(all_run, 40), found
        return found

    def orphans(self) -> set[int]:
        return alive(self.seen - children_of(self.process.pid))

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(40)


def command_of(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


@contextmanager
def family() -> Iterator[Family]:
    one = Family()
    try:
        yield one
    finally:
        one.end()
        for pid in alive(one.seen | {one.process.pid}):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="20 s, and the database is no part of it")
def test_whichever_process_dies_all_mail_leaves_once(settings: Any) -> None:
    """The cluster's processes one by one, the sending process, and the supervisor itself."""
    policy = settings.UNKNOWN_POLICY = faults.policy_of(connection.vendor)
    queued = 0
    with sink(delay=(0.002, 0.02)) as server, family() as worker:
        account = factories.make_account(factories.make_shop(), port=server.port, concurrency=4)

        def blow(pid: int) -> None:
            nonlocal queued
            queue_many(account, EACH)
            queued += EACH
            faults.send_signal(pid, signal.SIGKILL)
            assert faults.until(lambda: not alive({pid}), 5)

        _guard, _top, _sentinel, *leaves = worker.task_processes()
        for pid in leaves:
            blow(pid)
            # What died is replaced before the next one goes.
            worker.task_processes()
        for pid in worker.members():
            if b"deliver" in command_of(pid):
                blow(pid)
        for place in (SENTINEL, TOP, GUARD):
            blow(worker.task_processes()[place])
        # One death at a time: a cluster whose guard and supervisor die at once outlives both.
        worker.task_processes()
        blow(worker.process.pid)
        worker.process.wait()
        assert faults.until(lambda: not alive(worker.seen), 20), alive(worker.seen)
        worker.start()

        died = time.monotonic()
        assert faults.until(has_ended, 60)
        balance = faults.draw_balance(server)
        print(f"{connection.vendor}: {balance}, all over {time.monotonic() - died:.1f} s later")
        assert faults.until(lambda: not worker.orphans(), 20), worker.orphans()
    assert queued == Delivery.objects.count() == 9 * EACH
    assert balance.problems(queued, policy) == []
    assert not alive(worker.seen)


@pytest.mark.parametrize("beats_minutes_ago", [None, 30, 1])
def test_a_cluster_that_has_run_nothing_for_long_is_started_again(
    settings: Any, beats_minutes_ago: int | None
) -> None:
    """django-q2's cluster may look alive and run nothing more (django-q2#23)."""
    supervisor = Supervisor(0, with_tasks=False)
    cluster = Child("tasks", ["sleep", "60"])
    supervisor.children.append(cluster)
    cluster.start()
    if beats_minutes_ago is not None:
        tasks.sweep()
        WorkerBeat.objects.update(beat_at=timezone.now() - timedelta(minutes=beats_minutes_ago))

    supervisor._restart_stalled_tasks()
    assert cluster.is_running(), "one that has just started has had no time to sweep"
    cluster.started -= settings.Q_CLUSTER["timeout"] + TASKS_ARE_LATE + 1
    supervisor._restart_stalled_tasks()
    assert cluster.is_running() == (beats_minutes_ago == 1)
    cluster.kill_group()
