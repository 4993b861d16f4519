from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]
pytestmark = [pytest.mark.kills, pytest.mark.slow]


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def children_of(pid: int) -> set[int]:
    """All descendants that are alive, by way of /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {pid}
    while grown := {child for child, parent in parents.items() if parent in found} - found:
        found |= grown
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return {pid for pid in pids if runs(pid)}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A migrated SQLite database of its own; what is tested here does not depend on which."""
    folder = tmp_path_factory.mktemp("worker")
    env = os.environ | {
        "POSTROOM_DATA": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
    }
    subprocess.run([*MANAGE, "migrate", "-v0"], env=env, check=True, cwd=ROOT)
    return env


@pytest.fixture
def worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A real ``manage.py worker``, once all its processes run."""
    process = subprocess.Popen([*MANAGE, "worker", "--deliverers", "1"], env=environment, cwd=ROOT)
    # deliver, guard, and the cluster's top, sentinel, pusher, monitor and two workers.
    assert until(lambda: len(children_of(process.pid)) >= 8), children_of(process.pid)
    try:
        yield process
    finally:
        left = children_of(process.pid) | {process.pid}
        for pid in alive(left):
            os.kill(pid, signal.SIGKILL)
        process.wait()


def test_it_stops_everything_when_asked(worker: subprocess.Popen[bytes]) -> None:
    family = children_of(worker.pid)
    worker.terminate()
    assert worker.wait(40) == 0
    assert until(lambda: not alive(family), 5)


def test_it_starts_again_what_was_killed_and_leaves_no_orphan_when_it_is_killed_itself(
    worker: subprocess.Popen[bytes],
) -> None:
    before = children_of(worker.pid)
    for pid in before:
        if pid in alive(before):
            os.kill(pid, signal.SIGKILL)
    assert until(lambda: len(children_of(worker.pid) - before) >= 8), children_of(worker.pid)
    family = children_of(worker.pid)
    worker.kill()
    worker.wait()
    assert until(lambda: not alive(family)), alive(family)
