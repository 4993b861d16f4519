"""What an account may send in a minute and in 24 hours, and what waits when that is used up."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog import claims, limits
from maillog.deliver import Deliverer
from maillog.models import Delivery
from maillog.outbox import Recipient, queue
from maillog.states import Role, State
from tests import factories
from tests.maillog.test_drainers import queue_many
from tests.maillog.test_session import make_draft
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)

ENOUGH = 500


def limited(per_day: int | None = None, per_minute: int | None = None, **more: Any) -> Any:
    shop = factories.make_shop()
    return factories.make_account(shop, per_day=per_day, per_minute=per_minute, **more)


def queue_critical(account: SenderAccount, count: int) -> None:
    for number in range(count):
        draft = make_draft(account, f"reset{number}@klient.example", critical=True, priority=1)
        queue(draft)


def take(account: SenderAccount, limit: int = ENOUGH, worker: str = "tests:1") -> int:
    return len(claims.claim(account, worker, limit))


def end_claimed(state: State = State.SENT) -> None:
    """All that is claimed has had its dot, and ends in ``state``."""
    now = timezone.now()
    Delivery.objects.filter(state=State.CLAIMED).update(
        state=state, phase="", lease_until=None, worker="", dot_at=now, ended_at=now
    )


def later(**time: float) -> None:
    """So much time goes by: everything that has happened lies further back."""
    gone = timedelta(**time)
    Delivery.objects.filter(ended_at__isnull=False).update(ended_at=F("ended_at") - gone)
    Delivery.objects.filter(dot_at__isnull=False).update(dot_at=F("dot_at") - gone)


def most_in(window: float, moments: Sequence[float]) -> int:
    """The most of ``moments`` that lie within one ``window`` of seconds, wherever it begins."""
    times = sorted(moments)
    return max(bisect_left(times, start + window) - place for place, start in enumerate(times))


def send_with_two(server: Any, count: int) -> None:
    """Two workers send until ``count`` messages have arrived."""
    workers = [Deliverer(), Deliverer()]
    threads = [
        threading.Thread(target=lambda each=each: (each.run(), connection.close()))
        for each in workers
    ]
    for thread in threads:
        thread.start()
    waited = threading.Event()
    for _each in range(300):
        if server.store.count >= count:
            break
        waited.wait(0.1)
    for worker in workers:
        worker.stop.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def short_day(monkeypatch: pytest.MonkeyPatch) -> float:
    """A day of so many seconds."""
    day = 1.2
    monkeypatch.setattr(limits, "DAY", day)
    monkeypatch.setattr(limits, "SPARE", 0.15)
    return day


@pytest.mark.promise("S5.9")
def test_two_workers_and_a_slow_server_never_exceed_a_limit_in_any_24_hours(
    short_day: float,
) -> None:
    with sink(delay=(0.002, 0.012)) as server:
        account = limited(per_day=100, port=server.port, concurrency=8)
        queue_many(account, 210)
        queue_critical(account, 40)
        send_with_two(server, 250)
        arrived = [each.received_at for each in server.store.received]
    assert len(arrived) == 250 and server.store.duplicates == 0
    dots = [each.timestamp() for each in Delivery.objects.values_list("dot_at", flat=True) if each]
    # On a machine that is slow, not even so many fit.
    assert 30 <= most_in(short_day, dots) <= 100
    assert most_in(short_day, arrived) <= 100


@pytest.mark.promise("S5.9")
def test_no_minute_has_more_messages_than_the_account_may_send(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MINUTE", 0.8)
    monkeypatch.setattr(limits, "SPARE", 0.2)
    with sink(delay=(0.005, 0.02)) as server:
        account = limited(per_minute=30, port=server.port, concurrency=4)
        queue_many(account, 75)
        send_with_two(server, 75)
        arrived = [each.received_at for each in server.store.received]
    assert len(arrived) == 75
    assert most_in(0.8, arrived) <= 30


@pytest.mark.promise("S5.9")
def test_waiting_mail_leaves_by_itself_when_the_24_hours_move_on() -> None:
    account = limited(per_day=20)
    queue_many(account, 50)
    assert take(account) == 18
    end_claimed()
    assert take(account) == 0
    later(hours=23, minutes=50)
    assert take(account) == 0
    later(minutes=20)
    assert take(account) == 18


@pytest.mark.promise("S5.9")
def test_a_tenth_of_the_limit_is_kept_for_critical_messages() -> None:
    account = limited(per_day=100)
    queue_many(account, 150)
    assert take(account) == 90
    queue_critical(account, 15)
    assert take(account) == 10
    end_claimed()
    queue_critical(account, 1)
    assert take(account) == 0
    assert Delivery.objects.filter(state=State.SENT, message__critical=True).count() == 10


def test_critical_messages_do_not_use_up_what_others_may_send() -> None:
    account = limited(per_day=100)
    queue_critical(account, 20)
    assert take(account) == 20
    queue_many(account, 150)
    assert take(account) == 80
    assert take(account) == 0


@pytest.mark.promise("S5.9")
def test_copies_wait_when_little_is_left_and_count_when_they_leave() -> None:
    account = limited(per_day=10, copy_to="szef@sklep.example")
    queue_many(account, 3)
    assert (take(account), take(account)) == (3, 3), "copies leave when nothing else is due"
    end_claimed()
    queue_many(account, 2)
    assert take(account) == 2
    end_claimed()
    queue_many(account, 1)
    assert [each.role for each in _claimed(account)] == [Role.MAIN]
    assert Delivery.objects.filter(role=Role.COPY, state=State.QUEUED).count() == 3
    assert limits.usage([account])[account.pk].today == 9


def _claimed(account: SenderAccount) -> list[Delivery]:
    rows = claims.claim(account, "tests:1", ENOUGH)
    return list(Delivery.objects.filter(pk__in=[row.delivery_id for row in rows]))


def test_each_recipient_of_a_message_counts() -> None:
    account = limited(per_day=5)
    people = (
        Recipient("anna@klient.example"),
        Recipient("ewa@klient.example", role=Role.CC),
        Recipient("szef@klient.example", role=Role.BCC),
    )
    queue(make_draft(account, recipients=people))
    queue(make_draft(account, recipients=people))
    assert take(account) == 5


def test_what_never_came_to_its_dot_does_not_count() -> None:
    account = limited(per_day=5)
    queue_many(account, 4)
    Delivery.objects.update(state=State.FAILED, ended_at=timezone.now())
    queue_many(account, 5)
    assert take(account) == 5
    claims.release(
        [claims.claim_of(each) for each in Delivery.objects.filter(state=State.CLAIMED)], "tests:1"
    )
    assert take(account) == 5, "what is given back in order is not used up"


def test_copies_in_a_sent_folder_use_nothing_and_are_not_claimed_here() -> None:
    account = limited(per_day=5)
    queue_many(account, 6)
    now = timezone.now()
    first = Delivery.objects.order_by("pk").values_list("pk", flat=True)[0]
    Delivery.objects.filter(pk=first).update(role=Role.IMAP)
    assert take(account) == 5
    assert Delivery.objects.get(role=Role.IMAP).state == State.QUEUED
    assert claims.due_accounts() == []
    Delivery.objects.filter(role=Role.IMAP).update(state=State.SENT, dot_at=now, ended_at=now)
    assert limits.usage([account])[account.pk].today == 5


def test_the_smaller_of_both_limits_holds() -> None:
    account = limited(per_day=100, per_minute=10)
    queue_many(account, 60)
    assert take(account) == 10
    end_claimed()
    assert take(account) == 0
    later(minutes=2)
    assert take(account, 7) == 7


def test_a_suspect_is_claimed_alone_under_a_limit_too() -> None:
    account = limited(per_day=5)
    queue_many(account, 4)
    first = Delivery.objects.order_by("pk").values_list("pk", flat=True)[0]
    Delivery.objects.filter(pk=first).update(alone=True)
    rows = claims.claim(account, "tests:1", ENOUGH, suspect_first=True)
    assert len(rows) == 1
    assert take(account) == 3


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_two_that_claim_at_once_stand_in_line() -> None:
    account = limited(per_day=10)
    queue_many(account, 30)
    second: list[int] = []

    def claim_too() -> None:
        second.append(take(account, worker="tests:2"))
        connection.close()

    thread = threading.Thread(target=claim_too)
    with transaction.atomic():
        assert take(account) == 9
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "it waits for what the first one takes"
    thread.join(10)
    assert second == [0]


def test_an_account_without_limits_pays_no_statement_for_them() -> None:
    free, bound = limited(), limited(per_day=1000)
    for account in (free, bound):
        queue_many(account, 1)
    counts = []
    for account in (free, bound):
        with CaptureQueriesContext(
            connection,
        ) as context:
            assert take(account) == 1
        counts.append(sum(each["sql"].startswith("SELECT") for each in context))
    assert counts == [0, 2]
