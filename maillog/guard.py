"""Runs a command whose own children outlive it, and ends all of them with the supervisor.

Started as a plain script, without Django: ``guard.py COMMAND…``. Standard input is a pipe from
the supervisor. When that closes, the command is asked to stop, and after a while its whole
process group is killed: django-q2's processes would go on as orphans.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE = 10.0  # seconds


def main(command: list[str]) -> int:
    """Runs ``command`` in this process group; returns its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: child.send_signal(signal.SIGTERM))
    threading.Thread(target=_end_with_parent, args=[child], daemon=True).start()
    code = child.wait()
    _kill_group()
    return code


def _end_with_parent(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    child.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE)
    _kill_group()


def _kill_group() -> None:
    """Kills what is left of the group, this process included: it leads the group."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
