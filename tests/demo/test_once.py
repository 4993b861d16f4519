"""``demo --once`` as others call it: a child process, its exit code and its last line."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from demo.sink import Options, in_thread
from tests.environment import DATA
from tests.maillog.test_supervisor import children_of

ROOT = Path(__file__).parent.parent.parent
ENDED = ("sent", "failed", "unknown", "held", "expired", "cancelled", "suppressed", "not_sent")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "demo", "--once", *arguments]


def once(*arguments: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=180
    )
    lines = done.stdout.strip().splitlines()
    return done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr


def database(url: str) -> list[str]:
    """The option for a database on the suite's server; none on SQLite, which needs no name."""
    parts = urlsplit(url)
    if not parts.scheme.startswith("postgres"):
        return []
    return ["--database-url", urlunsplit(parts._replace(path="/postroom_demo"))]


@pytest.fixture
def where() -> Iterator[list[str]]:
    """The option; its database is ours alone, whatever test process we are in."""
    with (DATA / "postroom_demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield database(os.environ["DATABASE_URL"])


def adds_up(report: dict[str, Any]) -> bool:
    """Every order has its message, and every message has ended in one state."""
    ended = sum(report.get(state, 0) for state in ENDED)
    return bool(report["orders"] == report["queued"] == ended and report["waiting"] == 0)


@pytest.mark.slow
def test_it_sends_every_order_once_and_says_so(where: list[str]) -> None:
    code, report, progress = once("--orders", "20", *where)

    assert code == 0, progress
    assert adds_up(report)
    assert report["sent"] == report["sink_received"] == 20
    assert report["failed"] == report["unknown"] == report["held"] == report["duplicates"] == 0
    assert report["seconds"] > 0


def killer(pid: int, kills: list[int], stop: threading.Event) -> None:
    """Kills eight ``deliver`` processes of the run under ``pid``, one after the other."""
    while len(kills) < 8 and not stop.wait(0.7):
        for child in children_of(pid):
            try:
                called = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if b"deliver" in called:
                    os.kill(child, signal.SIGKILL)
                    kills.append(child)
                    break
            except OSError:
                continue


@pytest.mark.slow
@pytest.mark.kills
def test_it_loses_nothing_while_workers_are_killed(where: list[str]) -> None:
    """One policy for each database: what differs between the four pairings is small."""
    policy = "repeat" if where else "ask"
    arguments = ["--orders", "60", "--policy", policy, "--sink-delay", "20-60", *where]
    kills: list[int] = []
    stop = threading.Event()
    with subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        thread = threading.Thread(target=killer, args=[process.pid, kills, stop])
        thread.start()
        out, progress = process.communicate(timeout=180)
        stop.set()
        thread.join()
    assert out, progress
    report = json.loads(out.strip().splitlines()[-1])

    assert kills
    assert process.returncode == 0, progress
    assert adds_up(report)
    assert report["failed"] == report["held"] == 0
    assert report["duplicates"] <= report["ever_unknown"]
    if policy == "ask":
        assert report["duplicates"] == 0


@pytest.mark.slow
def test_another_server_is_used_and_not_looked_into(tmp_path: Path) -> None:
    with in_thread(Options()) as sink:
        url = f"sqlite:///{tmp_path / 'postroom_demo.sqlite3'}"
        code, report, progress = once(
            "--orders", "3", "--smtp", f"127.0.0.1:{sink.port}", "--database-url", url
        )

        assert code == 0, progress
        assert report["sent"] == sink.store.count == 3
        assert report["sink_received"] is None and report["duplicates"] is None


@pytest.mark.slow
def test_it_gives_up_after_its_timeout_and_leaves_no_process_behind(tmp_path: Path) -> None:
    # A port that nobody listens on: the account waits, and so does the mail.
    with in_thread(Options()) as sink:
        deaf = sink.port
    before = children_of(os.getpid())

    code, report, _ = once("--orders", "2", "--smtp", f"127.0.0.1:{deaf}", "--timeout", "4")

    assert code == 1
    assert report["sent"] == 0 and report["waiting"] == 2
    assert not children_of(os.getpid()) - before


@pytest.mark.parametrize(
    "url", ["sqlite:////tmp/shop.sqlite3", "postgresql://a:b@127.0.0.1:1/postroom", "mysql://x/y"]
)
def test_it_refuses_to_empty_any_other_database(url: str) -> None:
    code, report, complaint = once("--orders", "1", "--database-url", url)

    assert code == 1
    assert not report
    assert "--database-url" in complaint and "Traceback" not in complaint


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--orders", "0"], "--orders"),
        (["--smtp", "somewhere"], "HOST:PORT"),
        (["--port", "8000"], "--port"),
        (["--policy", "maybe"], "--policy"),
    ],
)
def test_it_says_what_is_wrong_with_an_option(arguments: list[str], word: str) -> None:
    code, _, complaint = once(*arguments)

    assert code == 2
    assert word in complaint


@pytest.fixture
def interrupted(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command("--orders", "400", "--sink-delay", "200-300"),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "placing" in line:
            break
    yield process
    process.kill()
    process.wait()
    process.stderr.close()


@pytest.mark.slow
@pytest.mark.kills
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_its_processes_end_with_it(interrupted: subprocess.Popen[str], number: int) -> None:
    time.sleep(3)
    family = children_of(interrupted.pid)
    assert len(family) >= 4

    interrupted.send_signal(number)
    interrupted.wait(60)

    ends = time.monotonic() + 45
    while time.monotonic() < ends and any(Path(f"/proc/{pid}").exists() for pid in family):
        time.sleep(0.2)
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
