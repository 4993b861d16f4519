"""Postfix's ``smtp-sink`` and ``smtp-source``: mail as fast as C takes and sends it.

The tools come out of Debian's package without installing it, because a package that is installed
replaces the machine's mail server. They talk to loopback only.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
MESSAGES = 20_000
SESSIONS = 8
BYTES = 5120
# Libraries that come in one package.
_TOGETHER = {"libicuuc": "libicu", "libicudata": "libicu"}


class ToolsMissing(Exception):
    """Debian's tools are not to be had here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the two programs and their libraries were unpacked."""

    folder: Path

    def command(self, name: str, *words: str) -> list[str]:
        return [str(self.folder / "usr" / "sbin" / name), *words]

    @property
    def environment(self) -> dict[str, str]:
        folders = [self.folder / "usr" / "lib" / "postfix", *self.folder.glob("usr/lib/*-linux-*")]
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(str(each) for each in folders)}


@contextmanager
def unpacked() -> Iterator[Tools]:
    """The tools in a folder that is gone afterwards. Raises ``ToolsMissing``."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise ToolsMissing("smtp-sink comes out of Debian's package postfix; here is no apt-get")
    with tempfile.TemporaryDirectory(prefix="postroom-postfix.") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the sink runs as nobody
        _unpack(folder, ["postfix"])
        tools = Tools(folder)
        for _each in range(3):  # a library may need one that is missing too
            missing = _missing_libraries(tools)
            if not missing:
                break
            _unpack(folder, [_package_of(library) for library in missing])
        yield tools


def _unpack(folder: Path, packages: list[str]) -> None:
    done = subprocess.run(
        ["apt-get", "download", "-qq", *packages], cwd=folder, capture_output=True, text=True
    )
    found = list(folder.glob("*.deb"))
    if done.returncode or not found:
        said = done.stderr.strip().splitlines()[-1:] or ["no package came"]
        raise ToolsMissing(f"apt-get download {' '.join(packages)}: {said[0]}")
    for package in found:
        subprocess.run(["dpkg", "-x", package, folder], check=True)
        package.unlink()


def _missing_libraries(tools: Tools) -> list[str]:
    seen = subprocess.run(
        ["ldd", *tools.command("smtp-sink")], env=tools.environment, capture_output=True, text=True
    )
    return [line.split()[0] for line in seen.stdout.splitlines() if "not found" in line]


def _package_of(library: str) -> str:
    """``libdb-5.3.so`` → ``libdb5.3``, ``libnsl.so.2`` → ``libnsl2``: Debian policy section 8.1."""
    stem, _so, version = library.partition(".so")
    stem = _TOGETHER.get(stem, stem)
    if version:
        joint = "-" if stem[-1].isdigit() else ""
        stem += joint + version.lstrip(".")
    elif match := re.fullmatch(r"(.*)-([\d.]+)", stem):
        stem = match[1] + match[2]
    return stem.lower()


class Sink:
    """A running ``smtp-sink``: takes everything, keeps nothing, counts."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    def received(self) -> int:
        """How many messages it has taken so far."""
        with self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - 200))
            counts = re.findall(rb"mesg=(\d+)", file.read())
        return int(counts[-1]) if counts else 0


@contextmanager
def sink(tools: Tools) -> Iterator[Sink]:
    """``smtp-sink -c -u nobody`` on a free port of loopback."""
    port = _free_port()
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    with tempfile.NamedTemporaryFile(prefix="postroom-sink.") as log:
        process = subprocess.Popen(
            tools.command("smtp-sink", "-c", *as_nobody, f"{HOST}:{port}", "1000"),
            env=tools.environment,
            stdout=log,
            stderr=sys.stderr,
        )
        try:
            _await(port, process)
            yield Sink(port, Path(log.name))
        finally:
            process.terminate()
            process.wait()


def ceiling(tools: Tools, port: int) -> float:
    """Messages per second that ``smtp-source`` sends to the sink: no queue, no log, in C."""
    words = ["-d", "-s", str(SESSIONS), "-m", str(MESSAGES), "-l", str(BYTES), f"{HOST}:{port}"]
    began = time.perf_counter()
    subprocess.run(tools.command("smtp-source", *words), env=tools.environment, check=True)
    return MESSAGES / (time.perf_counter() - began)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _each in range(100):
        if process.poll() is not None:
            raise ToolsMissing(f"smtp-sink ended at once with code {process.returncode}")
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ToolsMissing("smtp-sink does not answer")
