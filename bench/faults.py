"""Nothing lost, nothing doubled in silence: long runs of kills, stops and database restarts.

`python -m bench.faults [--messages N] [--kills N] [--stops N] [--restarts N] [--only W] [--json]`:
each run has a fresh database (SQLite, or a PostgreSQL server of its own with fsync), a mail server
that stores, waits 2–30 ms and then answers, and `deliver` processes that are replaced at once. The
run without a blow is the reference. Exit code 1 if a message was lost, or doubled in silence.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.environment import LEASE, QUICK

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount

ROOT = Path(__file__).parent.parent
POSTGRES = str(ROOT / "tests" / "throwaway_postgres.sh")
DELAY = (0.002, 0.030)  # seconds between storing a message and answering
PROCESSES = 3
LONGEST = 600.0  # seconds for what a run has left over
# A blow, its database and its policy. Pairings of kills that the suite runs too come last.
RUNS = (
    ("none", "sqlite", "ask"),
    ("none", "postgres", "ask"),
    ("kills", "sqlite", "repeat"),
    ("kills", "postgres", "ask"),
    ("kills", "sqlite", "ask"),
    ("kills", "postgres", "repeat"),
    ("stops", "sqlite", "repeat"),
    ("stops", "postgres", "ask"),
    ("restarts", "postgres", "repeat"),
    ("restarts", "postgres", "ask"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run, in a process that has its database."""

    blow: str
    policy: str
    messages: int
    times: int  # how often the blow falls


def kills(run: Run, account: SenderAccount) -> int:
    """``kill -9`` of those that hold a claim, 0.05–0.2 s apart, while anything is left to send."""
    from tests import faults

    return faults.kill_holders(run.times, LONGEST, pause=(0.05, 0.2))


def stops(run: Run, account: SenderAccount) -> int:
    """SIGSTOP of all holders for three leases, then SIGCONT."""
    from tests import faults

    stopped = 0
    for _each in range(run.times):
        queue(run, account, run.messages // run.times)
        stopped += faults.stop_holders(3 * LEASE + 0.2)
    queue(run, account, run.messages % run.times)
    return stopped


def restarts(run: Run, account: SenderAccount) -> int:
    """PostgreSQL stops, by turns "fast" and "immediate", and starts again, under load."""
    from django.db import connection

    from tests import faults

    for number in range(run.times):
        queue(run, account, run.messages // run.times)
        faults.until(lambda: bool(faults.holders()), 20, every=0.01)
        time.sleep(0.1)
        connection.close()
        mode = "immediate" if number % 2 else "fast"
        subprocess.run([POSTGRES, "restart", mode], check=True)
    queue(run, account, run.messages % run.times)
    return run.times


def nothing(run: Run, account: SenderAccount) -> int:
    """The reference."""
    return 0


BLOWS: dict[str, Callable[[Run, SenderAccount], int]] = {
    "none": nothing,
    "kills": kills,
    "stops": stops,
    "restarts": restarts,
}

# The others queue part after part, so that each blow meets a full queue.
QUEUED_BEFORE = ("none", "kills")


def queue(run: Run, account: SenderAccount, count: int) -> None:
    from tests.maillog.test_drainers import queue_many

    queue_many(account, count)


def play(run: Run) -> dict[str, Any]:
    """Plays one run in this process's database; returns its figures."""
    import django

    django.setup()
    from django.core.management import call_command

    from demo.sink import Options, in_thread
    from demo.tally import has_ended
    from tests import factories, faults

    call_command("migrate", verbosity=0)
    with in_thread(Options(delay=DELAY, keep=False)) as server:
        shop = factories.make_shop()
        account = factories.make_account(shop, port=server.port, concurrency=16)
        if run.blow in QUEUED_BEFORE:
            queue(run, account, run.messages)
        began = time.monotonic()
        with faults.deliver_processes(PROCESSES):
            blows = BLOWS[run.blow](run, account)
            faults.until(has_ended, LONGEST)
        seconds = time.monotonic() - began
        balance = faults.draw_balance(server)
    return {
        "blow": run.blow,
        "policy": run.policy,
        "messages": run.messages,
        "blows": blows,
        "states": balance.states,
        "duplicates": balance.duplicates,
        "ever_unknown": balance.ever_unknown,
        "seconds": round(seconds, 1),
        "problems": balance.problems(run.messages, run.policy),
    }


def start(database: str, run: Run) -> dict[str, Any]:
    """Plays ``run`` in a process of its own, on a fresh database."""
    words = [sys.executable, "-m", "bench.faults", "--play", json.dumps([*vars_of(run)])]
    with tempfile.TemporaryDirectory(prefix="postroom-faults.") as folder:
        env = {
            **os.environ,
            **QUICK,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "UNKNOWN_POLICY": run.policy,
            "DATABASE_URL": f"sqlite:///{folder}/faults.sqlite3",
            "LOG_LEVEL": "CRITICAL",
        }
        if database == "postgres":
            words = [POSTGRES, "run", "--fsync", *words]
        done = subprocess.run(words, env=env, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"database": database, **figures}


def vars_of(run: Run) -> tuple[str, str, int, int]:
    return run.blow, run.policy, run.messages, run.times


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./postroom bench faults", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--stops", type=int, default=5)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--only", default="", help="runs of this blow, or on this database")
    parser.add_argument("--play", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    options = parse()
    if options.play:
        print(json.dumps(play(Run(*json.loads(options.play)))))
        return 0
    results = []
    for blow, database, policy in RUNS:
        if options.only not in ("", blow, database):
            continue
        times = getattr(options, blow, 0)
        results.append(start(database, Run(blow, policy, options.messages, times)))
        if not options.json:
            print("  ".join(f"{key} {value}" for key, value in results[-1].items()), flush=True)
    broken = [each for each in results if each["problems"]]
    print(json.dumps({"runs": results, "broken": len(broken)}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
