"""``manage.py worker``: everything that sends, in production and in the demo."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandParser

from maillog.supervisor import Supervisor
from shops.conf import conf


class Command(BaseCommand):
    help = "Runs the sending processes and the background tasks, and watches them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--deliverers",
            type=int,
            default=None,
            help="sending processes (default: DELIVER_PROCESSES)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        number = options["deliverers"] or conf.DELIVER_PROCESSES
        Supervisor(number, with_tasks=apps.is_installed("django_q")).run()
