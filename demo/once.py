"""``demo --once``: orders in, mail out, one line of JSON. No browser, a fresh database.

Anyone may kill the workers meanwhile: a dead supervisor is started again here, and everything
else by the supervisor.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from demo import scratch_database
from demo.children import Child, Children
from demo.environment import Surroundings, prepare
from demo.options import Options
from demo.sink_store import arrivals

LOOK_EVERY = 0.2  # seconds


def run(options: Options) -> int:
    """Returns 0 if all ended and what arrived agrees with what was sent, else 1."""
    with (
        TemporaryDirectory(prefix="postroom-demo.", ignore_cleanup_errors=True) as folder,
        Children(Path(folder) / "logs") as children,
    ):
        return _run(options, Path(folder), children)


def _run(options: Options, folder: Path, children: Children) -> int:
    mail = folder / "mail"
    smtp = options.smtp or _start_sink(children, mail, options.sink_delay)
    url = options.database_url or f"sqlite:///{folder / 'postroom_demo.sqlite3'}"
    scratch_database.empty(url)
    prepare(
        Surroundings(
            data=folder,
            database_url=url,
            smtp=smtp,
            policy=options.policy,
            workers=options.workers,
        )
    )
    import django

    django.setup()
    # Only now: they read the settings.
    from demo import tally

    say("making the database")
    shop = tally.make_shop(smtp, options.workers)
    worker = children.start("worker", "manage.py", "worker", "--deliverers", str(options.workers))
    say(f"placing {options.orders} orders")
    began = time.monotonic()
    tally.place(shop, options.orders)
    ended = _wait(worker, began + options.timeout)
    seconds = time.monotonic() - began
    # What is on the wire is finished before anything is counted.
    worker.stop()
    counted = tally.count(None if options.smtp else arrivals(mail))
    report = {"orders": options.orders, **counted.figures(), "seconds": round(seconds, 2)}
    agrees = ended and counted.agrees(options.orders)
    if not agrees:
        say(str(worker.failure()) if not ended else "what arrived is not what was sent")
    print(json.dumps(report), flush=True)
    return 0 if agrees else 1


def _start_sink(children: Children, mail: Path, delay: str | None) -> str:
    arguments = ["-m", "demo.sink", "--store", str(mail), "--delay", delay or "0"]
    found = children.start_announced("sink", *arguments)
    return f"{found['host']}:{found['port']}"


def _wait(worker: Child, until: float) -> bool:
    """True when nothing more will happen by itself, False if that takes too long."""
    from demo import tally

    while not tally.has_ended():
        if time.monotonic() > until:
            return False
        if not worker.is_running():
            say("the worker was ended; starting it again")
            worker.restart()
        time.sleep(LOOK_EVERY)
    return True


def say(text: str) -> None:
    """Progress; standard output is for the JSON."""
    print(f"postroom: {text}", file=sys.stderr, flush=True)
