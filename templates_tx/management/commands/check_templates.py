"""Renders every template with samples and generated orders, and says which would fail."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from templates_tx.proof import ORDERS, prove


class Command(BaseCommand):
    help = (
        "Renders every template in use, built-in and shops' own, with its sample, with everything "
        "empty that may be, and with generated orders. Ends with code 1 if one fails."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one line of JSON")
        parser.add_argument(
            "--orders", type=int, default=ORDERS, metavar="N", help=f"of each (default {ORDERS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["orders"] <= 10_000:
            raise CommandError("--orders: a number from 0 to 10000")
        report = prove(options["orders"])
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False))
        else:
            self._tell(report)
        if report.failed:
            raise SystemExit(1)

    def _tell(self, report: Any) -> None:
        for fault in report.failed:
            self.stdout.write(f"{fault.template}, {fault.data}: {fault.problem}")
        self.stdout.write(
            f"{report.rendered} messages of {report.types} types in "
            f"{len(report.languages)} languages, {len(report.failed)} failed"
        )
