"""The meter of an account's limit, and how little a full account is looked at."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AnswerClass, Outcome, Phase
from maillog import claims, limits, tasks
from maillog.deliver import Deliverer
from maillog.journal import AccountJournal
from maillog.models import Delivery, MailMessage
from maillog.session import Session
from maillog.states import State
from tests import factories
from tests.maillog.test_drainers import queue_many
from tests.maillog.test_limits import ENOUGH, end_claimed, later, limited, take
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_full_account_is_left_alone_until_there_is_room() -> None:
    account = limited(per_day=4)
    queue_many(account, 6)
    assert take(account) == 4
    end_claimed()
    with sink() as server:
        SenderAccount.objects.filter(pk=account.pk).update(port=server.port)
        account.refresh_from_db()
        session = Session(account, "tests:1", threading.Event())
        assert session.run() == 0
        assert session.rest == limits.LONGEST_REST
        deliverer = Deliverer()
        deliverer.run(once=True)
        assert server.store.count == 0
    assert deliverer._full_until.keys() == {account.pk}
    assert tasks.drain(account.pk) == 0


def test_a_full_account_is_looked_at_often_while_its_reserve_is_there() -> None:
    account = limited(per_day=10)
    queue_many(account, 12)
    assert limits.rest(account) == 0
    assert take(account) == 9
    end_claimed()
    assert limits.rest(account) == limits.REST_WITH_RESERVE
    later(hours=24, minutes=-0.01)
    assert limits.SHORTEST_REST <= limits.rest(account) < limits.REST_WITH_RESERVE + 3


@pytest.mark.promise("S5.9")
def test_the_meter_says_what_was_used_and_when_more_may_leave() -> None:
    full, half, free = limited(per_day=10), limited(per_day=10, per_minute=5), limited()
    own = SenderAccount.objects.get(shop=free.shop, is_default=True)
    for account, count in ((full, 9), (half, 5), (own, 3)):
        queue_many(account, count)
        take(account)
    end_claimed()
    with CaptureQueriesContext(connection) as context:
        found = limits.usage([full, half, free, own])
    assert len(context) == 1
    assert (found[full.pk].today, found[full.pk].per_day, found[full.pk].percent) == (9, 10, 90)
    free_at = found[full.pk].next_free_at
    assert free_at is not None
    assert timedelta(hours=23) < free_at - timezone.now() < timedelta(hours=24, minutes=1)
    assert (found[half.pk].today, found[half.pk].minute) == (5, 5)
    soon = found[half.pk].next_free_at
    assert soon is not None and soon - timezone.now() < timedelta(minutes=2)
    assert found[free.pk] == limits.Usage()
    assert (found[own.pk].today, found[own.pk].per_day, found[own.pk].soft) == (3, 1000, True)
    assert found[own.pk].next_free_at is None
    assert limits.usage([]) == {}


def test_after_a_limit_was_lowered_the_meter_counts_to_where_there_is_room() -> None:
    account = limited(per_day=10)
    queue_many(account, 8)
    take(account)
    end_claimed()
    ids = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
    for hours, pk in enumerate(ids, 1):
        Delivery.objects.filter(pk=pk).update(dot_at=timezone.now() - timedelta(hours=hours))
    SenderAccount.objects.filter(pk=account.pk).update(per_day=5)
    account.refresh_from_db()
    free_at = limits.usage([account])[account.pk].next_free_at
    # Eight were sent, one each hour; the fifth oldest, four hours old, leaves four behind.
    assert free_at is not None and round((free_at - timezone.now()).total_seconds() / 3600) == 19


@pytest.mark.skipif(connection.vendor == "sqlite", reason="PostgreSQL's plans")
def test_the_looks_for_what_is_due_and_what_was_used_have_their_indexes() -> None:
    queue_many(limited(per_day=100), 3)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        claim_sql = claims._claim_sql(False)
        cursor.execute(f"EXPLAIN {claim_sql}", ["w", 1, False, 10])
        assert "delivery_due" in str(cursor.fetchall())
        cursor.execute(f"EXPLAIN SELECT * FROM ({limits._used_sql(1)}) u", [1, 1, 1])
        plan = str(cursor.fetchall())
        assert all(name in plan for name in ("delivery_use", "delivery_leases", "delivery_due"))
        cursor.execute("RESET enable_seqscan")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the gate's clock is PostgreSQL's")
def test_a_lease_that_is_lost_past_the_dot_stays_used() -> None:
    account = limited(per_day=2)
    queue_many(account, 4)
    [row, _other] = claims.claim(account, "tests:1", ENOUGH)
    delivery = Delivery.objects.select_related("message").get(pk=row.delivery_id)
    journal = AccountJournal(account, "tests:1")
    journal.take([delivery])
    done = Outcome(delivery.pk, row.fence, AnswerClass.UNKNOWN, Phase.DOT)
    Delivery.objects.filter(pk=row.delivery_id).update(phase="dot", dot_at=timezone.now())
    journal.step(done, None)
    assert Delivery.objects.get(pk=row.delivery_id).state == State.UNKNOWN
    assert take(account) == 0


def test_the_log_says_when_a_message_that_waits_may_leave(owner_client: Any, shop: Any) -> None:
    account = factories.make_account(shop, per_day=2)
    queue_many(account, 3)
    take(account)
    end_claimed()
    waiting = MailMessage.objects.get(deliveries__state=State.QUEUED)
    page = owner_client.get(f"/s/{shop.slug}/log/{waiting.pk}/").content.decode()
    assert "has sent as much as it may" in page
