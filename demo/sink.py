"""A mail server that delivers nothing: the demo's, the tests' and the benchmarks' other side.

It stores a message first, waits, and then answers, which is how a sender that is killed in between
learns what "possibly twice" means. ``python -m demo.sink --port 0 --store DIR --delay 2-30``
prints its port as JSON on the first line, and the counts on the last when it is told to stop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import ssl
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from demo.sink_faults import Fault
from demo.sink_session import SinkSession
from demo.sink_speaker import SinkSpeaker
from demo.sink_store import Store


@dataclass(slots=True)
class Options:
    """What the sink offers and how it behaves; times in seconds, sizes in bytes."""

    host: str = "127.0.0.1"
    port: int = 0  # 0 = any free one
    folder: Path | None = None  # None = in memory
    keep: bool = True  # in memory: the messages too, not only their number
    listing: Path | None = None  # file that gets one JSON line a message, without its text
    delay: tuple[float, float] = (0.0, 0.0)  # between storing and answering
    size: int = 50 * 1024 * 1024
    pipelining: bool = True
    eight_bit: bool = True
    smtputf8: bool = False
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    starttls: bool = True  # offered where there is a context
    users: dict[str, str] = field(default_factory=dict)  # names and passwords
    open_to_all: bool = False  # with users: who does not log in is served too
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    greylist: float = 0.0  # how long a new pair of sender and recipient is told to come back
    patience: float = 0.0  # how long a silent client is kept
    faults: list[Fault] = field(default_factory=list)
    record: bool = False  # keep what was heard, read by read
    seed: int = 1


class Sink:
    """The server. ``start`` and ``stop`` belong to the event loop."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.store = Store(options.folder, keep=options.keep, listing=options.listing)
        self.rng = Random(options.seed)
        self.connections = 0
        self.heard: list[tuple[int, bytes]] = []
        self.port = options.port
        self._sessions: set[SinkSpeaker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._first_seen: dict[tuple[str, str], float] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        options = self.options
        self._server = await asyncio.get_running_loop().create_server(
            lambda: SinkSession(self),
            options.host,
            options.port,
            ssl=options.tls if options.implicit_tls else None,
            backlog=512,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        for session in list(self._sessions):
            session.close()
        await asyncio.sleep(0)
        self.store.close()

    def register(self, session: SinkSpeaker) -> int:
        """Count a connection; returns its number, from 1."""
        self._sessions.add(session)
        self.connections += 1
        return self.connections

    def unregister(self, session: SinkSpeaker) -> None:
        self._sessions.discard(session)

    def run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def next_delay(self) -> float:
        shortest, longest = self.options.delay
        return self.rng.uniform(shortest, longest) if longest else 0.0

    def greylisted(self, mail_from: str, recipient: str) -> bool:
        if not self.options.greylist:
            return False
        now = time.monotonic()
        first = self._first_seen.setdefault((mail_from, recipient), now)
        return now - first < self.options.greylist


@contextmanager
def in_thread(options: Options | None = None) -> Iterator[Sink]:
    """Run a sink in a thread of its own; it listens when the block begins."""
    sink = Sink(options or Options())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sink", daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(sink.start(), loop).result(10)
    try:
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(sink.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def main(arguments: list[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    options = Options(
        host=args.host,
        port=args.port,
        folder=args.store,
        keep=False,
        listing=args.list,
        delay=args.delay,
        users=dict(args.user),
        open_to_all=True,
    )
    asyncio.run(_serve(Sink(options), args.announce))


async def _serve(sink: Sink, announce: Path | None) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await sink.start()
    where = json.dumps({"host": sink.options.host, "port": sink.port, "pid": os.getpid()})
    if announce is not None:
        part = announce.with_suffix(".part")
        part.write_text(where + "\n")
        os.replace(part, announce)
    print(where, flush=True)
    await stopped.wait()
    await sink.stop()
    counts = {"received": sink.store.count, "duplicates": sink.store.duplicates}
    print(json.dumps(counts), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo.sink", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 = any free port")
    parser.add_argument("--store", type=Path, help="folder for the messages; without it: counts")
    parser.add_argument("--list", type=Path, help="file for one JSON line a message, without text")
    parser.add_argument(
        "--delay", type=_delay, default=(0.0, 0.0), help="MIN-MAX milliseconds before the answer"
    )
    parser.add_argument(
        "--user", type=_user, action="append", default=[], help="NAME:PASSWORD of who may log in"
    )
    parser.add_argument("--announce", type=Path, help="also write the first line to this file")
    return parser


def _user(text: str) -> tuple[str, str]:
    name, _colon, password = text.partition(":")
    if not name or not password:
        raise argparse.ArgumentTypeError(f"not NAME:PASSWORD: {text!r}")
    return name, password


def _delay(text: str) -> tuple[float, float]:
    shortest, _dash, longest = text.partition("-")
    try:
        seconds = float(shortest) / 1000, float(longest or shortest) / 1000
    except ValueError:
        raise argparse.ArgumentTypeError(f"not MIN-MAX: {text!r}") from None
    if not 0 <= seconds[0] <= seconds[1]:
        raise argparse.ArgumentTypeError(f"not MIN-MAX: {text!r}")
    return seconds


if __name__ == "__main__":
    main()
