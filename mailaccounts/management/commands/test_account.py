"""``test_account ID``: the test of the panel's button, in the foreground."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mailaccounts.account_test import diagnostics
from mailaccounts.account_test.report import Report, report_of
from mailaccounts.account_test.steps import NAMES
from mailaccounts.fields import one_address
from mailaccounts.models import SenderAccount, TestState

MARKS = {"ok": "ok", "warning": "! ", "failed": "X "}


class Command(BaseCommand):
    """Exit code 1 when the test fails."""

    help = "Tests a sender account: server, log-in, a real message."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", type=int, metavar="ID")
        parser.add_argument("--to", default="", metavar="ADDRESS", help="the account's own address")
        parser.add_argument("--json", action="store_true", help="one JSON line at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        account = SenderAccount.objects.present().filter(pk=options["account"]).first()
        if account is None:
            raise CommandError(f"there is no account {options['account']}")
        try:
            to = one_address(options["to"] or account.from_address)
        except ValidationError as refusal:
            raise CommandError(" ".join(refusal.messages)) from refusal
        test, is_new = diagnostics.new_test(account, to, None)
        if not is_new:
            raise CommandError("a test of this account is running already")
        tell = (lambda row: None) if options["json"] else self._tell
        ended = diagnostics.run(test.pk, tell=tell)
        if ended is None:
            raise CommandError("a worker took the test up")
        report = report_of(ended, account)
        self._close(report) if not options["json"] else self._json(report)
        if ended.state != TestState.PASSED:
            raise SystemExit(1)

    def _tell(self, row: diagnostics.Row) -> None:
        name = str(row["name"] or NAMES.get(row["code"], row["code"]))
        line = f"{MARKS.get(row['state'], '  ')} {name:<14} {row['found']}"
        self.stdout.write(f"{line} ({row['milliseconds']} ms)")

    def _close(self, report: Report) -> None:
        self.stdout.write(report.badge)
        if report.explanation is not None:
            self.stdout.write(f"{report.explanation.title}. {report.explanation.advice}")
        if report.reply:
            self.stdout.write(report.reply)

    def _json(self, report: Report) -> None:
        told = {
            "account": report.account.pk,
            "state": report.test.state,
            "to": report.test.to_address,
            "message": str(report.test.message_uuid or ""),
            "steps": report.test.steps,
        }
        self.stdout.write(json.dumps(told, ensure_ascii=False))
