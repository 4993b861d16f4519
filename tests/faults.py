"""What kill and stop runs have in common: processes to hurt, and the balance that is drawn after.

The tests use it in short forms, ``bench/faults.py`` in long ones.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.db import connection
from django.db.models import Count

from demo.sink import Sink
from demo.tally import has_ended
from maillog.models import Delivery
from maillog.states import State, UnknownPolicy
from tests.environment import QUICK

ROOT = Path(__file__).parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]


def database_url() -> str:
    """The address of the database in use, for processes that are started."""
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{facts['NAME']}"
    login = f"{facts['USER']}:{quote(facts['PASSWORD'])}" if facts["PASSWORD"] else facts["USER"]
    return f"postgres://{login}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"


def quick_environment() -> dict[str, str]:
    """The environment of processes that work on this database, in a hurry."""
    return {**os.environ, "DATABASE_URL": database_url(), **QUICK}


def policy_of(vendor: str) -> UnknownPolicy:
    """The suite runs one pairing on each database; ``bench faults`` runs the other two."""
    return UnknownPolicy.ASK if vendor == "sqlite" else UnknownPolicy.REPEAT


@contextmanager
def deliver_processes(number: int) -> Iterator[None]:
    """Keeps so many ``deliver`` processes alive: a killed one is replaced at once."""
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.warm_parent", str(number)],
        env=quick_environment(),
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
        parent.stdout.close()


def holders() -> list[int]:
    """Processes that hold a claim at this moment; ``worker`` is ``host:pid:number``."""
    held = Delivery.objects.filter(state=State.CLAIMED).values_list("worker", flat=True)
    return sorted({int(worker.split(":")[1]) for worker in held.distinct()})


def send_signal(pid: int, number: signal.Signals) -> bool:
    """False if the process is dead already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def kill_holders(times: int, seconds: float, pause: tuple[float, float] = (0.02, 0.08)) -> int:
    """Kills ``times`` processes, each while it holds a claim; returns how many.

    Ends early when nothing is left to send, or after ``seconds``.
    """
    rng, killed, ends = random.Random(7), 0, time.monotonic() + seconds
    while killed < times and time.monotonic() < ends and not has_ended():
        time.sleep(rng.uniform(*pause))
        killed += sum(send_signal(pid, signal.SIGKILL) for pid in holders())
    return killed


def stop_holders(seconds: float) -> int:
    """Stops all processes that hold a claim, and lets them go on after ``seconds``.

    Returns how many were stopped. What they hold is lost to them meanwhile, and others find it.
    """
    until(lambda: bool(holders()), 20, every=0.01)
    victims = [pid for pid in holders() if send_signal(pid, signal.SIGSTOP)]
    time.sleep(seconds)
    for pid in victims:
        send_signal(pid, signal.SIGCONT)
    return len(victims)


def until(condition: Callable[[], bool], seconds: float, *, every: float = 0.1) -> bool:
    """Waits until ``condition`` holds, at most so long; returns whether it does."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(every)
    return True


@dataclass(frozen=True, slots=True)
class Balance:
    """What the outbox says and what the server got. ``sent`` and the like are Message-IDs."""

    states: dict[str, int]
    sent: frozenset[str]
    unknown: frozenset[str]
    arrived: frozenset[str]
    duplicates: int
    ever_unknown: int

    def problems(self, queued: int, policy: str) -> list[str]:
        """What breaks the promise; empty if it was kept."""
        found = {
            "rows are missing": sum(self.states.values()) != queued,
            "not sent, and nothing to blame for it": not set(self.states) <= {"sent", "unknown"},
            "called sent, and did not arrive": not self.sent <= self.arrived,
            "arrived, and is called neither": not self.arrived <= self.sent | self.unknown,
            "arrived twice in silence": self.duplicates > self.ever_unknown,
            "arrived twice, although a person was to be asked": bool(
                self.duplicates and policy == UnknownPolicy.ASK
            ),
        }
        return [words for words, is_so in found.items() if is_so]

    def __str__(self) -> str:
        return f"{self.states}, {self.duplicates=}, {self.ever_unknown=}"


def draw_balance(server: Sink) -> Balance:
    rows = Delivery.objects.all()

    def ids(state: State) -> frozenset[str]:
        return frozenset(rows.filter(state=state).values_list("message__message_id", flat=True))

    return Balance(
        states=dict(rows.values_list("state").annotate(Count("id"))),
        sent=ids(State.SENT),
        unknown=ids(State.UNKNOWN),
        arrived=frozenset(server.store.arrivals),
        duplicates=server.store.duplicates,
        ever_unknown=rows.filter(ever_unknown=True).count(),
    )
