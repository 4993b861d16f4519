"""``manage.py deliver``: one sending process in the foreground."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from maillog.deliver import Deliverer
from maillog.supervisor import GRACE


class Command(BaseCommand):
    help = "Sends what is due. Several may run, on any number of hosts that share one database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")
        parser.add_argument(
            "--parent-pipe", action="store_true", help="end when standard input is closed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        deliverer = Deliverer()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: deliverer.stop.set())
        if options["parent_pipe"]:
            threading.Thread(target=_end_with_parent, args=[deliverer], daemon=True).start()
        deliverer.run(once=options["once"])


def _end_with_parent(deliverer: Deliverer) -> None:
    """Standard input is a pipe from the supervisor: it closes when the supervisor dies."""
    while os.read(0, 1024):
        pass
    deliverer.stop.set()
    # A server that is silent after a dot may be waited for ten minutes: too long for an orphan.
    time.sleep(GRACE)
    os._exit(1)
