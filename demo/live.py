"""``demo``: the shops with web page, worker, mail server and name server, until Ctrl-C."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.children import ROOT, Child, Children
from demo.environment import HOST, PRESENT_PASSWORD, SERVICE_ADDRESS, Surroundings, prepare
from demo.options import CannotRun, Options

PORT = 8000
# Slow enough for a person to see "sending", fast enough for forty messages at the start.
SINK_DELAY = "150-400"
MAIL_WAIT = 60.0  # seconds
# What --fresh throws away: our own names only, because POSTROOM_DATA may point anywhere.
OURS = ("demo.sqlite3", "demo.sqlite3-wal", "demo.sqlite3-shm", "mail", "media", "keys", "logs")


def run(options: Options) -> int:
    """Runs until it is interrupted; raises ``CannotRun``."""
    data = Path(os.environ.get("POSTROOM_DATA") or ROOT / "var").absolute() / "demo"
    data.mkdir(parents=True, exist_ok=True)
    with _alone(data), Children(data / "logs") as children:
        if options.fresh:
            _clear(data)
            children.logs.mkdir()
        port = _free_port(options.port)
        _start(options, data, port, children)
        try:
            _watch(children)
        except KeyboardInterrupt:
            say("\nStopping …")
    say(f"Stopped. The data stay in {_short(data)}; --fresh begins anew.")
    return 0


def _start(options: Options, data: Path, port: int, children: Children) -> None:
    smtp, dns = _start_servers(options, data, children)
    prepare(
        Surroundings(
            data=data,
            database_url=f"sqlite:///{data / 'demo.sqlite3'}",
            smtp=smtp,
            dns=dns,
            web_port=port,
            policy=options.policy,
            workers=options.workers,
        )
    )
    say("Loading two shops")
    import django

    django.setup()
    # Only now: they read the settings.
    from demo import first_steps

    address = f"http://{HOST}:{port}"
    sign_in = first_steps.load(data, smtp)
    web = children.start("web", "manage.py", "serve", "--host", HOST, "--port", str(port))
    worker = children.start("worker", "manage.py", "worker", "--deliverers", str(options.workers))
    say("Starting the web page and the worker")
    for _ in children.until(lambda: _answers(port), web, MAIL_WAIT):
        pass
    first_steps.test_locked_out()
    order = first_steps.place_order()
    say(f"Order {order.number} is placed; waiting for its mail")
    for _ in children.until(lambda: first_steps.has_mail(data, order), worker, MAIL_WAIT):
        pass
    say(READY.format(address=address, sign_in=address + sign_in, password=PRESENT_PASSWORD))


READY = """
Postroom is running. Nothing leaves this computer.

  Sign in         {sign_in}
  Place an order  {address}/demo/shop
  Read the mail   {address}/demo/mailbox

One account is red: the server refuses its password. Its present one is {password}
  Mend it         {address}/s/demo/accounts/

Stop it with Ctrl-C."""


def _start_servers(options: Options, data: Path, children: Children) -> tuple[str, str]:
    say("Starting a mail server and a name server, for this computer only")
    delay = options.sink_delay or SINK_DELAY
    sink = children.start_announced(
        "sink",
        "-m",
        "demo.sink",
        "--store",
        str(data / "mail"),
        "--delay",
        delay,
        "--user",
        f"{SERVICE_ADDRESS}:{PRESENT_PASSWORD}",
    )
    dns = children.start_announced("dns", "-m", "demo.dns_stub")
    return f"{HOST}:{sink['port']}", f"{HOST}:{dns['port']}"


def _watch(children: Children) -> None:
    """Returns never: raises ``ChildFailed`` when a process ends by itself."""
    while True:
        for child in children.started:
            if not child.is_running():
                _revive(child)
        time.sleep(0.5)


def _revive(child: Child) -> None:
    """A worker may be killed by anybody who wants to see what happens; the others may not."""
    if child.name != "worker":
        raise child.failure()
    say("The worker was ended; starting it again")
    child.restart()


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One demo on one folder. The kernel gives the lock back, however we end."""
    with (data / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotRun(
                f"a demo is running already with the data in {_short(data)}. Stop it, or name "
                "another folder: POSTROOM_DATA=/tmp/second ./postroom demo"
            ) from error
        yield


def _clear(data: Path) -> None:
    for name in OURS:
        path = data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _free_port(wanted: int | None) -> int:
    """The port that was asked for, or 8000, or where that is taken any free one."""
    if (port := _bind(PORT if wanted is None else wanted)) is not None:
        return port
    if wanted is not None:
        raise CannotRun(f"port {wanted} is taken. --port 0 takes any free one.")
    free = _bind(0)
    assert free is not None
    say(f"Port {PORT} is taken, so the web page is at port {free}")
    return free


def _bind(port: int) -> int | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return None
        found: int = probe.getsockname()[1]
        return found


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        found = json.loads(connection.getresponse().read())
        return bool(found.get("status") == "ok")
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def say(text: str) -> None:
    print(text, flush=True)
