from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from maillog import claims, reaper
from maillog.models import Delivery
from maillog.states import Reason, State, UnknownPolicy
from shops import hooks
from shops.models import Order, Shop
from shops.models.announced import AnnouncedOrder
from tests.maillog.test_states import make_delivery

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(hours=1)


def claimed(shop: Shop, **values: Any) -> Delivery:
    delivery = make_delivery(shop)
    facts = {
        "state": State.CLAIMED,
        "worker": "dead:1",
        "fence": 3,
        "lease_until": timezone.now() - LONG_AGO,
    }
    Delivery.objects.filter(pk=delivery.pk).update(**{**facts, **values})
    return delivery


def test_a_live_lease_is_left_alone(shop: Shop) -> None:
    delivery = claimed(shop, lease_until=timezone.now() - timedelta(seconds=5))
    assert reaper.reap_lost_leases() == 0
    delivery.refresh_from_db()
    assert delivery.state == State.CLAIMED


def test_a_lost_lease_before_the_dot_goes_back_to_be_claimed_alone(shop: Shop) -> None:
    delivery = claimed(shop)
    reaper.reap_lost_leases()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.alone, delivery.ever_unknown) == (State.QUEUED, True, False)
    assert "dead:1" in delivery.attempts.get().text


def test_a_lease_that_a_claim_has_written_is_taken_back(shop: Shop, settings: Any) -> None:
    settings.LEASE_SECONDS, settings.REAP_GRACE_SECONDS = -10, 1
    delivery = make_delivery(shop)
    assert delivery.account is not None and claims.claim(delivery.account, "dead:1", 1)
    assert reaper.reap_lost_leases() == 1


def test_a_lease_that_ends_on_a_whole_second_is_taken_back(shop: Shop) -> None:
    """One in a thousand does; Django and our SQL write such a moment differently on SQLite."""
    delivery = claimed(shop)
    moment = "2026-01-02 03:04:05.000000" + ("+00" if connection.vendor == "postgresql" else "")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE maillog_delivery SET lease_until = %s", [moment])
    assert reaper.reap_lost_leases() == 1
    delivery.refresh_from_db()
    assert delivery.state == State.QUEUED


def test_a_lost_lease_after_the_dot_gate_is_unknown(shop: Shop) -> None:
    delivery = claimed(shop, phase="dot", dot_at=timezone.now() - LONG_AGO)
    reaper.reap_lost_leases()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.ever_unknown) == (State.UNKNOWN, True)
    delivery.message.refresh_from_db()
    assert delivery.message.state == State.UNKNOWN


def test_the_fifth_lone_claim_without_an_outcome_is_held(shop: Shop) -> None:
    delivery = claimed(shop, lone_claims=5, alone=True)
    reaper.reap_lost_leases()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == (State.HELD, Reason.POISON)


def test_what_staff_cancelled_meanwhile_is_cancelled(shop: Shop) -> None:
    delivery = claimed(shop, cancel_requested=True)
    reaper.reap_lost_leases()
    delivery.refresh_from_db()
    assert delivery.state == State.CANCELLED


@pytest.mark.parametrize(
    ("policy", "age", "repeats", "state"),
    [
        (UnknownPolicy.REPEAT, LONG_AGO, 0, State.QUEUED),
        (UnknownPolicy.REPEAT, timedelta(seconds=1), 0, State.UNKNOWN),
        (UnknownPolicy.REPEAT, LONG_AGO, 1, State.UNKNOWN),
        (UnknownPolicy.REPEAT_NOW, timedelta(seconds=1), 0, State.QUEUED),
        (UnknownPolicy.ASK, LONG_AGO, 0, State.UNKNOWN),
        (UnknownPolicy.LEAVE, LONG_AGO, 0, State.UNKNOWN),
    ],
)
def test_an_uncertain_outcome_is_repeated_as_its_policy_says(
    shop: Shop, policy: str, age: timedelta, repeats: int, state: State
) -> None:
    delivery = make_delivery(shop)
    delivery.message.unknown_policy = policy
    delivery.message.save()
    Delivery.objects.filter(pk=delivery.pk).update(
        state=State.UNKNOWN, phase="dot", dot_at=timezone.now() - age, repeats=repeats
    )
    reaper.repeat_unknown()
    delivery.refresh_from_db()
    assert delivery.state == state
    assert delivery.repeats == repeats + (state == State.QUEUED)


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED, State.HELD])
def test_what_waits_too_long_expires(shop: Shop, state: State) -> None:
    delivery = make_delivery(shop)
    Delivery.objects.filter(pk=delivery.pk).update(
        state=state, reason="poison", expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert reaper.expire() == 1
    delivery.refresh_from_db()
    assert delivery.state == State.EXPIRED and delivery.ended_at is not None


def test_all_has_ended_only_when_nothing_waits_or_will_be_repeated(shop: Shop) -> None:
    delivery = make_delivery(shop)
    assert not reaper.has_ended()
    Delivery.objects.filter(pk=delivery.pk).update(
        state=State.UNKNOWN, phase="dot", dot_at=timezone.now()
    )
    assert not reaper.has_ended()
    Delivery.objects.filter(pk=delivery.pk).update(repeats=1)
    assert reaper.has_ended()


@pytest.mark.django_db(transaction=True)
def test_a_shop_whose_code_fails_does_not_keep_the_rest_of_the_round_from_happening(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = claimed(shop)

    def broken(**kwargs: float) -> int:
        raise OperationalError("no such column: store_order.gift")

    monkeypatch.setattr(hooks, "catch_up", broken)
    assert reaper.sweep() == 1
    delivery.refresh_from_db()
    assert delivery.state == State.QUEUED
    assert "store_order.gift" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_a_shops_code_broke_is_not_used_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**kwargs: float) -> int:
        connection.connection.close()
        return Shop.objects.count()

    monkeypatch.setattr(hooks, "catch_up", broken)
    try:
        reaper.sweep()
        assert Shop.objects.get() == shop
    finally:
        connection.close()


@pytest.fixture
def owed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """120 foreign orders whose announcement is late; what it lists is how many came at once."""
    sizes: list[int] = []

    def announce(model: object, keys: tuple[str, ...], using: str, place: bool) -> int:
        sizes.append(len(keys))
        return AnnouncedOrder.objects.filter(key__in=keys).update(placed_at=timezone.now())

    monkeypatch.setitem(hooks._adapters, Order, hooks.OrderAdapter())
    monkeypatch.setattr(hooks, "_compare", announce)
    AnnouncedOrder.objects.bulk_create(
        AnnouncedOrder(source="shops.order", key=str(number)) for number in range(120)
    )
    AnnouncedOrder.objects.update(created_at=timezone.now() - LONG_AGO)
    return sizes


def test_foreign_orders_are_announced_late_a_few_at_a_time(owed: list[int]) -> None:
    reaper.sweep()
    assert owed == [50, 50, 20]
    assert not AnnouncedOrder.objects.filter(placed_at=None).exists()


def test_a_round_ends_when_its_time_for_foreign_orders_is_over(
    owed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaper, "ANNOUNCE_SECONDS", 0)
    reaper.sweep()
    assert owed == [50]
    reaper.sweep()
    assert owed == [50, 50]
