"""``./postroom doctor``: is this installation fit to send, and will it keep what it accepts?

Each check reads; none repairs. A finding says what was found and what to do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import django
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min, Q
from django.utils import timezone

from mailaccounts.models import Breaker, SenderAccount, server_endpoint
from maillog.clock import db_now, is_postgresql
from maillog.generation_failure import UNMADE
from maillog.models import Delivery, WorkerBeat
from maillog.states import DUE, State
from shops import key_rotation
from shops.models import Shop

QUEUE_IS_OLD = timedelta(minutes=10)
CLOCK_MAY_DIFFER = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """``level`` is "ok", "warning" or "error"."""

    level: str
    name: str
    found: str
    hint: str = ""


def examine() -> Iterator[Finding]:
    """All findings, in the order in which an operator would mend them."""
    for check in CHECKS:
        yield from check()


def check_versions() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("ok", "versions", f"Python {python}, Django {django.get_version()}")


def check_migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        hint = "Run ./postroom migrate."
        yield Finding("error", "database", f"{len(missing)} migrations are missing", hint)
    else:
        yield Finding("ok", "database", f"{connection.vendor}, up to date")


def check_durability() -> Iterator[Finding]:
    """A commit that does not survive a power cut loses mail that was accepted."""
    asked = (
        [("SHOW fsync", "on"), ("SHOW full_page_writes", "on")]
        if is_postgresql()
        else [("PRAGMA journal_mode", "wal"), ("PRAGMA synchronous", "2")]
    )
    with connection.cursor() as cursor:
        for question, wanted in asked:
            cursor.execute(question)
            found = str(cursor.fetchone()[0])
            level = "ok" if found == wanted else "error"
            hint = "" if level == "ok" else f"It must be {wanted}, or accepted mail may be lost."
            yield Finding(level, "durability", f"{question.split()[1]} = {found}", hint)


def check_clock() -> Iterator[Finding]:
    apart = abs((db_now() - timezone.now()).total_seconds())
    if apart > CLOCK_MAY_DIFFER:
        hint = "Let both machines follow a time server."
        yield Finding("warning", "clock", f"{apart:.1f} s from the database's", hint)
    else:
        yield Finding("ok", "clock", "agrees with the database's")


def check_keys() -> Iterator[Finding]:
    tallies = key_rotation.count()
    stored, older, unreadable = (
        sum(getattr(each, name) for each in tallies) for name in ("stored", "older", "unreadable")
    )
    if unreadable:
        where = ", ".join(each.column for each in tallies if each.unreadable)
        hint = "Put the key they were encrypted with back into FIELD_KEYS."
        yield Finding("error", "keys", f"{unreadable} of {stored} unreadable: {where}", hint)
    if older:
        hint = "Run ./postroom rotate_keys."
        found = f"{older} of {stored} stored secrets are not on the first key"
        yield Finding("warning", "keys", found, hint)
    if not unreadable and not older:
        yield Finding("ok", "keys", f"{stored} stored secrets, all on the first key")


def check_system_account() -> Iterator[Finding]:
    where = server_endpoint()
    address = settings.SYSTEM_SENDER_ADDRESS
    if address.endswith("localhost.localdomain"):
        hint = "Set SYSTEM_SENDER_ADDRESS and SYSTEM_SENDER_URL."
        yield Finding("warning", "own mail", f"leaves as {address}", hint)
    else:
        yield Finding("ok", "own mail", f"{address} over {where.host}:{where.port}")


def check_workers() -> Iterator[Finding]:
    kinds = list(WorkerBeat.objects.sending().values_list("kind", flat=True))
    if number := kinds.count("deliver"):
        yield Finding("ok", "workers", f"{number} sending processes")
    elif kinds:
        yield Finding("ok", "workers", "a qcluster sends")
    else:
        yield Finding("warning", "workers", "nothing sends", "Start ./postroom worker.")


def check_queue() -> Iterator[Finding]:
    due = Delivery.objects.filter(state__in=DUE, due_at__lte=timezone.now())
    oldest = due.aggregate(oldest=Min("due_at"))["oldest"]
    age = timezone.now() - oldest if oldest else timedelta(0)
    level = "warning" if age > QUEUE_IS_OLD else "ok"
    hint = "Look for paused accounts below." if level == "warning" else ""
    yield Finding(level, "queue", f"oldest due message {int(age.total_seconds())} s", hint)
    undecided = {"unknown": Q(state=State.UNKNOWN), "held": Q(state=State.HELD) & ~UNMADE}
    for what, rows in {**undecided, "without a text": UNMADE}.items():
        if number := Delivery.objects.filter(rows).count():
            hint = "Mend the template." if rows is UNMADE else "Decide in the e-mail log."
            yield Finding("warning", "queue", f"{number} {what}", hint)


def check_accounts() -> Iterator[Finding]:
    for account in SenderAccount.objects.present().exclude(breaker=Breaker.CLOSED):
        reason = account.breaker_reason[:120]
        yield Finding(
            "warning", "account", f"{account} is paused: {reason}", "Mend it in the panel."
        )
    for shop in Shop.objects.exclude(sender_accounts__is_main=True):
        hint = "Make one of its accounts the main account."
        yield Finding("error", "account", f"{shop} has no main account", hint)


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_versions,
    check_migrations,
    check_durability,
    check_clock,
    check_keys,
    check_system_account,
    check_workers,
    check_queue,
    check_accounts,
)
