"""What the benches of the main job stand on: a PostgreSQL of their own, a shop, processes.

A bench calls ``on_postgresql`` first: it starts the same module again beneath a fresh server that
makes commits durable, and returns there only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount
    from shops.models import Shop

ROOT = Path(__file__).parent.parent
POSTGRES = str(ROOT / "tests" / "throwaway_postgres.sh")
INSIDE = "POSTROOM_BENCH_INSIDE"


def on_postgresql(module: str) -> None:
    """Runs ``module`` with these arguments on a fresh database, then exits as it did.

    In that inner process it migrates the database and returns.
    """
    if os.environ.pop(INSIDE, ""):
        _prepare()
        return
    with tempfile.TemporaryDirectory(prefix="postroom-bench.") as data:
        env = {
            **os.environ,
            INSIDE: "1",
            "POSTROOM_DATA": data,
            "POSTROOM_DEMO": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "for-benches-only-" + "x" * 40,
            "DEBUG": "false",
            "PUBLIC_URL": "https://postroom.example",
            "OUTBOUND_ALLOW": "127.0.0.1:*",
            "LOG_LEVEL": "WARNING",
        }
        words = [POSTGRES, "run", "--fsync", sys.executable, "-m", module, *sys.argv[1:]]
        sys.exit(subprocess.run(words, env=env, cwd=ROOT).returncode)


def _prepare() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def make_shop(port: int, connections: int) -> tuple[Shop, SenderAccount]:
    """The demo's bicycle shop, whose only account sends to ``port`` of loopback."""
    from demo.catalogue import BICYCLES
    from demo.load import make_shop_of

    shop = make_shop_of(BICYCLES, f"127.0.0.1:{port}", copies=False)
    account = shop.sender_accounts.get(is_main=True)
    account.concurrency = connections
    account.save()
    return shop, account


def place_order(shop: Shop, number: int) -> None:
    """One order as the demo places it, with its confirmation: one and two articles by turns."""
    from demo.catalogue import BICYCLES
    from demo.load import make_order
    from shops.models import Order

    person = BICYCLES.people[number % len(BICYCLES.people)]
    order, lines = make_order(shop, BICYCLES, person, str(number), [number, number + number % 2])
    Order.place(order, lines)


class Deliverers:
    """``deliver`` processes and the CPU they have used."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self._processes = processes

    def cpu_seconds(self) -> float:
        """User and system time of all of them so far."""
        return sum(_cpu_seconds(process.pid) for process in self._processes)


def postgres_cpu_seconds() -> float:
    """CPU of the database server so far: its processes at work and those that have ended."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)")
        postmaster = int(cursor.fetchone()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return sum(_cpu_seconds(int(each)) for each in children) + _cpu_seconds(postmaster, ended=True)


def _cpu_seconds(pid: int, *, ended: bool = False) -> float:
    """User and system time of a process; with ``ended`` that of its ended children instead."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = fields[13:15] if ended else fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def deliverers(number: int) -> Iterator[Deliverers]:
    """So many processes of ``manage.py deliver``, each of which has looked for work once."""
    from maillog.models import WorkerBeat
    from tests.faults import until

    command = [sys.executable, str(ROOT / "manage.py"), "deliver"]
    env = {**os.environ, "DELIVER_PROCESSES": str(number)}
    processes = [subprocess.Popen(command, env=env) for _each in range(number)]
    try:
        if not until(lambda: WorkerBeat.objects.count() == number, 60):
            raise RuntimeError("the deliver processes did not start")
        time.sleep(1.0)
        yield Deliverers(processes)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def tell(figures: dict[str, Any], *, as_json: bool) -> None:
    """Prints the figures, a line each or all in one line of JSON."""
    if as_json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        print(f"{key:24} {value}")
