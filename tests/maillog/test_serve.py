from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_it_answers_when_it_is_ready_and_ends_when_it_is_told(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {"POSTROOM_DATA": str(tmp_path), "HOME": "/nonexistent"}
    env["DATABASE_URL"] = f"sqlite:///{tmp_path / 'serve.sqlite3'}"
    # An empty proxy list: the request must not leave this computer.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", "2"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE) as process:
        answer, ends = b"", time.monotonic() + 20
        while not answer and time.monotonic() < ends:
            try:
                answer = opener.open(f"http://127.0.0.1:{port}/healthz", timeout=2).read()
            except OSError:
                time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0

    assert answer == b'{"status": "ok"}'
