"""``manage.py sync_imap``: files what an account has sent in its mailbox, now."""

from __future__ import annotations

import threading
from argparse import ArgumentTypeError
from datetime import datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from mailaccounts.models import SenderAccount
from maillog import sent_folder
from maillog.deliver import LeaseKeeper, process_name
from maillog.models import Delivery
from maillog.sent_folder_threads import run_session
from maillog.states import Role


class Command(BaseCommand):
    help = "Files what an account has sent in its mailbox (IMAP synchronisation)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="the account's number, or its sender address")
        parser.add_argument(
            "--since",
            type=moment,
            metavar="DATE",
            help="also what was sent earlier, from this day on (2026-11-25)",
        )

    def handle(self, *args: Any, account: str, since: datetime | None, **options: Any) -> None:
        """Exit code 1 if something could not be filed."""
        row = find(account)
        sent_folder.hurry(row)
        if since is not None:
            sent_folder.give_another_day(row, since)
            sent_folder.gather(row, since)
        sent_folder.gather(row)
        row.refresh_from_db()
        before = set(_copies(row))
        with LeaseKeeper() as keeper:
            filed = run_session(row, f"{process_name()}:i", keeper, threading.Event(), 0).filed
        row.refresh_from_db()
        now = sent_folder.status(row)
        for copy in Delivery.objects.filter(pk__in=before - set(_copies(row))).select_related(
            "message"
        ):
            self.stdout.write(f"{copy.state}  {copy.message.message_id}  {copy.message.subject}")
        self.stdout.write(f"{filed} filed, {now.waiting} waiting.")
        if now.error:
            raise CommandError(now.error, returncode=1)


def _copies(account: SenderAccount) -> list[Any]:
    rows = Delivery.objects.filter(account=account, role=Role.IMAP)
    return list(rows.filter(state__in=sent_folder.WAITING).values_list("pk", flat=True))


def find(name: str) -> SenderAccount:
    """The account with synchronisation switched on that is called so; raises ``CommandError``."""
    rows = SenderAccount.objects.present()
    found = list(rows.filter(pk=name) if name.isdecimal() else rows.filter(from_address=name))
    if not found:
        raise CommandError(f"There is no sender account {name}.")
    on = list(sent_folder.switched_on().filter(pk__in=[each.pk for each in found]))
    if not on:
        raise CommandError(f"IMAP synchronisation is not switched on for {name}.")
    if len(on) > 1:
        listed = ", ".join(f"{each.pk} ({each.shop})" for each in on)
        raise CommandError(f"Several accounts send as {name}; name one by its number: {listed}.")
    return on[0]


def moment(text: str) -> datetime:
    """A day (its beginning) or a moment, in the installation's time zone.

    Raises ``ArgumentTypeError``, which argparse turns into a line about ``--since``.
    """
    try:
        day, at = parse_date(text), parse_datetime(text)
    except ValueError:
        day = at = None
    if at is None and day is not None:
        at = datetime.combine(day, time())
    if at is None:
        raise ArgumentTypeError(f"{text} is no date; write it like 2026-11-25.")
    return timezone.make_aware(at) if timezone.is_naive(at) else at
