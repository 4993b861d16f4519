"""Nothing lost, nothing doubled in silence: ``kill -9`` of processes that hold a claim."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.models import Count

from maillog import reaper
from maillog.models import Delivery
from maillog.states import State, UnknownPolicy
from tests import factories
from tests.maillog.test_drainers import queue_many
from tests.smtp import sink

ROOT = Path(__file__).parent.parent.parent
MESSAGES, KILLS = 500, 60
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.kills, pytest.mark.slow]


def database_url() -> str:
    """The address of the test's own database, for processes that it starts."""
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{facts['NAME']}"
    login = f"{facts['USER']}:{quote(facts['PASSWORD'])}" if facts["PASSWORD"] else facts["USER"]
    return f"postgres://{login}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"


@contextmanager
def deliver_processes(number: int) -> Iterator[None]:
    env = os.environ | {
        "DATABASE_URL": database_url(),
        "LEASE_SECONDS": "1",
        "REAP_GRACE_SECONDS": "1",
        "REPEAT_AFTER_SECONDS": "1",
    }
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.warm_parent", str(number)],
        env=env,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdin and parent.stdout
    parent.stdout.readline()
    try:
        yield
    finally:
        parent.stdin.close()
        parent.wait(20)


def holders() -> list[int]:
    """Processes that hold a claim at this moment; ``worker`` is ``host:pid:number``."""
    held = Delivery.objects.filter(state=State.CLAIMED).values_list("worker", flat=True)
    return sorted({int(worker.split(":")[1]) for worker in held.distinct()})


def kill_holders(times: int, seconds: float) -> int:
    """Kills ``times`` processes, each while it holds a claim; returns how many."""
    rng, killed, ends = random.Random(7), 0, time.monotonic() + seconds
    while killed < times and time.monotonic() < ends:
        time.sleep(rng.uniform(0.02, 0.08))
        killed += any(kill(pid) for pid in holders())
    return killed


def kill(pid: int) -> bool:
    """False if it was dead already and its claim has not been taken back yet."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def wait_for_the_end(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not reaper.has_ended() and time.monotonic() < ends:
        time.sleep(0.2)


def policy_of(vendor: str) -> str:
    """The suite runs one pairing on each database; ``bench faults`` runs the other two."""
    return UnknownPolicy.ASK if vendor == "sqlite" else UnknownPolicy.REPEAT


def test_no_message_is_lost_and_every_double_was_announced(settings: Any) -> None:
    policy = settings.UNKNOWN_POLICY = policy_of(connection.vendor)
    with sink(delay=(0.002, 0.030)) as server:
        account = factories.make_account(factories.make_shop(), port=server.port, concurrency=4)
        queue_many(account, MESSAGES)
        with deliver_processes(2):
            killed = kill_holders(KILLS, 120)
            wait_for_the_end(90)
        arrived = set(server.store.arrivals)
        duplicates = server.store.duplicates
    rows = Delivery.objects.select_related("message")
    states = dict(rows.values_list("state").annotate(Count("id")))
    uncertain = rows.filter(ever_unknown=True).count()
    print(f"{connection.vendor} {policy}: kills {killed}, {states}, {duplicates=}, {uncertain=}")

    assert killed >= KILLS
    assert sum(states.values()) == MESSAGES
    assert set(states) <= {State.SENT, State.UNKNOWN}
    sent = {row.message.message_id for row in rows.filter(state=State.SENT)}
    assert sent <= arrived
    known = sent | {row.message.message_id for row in rows.filter(state=State.UNKNOWN)}
    assert arrived <= known
    assert duplicates <= uncertain
    if policy == UnknownPolicy.ASK:
        assert duplicates == 0
