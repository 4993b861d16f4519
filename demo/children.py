"""The demo's processes: each in a session of its own, none of them outliving the demo."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from demo.options import CannotRun

ROOT = Path(__file__).resolve().parent.parent
# Ends the command and its process group when we are gone, even by SIGKILL.
GUARD = ROOT / "maillog" / "guard.py"
GRACE = 35.0  # seconds; the worker itself gives its processes 30
START = 40.0  # seconds that a server has to say where it listens


class ChildFailed(CannotRun):
    """A process did not start or has ended; ``str()`` holds the end of its log."""


class Child:
    """One process with its log file."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = [sys.executable, str(GUARD), sys.executable, *arguments]
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_running(self) -> bool:
        return self._process.poll() is None

    def restart(self) -> None:
        self._kill_group()
        self._process = self._start()

    def stop(self) -> None:
        """Asks, waits, and then kills what is left of the group."""
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(GRACE)
        self._kill_group()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

    def failure(self) -> ChildFailed:
        tail = self.log.read_text(errors="replace").splitlines()[-15:]
        return ChildFailed("\n  ".join([f"{self.name} has ended. Its log, {self.log}:", *tail]))


class Children:
    """Starts processes; at the end of the block the last started is stopped first."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs
        self.started: list[Child] = []

    def __enter__(self) -> Self:
        # SIGINT too: a shell starts what it puts into the background without it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A second Ctrl-C must not leave half of them running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for child in reversed(self.started):
            child.stop()

    def start(self, name: str, *arguments: str) -> Child:
        """Runs this Python with ``arguments``."""
        child = Child(name, list(arguments), self.logs / f"{name}.log")
        self.started.append(child)
        return child

    def start_announced(self, name: str, *arguments: str) -> dict[str, Any]:
        """Starts a server that writes where it listens into the file ``--announce``.

        Returns what it wrote. Raises ``ChildFailed``.
        """
        announced = self.logs / f"{name}.json"
        announced.unlink(missing_ok=True)
        child = self.start(name, *arguments, "--announce", str(announced))
        for _ in self.until(announced.exists, child, START):
            pass
        found: dict[str, Any] = json.loads(announced.read_text())
        return found

    def until(self, condition: Callable[[], bool], child: Child, seconds: float) -> Iterator[float]:
        """Yields until ``condition`` holds; raises ``ChildFailed`` if ``child`` ends or is slow."""
        ends = time.monotonic() + seconds
        while not condition():
            if not child.is_running() or time.monotonic() > ends:
                raise child.failure()
            yield ends - time.monotonic()
            time.sleep(0.05)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
