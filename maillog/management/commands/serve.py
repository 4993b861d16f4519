"""``manage.py serve``: the web pages, by gunicorn."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

THREADS = 8  # of each process


class Command(BaseCommand):
    help = "Serves the panel. Put a proxy that speaks TLS in front of it (docs/install.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0: every address")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="processes (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.WSGI_APPLICATION:
            raise CommandError("The setting WSGI_APPLICATION is missing.")
        module, _dot, name = settings.WSGI_APPLICATION.rpartition(".")
        os.environ["DJANGO_SETTINGS_MODULE"] = settings.SETTINGS_MODULE
        host = f"[{options['host']}]" if ":" in options["host"] else options["host"]
        # In place of this process: signals and the process id stay what a supervisor knows.
        os.execv(
            sys.executable,
            [
                *(sys.executable, "-m", "gunicorn", f"{module}:{name}"),
                *("--bind", f"{host}:{options['port']}"),
                *("--workers", str(options["workers"])),
                *("--worker-class", "gthread", "--threads", str(THREADS)),
                # Gunicorn 27 opens a socket in the home folder, which a container may lack.
                "--no-control-socket",
                *("--graceful-timeout", "10", "--keep-alive", "5", "--log-level", "warning"),
            ],
        )
