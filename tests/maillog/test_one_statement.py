"""PostgreSQL's one statement a message writes what the journal's four write, and no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, DataError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AnswerClass, Outcome, Outgoing, Phase
from maillog import claims
from maillog.journal import AccountJournal
from maillog.models import Attempt, Delivery, MailMessage
from maillog.outbox import Recipient, queue
from maillog.states import Role, State
from shops import quick_sql
from tests import factories
from tests.maillog.test_session import make_draft

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="for PostgreSQL alone"),
]


@pytest.fixture
def account() -> SenderAccount:
    return factories.make_account(factories.make_shop())


def claimed(account: SenderAccount, role: Role = Role.MAIN) -> tuple[AccountJournal, Delivery]:
    """A session that has claimed a message's only delivery, or its copy."""
    recipients = [Recipient("anna@klient.example")]
    if role == Role.COPY:
        recipients.append(Recipient("szef@rowerownia.example", role=Role.COPY))
    message = queue(make_draft(account, recipients=tuple(recipients)))
    assert message is not None
    journal = AccountJournal(account, "tests:1")
    rows = claims.claim(account, "tests:1", 10)
    found = Delivery.objects.select_related("message").in_bulk([row.delivery_id for row in rows])
    journal.take(found.values())
    [wanted] = [each for each in found.values() if each.role == role]
    return journal, wanted


def accepted(delivery: Delivery) -> Outcome:
    return Outcome(
        *(delivery.pk, delivery.fence, AnswerClass.SENT, Phase.DOT, 250, "2.0.0"),
        *("Ok: queued as 4F, zażółć", "TLSv1.3", "mx.klient.example", 17),
    )


def outgoing(delivery: Delivery) -> Outgoing:
    return Outgoing(delivery.pk, delivery.fence, "sklep@rowerownia.example", delivery.address, b"x")


def change(delivery: Delivery, **values: Any) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(**values)


CHANGES: dict[str, Callable[[Delivery], None]] = {
    "nothing": lambda delivery: None,
    "called unknown by the reaper": lambda delivery: change(
        delivery, state=State.UNKNOWN, phase="dot", lease_until=None, ever_unknown=True
    ),
    "claimed by somebody else": lambda delivery: change(delivery, fence=F("fence") + 1),
    "cancelled": lambda delivery: change(
        delivery, state=State.CANCELLED, lease_until=None, ended_at=timezone.now()
    ),
    "failed before": lambda delivery: change(delivery, tries=3, alone=True, lone_claims=2),
}


def written(delivery: Delivery) -> list[Any]:
    """All that is stored about a delivery, its message and its tries, without ids and times."""

    def plain(row: Any, *without: str) -> dict[str, Any]:
        times = [name for name, value in vars(row).items() if hasattr(value, "tzinfo")]
        left_out = {"_state", "id", *times, *without}
        shown = {name: value for name, value in vars(row).items() if name not in left_out}
        return shown | {"times": sorted(times)}

    row = Delivery.objects.get(pk=delivery.pk)
    tries = Attempt.objects.filter(delivery=delivery)
    return [
        plain(row, "message_id"),
        plain(MailMessage.objects.get(pk=row.message_id), "message_id"),
        [plain(each, "delivery_id") for each in tries],
    ]


@pytest.mark.parametrize("role", [Role.MAIN, Role.COPY])
@pytest.mark.parametrize("what", CHANGES)
def test_it_writes_what_the_four_statements_write(
    account: SenderAccount, monkeypatch: pytest.MonkeyPatch, role: Role, what: str
) -> None:
    stored = []
    for is_plain in (True, False):
        journal, delivery = claimed(account, role)
        assert journal.step(None, outgoing(delivery))
        CHANGES[what](delivery)
        with monkeypatch.context() as patched:
            if not is_plain:
                patched.setattr(AccountJournal, "_is_plain", lambda self, outcome: False)
            journal.step(accepted(delivery), None)
        stored.append(written(delivery))
        Delivery.objects.exclude(state=State.SENT).update(
            state=State.SENT, phase="", lease_until=None
        )
    assert stored[0] == stored[1]


def test_the_usual_case_goes_the_short_way(
    account: SenderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, delivery = claimed(account)
    monkeypatch.setattr(AccountJournal, "_record", lambda *args: pytest.fail("four statements"))
    assert journal.step(None, outgoing(delivery))
    journal.step(accepted(delivery), None)
    assert MailMessage.objects.get().state == State.SENT


@pytest.mark.parametrize(
    ("values", "opens"),
    [
        ({"lease_until": timezone.now() + timedelta(hours=1)}, True),
        ({"cancel_requested": True}, False),
        ({"fence": F("fence") + 1}, False),
    ],
)
def test_the_gate_sees_what_somebody_commits_while_it_waits(
    account: SenderAccount, values: dict[str, Any], opens: bool
) -> None:
    """A lease is prolonged from another thread; staff cancel; a reaper takes the row away."""
    first_journal, first = claimed(account)
    journal, second = claimed(account)
    journal.held |= first_journal.held
    assert journal.step(None, outgoing(first))
    ready = threading.Event()

    def meanwhile() -> None:
        with transaction.atomic():
            change(second, **values)
            ready.set()
            time.sleep(0.3)
        connection.close()

    other = threading.Thread(target=meanwhile)
    other.start()
    assert ready.wait(5)
    assert journal.step(accepted(first), outgoing(second)) is opens
    other.join(5)
    assert Delivery.objects.get(pk=first.pk).state == State.SENT


def test_errors_are_djangos() -> None:
    with pytest.raises(DataError):
        quick_sql.execute(b"SELECT 1 / $1::integer", [b"0"], [quick_sql.TEXT])
    with pytest.raises(DataError):
        quick_sql.execute(b"SELECT $1::text", [b"half\0"], [quick_sql.BINARY])
    with pytest.raises(DatabaseError):
        quick_sql.execute(b"SELECT nothing", [], [], keep_plan=True)
    with pytest.raises(OperationalError):
        quick_sql.execute(b"SELECT pg_terminate_backend(pg_backend_pid())", [], [])
    connection.close()


def test_a_plan_is_made_once_a_connection() -> None:
    for _each in range(2):
        for number in (b"1", b"2"):
            sql = b"SELECT $1::integer + 1"
            row = quick_sql.execute(sql, [number], [quick_sql.TEXT], keep_plan=True)
            assert row == [b"%d" % (int(number) + 1)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name ~ '^postroom'")
            assert cursor.fetchone() == (1,)
        connection.close()
