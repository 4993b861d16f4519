"""Limits that are nearly or wholly used up: who is told, and what becomes of what cannot wait."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog import limits, quotas
from maillog.models import Delivery, MailMessage
from maillog.outbox import Recipient, queue
from maillog.states import Reason, Role, State
from shops.models import Alarm, Shop
from tests import factories
from tests.maillog.test_drainers import queue_many
from tests.maillog.test_limits import end_claimed, later, queue_critical, take
from tests.maillog.test_session import make_draft

pytestmark = pytest.mark.django_db(transaction=True)


def used(account: SenderAccount, count: int) -> None:
    """It has sent so many, just now."""
    limit, account.per_day = account.per_day, None
    queue_many(account, count)
    assert take(account) == count
    account.per_day = limit
    end_claimed()


@pytest.fixture
def alone(shop: Shop) -> SenderAccount:
    return factories.make_account(shop, per_day=10)


@pytest.mark.promise("S3.10")
@pytest.mark.parametrize(
    ("count", "urgent", "words"),
    [(7, None, ""), (8, False, "nearly used up its limit: 8 of 10"), (9, True, "9 of 10")],
)
def test_people_are_warned_when_four_fifths_of_a_limit_are_used(
    alone: SenderAccount, owner: Any, count: int, urgent: bool | None, words: str
) -> None:
    used(alone, count)
    quotas.look()
    quotas.look()
    found = list(Alarm.objects.filter(code="account.quota"))
    assert [each.is_urgent for each in found] == ([] if urgent is None else [urgent])
    for alarm in found:
        assert words in alarm.title and alarm.target == f"account:{alone.pk}"
        assert alarm.path == f"/s/{alone.shop.slug}/accounts/{alone.pk}/"  # type: ignore[union-attr]
        assert bool(alarm.mailed_at) == urgent, "what is only near is shown, not mailed"


@pytest.mark.promise("S3.10")
def test_the_warning_follows_the_limit_that_staff_set(alone: SenderAccount) -> None:
    used(alone, 9)
    SenderAccount.objects.filter(pk=alone.pk).update(per_day=500)
    quotas.look()
    assert not Alarm.objects.exists()


def test_the_alarm_is_over_when_there_is_room_again(alone: SenderAccount) -> None:
    used(alone, 10)
    quotas.look()
    assert Alarm.objects.filter(closed_at=None).count() == 1
    later(hours=25)
    quotas.look()
    assert Alarm.objects.filter(closed_at=None).count() == 0


@pytest.mark.promise("S0.12")
@pytest.mark.parametrize(("count", "words"), [(3, ""), (4, "will soon have sent"), (5, "has sent")])
def test_the_own_server_is_warned_of_and_nothing_waits(
    monkeypatch: pytest.MonkeyPatch, shop: Shop, count: int, words: str
) -> None:
    monkeypatch.setattr(limits, "SOFT_LIMIT", 5)
    account = SenderAccount.objects.get(shop=shop)
    used(account, count)
    quotas.look()
    assert [words in each.title for each in Alarm.objects.all()] == ([True] if words else [])
    assert not Alarm.objects.filter(is_urgent=True).exists()
    queue_many(account, 9)
    assert take(account) == 9


@pytest.mark.promise("S0.12")
def test_the_own_servers_warning_comes_at_a_thousand_a_day() -> None:
    assert limits.SOFT_LIMIT == 1000


def expiring(account: SenderAccount, hours: float, **values: Any) -> MailMessage:
    message = queue(make_draft(account, expires_in=timedelta(hours=hours), **values))
    assert message is not None
    return message


def states() -> dict[str, str]:
    rows = Delivery.objects.filter(dot_at=None)
    return dict(rows.values_list("address", "state"))


@pytest.mark.promise("S5.9")
def test_what_would_come_too_late_is_held_and_people_are_told(
    alone: SenderAccount, owner: Any
) -> None:
    used(alone, 10)
    expiring(alone, 5, to="late@klient.example")
    expiring(alone, 48, to="waits@klient.example")
    quotas.look()
    assert states() == {"late@klient.example": State.HELD, "waits@klient.example": State.QUEUED}
    held = Delivery.objects.get(address="late@klient.example")
    assert held.reason == Reason.LIMIT and held.message.state == State.HELD
    alarm = Alarm.objects.get()
    assert alarm.is_urgent and "1 message is held" in alarm.text


def test_while_there_is_room_nothing_is_held(alone: SenderAccount) -> None:
    used(alone, 8)
    expiring(alone, 5)
    quotas.look()
    assert set(states().values()) == {State.QUEUED}


def test_copies_are_not_held_they_just_expire(alone: SenderAccount) -> None:
    used(alone, 10)
    copied = (
        Recipient("anna@klient.example"),
        Recipient("szef@sklep.example", role=Role.COPY),
    )
    expiring(alone, 5, recipients=copied)
    quotas.look()
    assert states() == {"anna@klient.example": State.HELD, "szef@sklep.example": State.QUEUED}


def test_critical_messages_are_left_to_the_reserve_while_it_lasts(alone: SenderAccount) -> None:
    used(alone, 9)
    queue_critical(alone, 2)
    quotas.look()
    assert set(states().values()) == {State.QUEUED}
    assert take(alone) == 1
    end_claimed()
    quotas.look()
    assert set(states().values()) == {State.HELD}


@pytest.mark.promise("S5.9")
def test_what_would_come_too_late_leaves_from_the_fallback_account(shop: Shop) -> None:
    main = factories.make_account(shop, from_address="sklep@glowny.example")
    small = factories.make_account(
        shop, from_address="maly@boczny.example", per_day=10, fallback=main
    )
    used(small, 10)
    late = expiring(small, 5, to="late@klient.example")
    waits = expiring(small, 48, to="waits@klient.example")
    quotas.look()
    late.refresh_from_db()
    waits.refresh_from_db()
    assert (late.account, late.from_address) == (main, "sklep@glowny.example")
    assert late.notes == ["fallback"] and late.state == State.QUEUED
    assert late.deliveries.get().account == main
    assert waits.account == small
    assert Delivery.objects.filter(expires_at__lt=timezone.now() + timedelta(hours=6)).exists()


def accounts_of() -> dict[tuple[str, str], int]:
    """How many deliveries that never left there are, by account's name and state."""
    rows = Delivery.objects.filter(dot_at=None)
    return dict(Counter(rows.values_list("account__label", "state")))


@pytest.mark.promise("S5.9")
@pytest.mark.parametrize(("limit", "taken"), [({"per_minute": 1}, 1), ({"per_day": 5}, 3)])
def test_a_fallback_gets_no_more_than_it_can_send_in_time_and_the_rest_is_held(
    shop: Shop, owner: Any, limit: dict[str, int], taken: int
) -> None:
    spare = factories.make_account(shop, label="spare", from_address="b@b.example", **limit)
    small = factories.make_account(
        shop, label="small", from_address="a@a.example", per_day=1, fallback=spare
    )
    used(small, 1)
    if spare.per_day:
        # Two wait there already, or have left.
        used(spare, 1)
        queue(make_draft(spare, occurrence="own"))
    for number in range(5):
        expiring(small, 0.025, occurrence=f"late{number}", to=f"a{number}@klient.example")
    quotas.look()
    queued = taken + (1 if spare.per_day else 0)
    assert accounts_of() == {
        ("spare", State.QUEUED): queued,
        ("small", State.HELD): 5 - taken,
    }
    alarm = Alarm.objects.get(target=f"account:{small.pk}")
    assert alarm.is_urgent and f"{5 - taken} messages are held" in alarm.text
    assert take(spare) == queued
    quotas.look()
    assert not Delivery.objects.filter(state=State.EXPIRED).exists()


def test_a_fallback_that_is_away_itself_gets_nothing(shop: Shop) -> None:
    spare = factories.make_account(shop, label="spare", from_address="b@b.example")
    small = factories.make_account(shop, label="small", per_day=1, fallback=spare)
    soon = timezone.now() + timedelta(minutes=20)
    SenderAccount.objects.filter(pk=spare.pk).update(breaker="open", next_try_at=soon)
    used(small, 1)
    expiring(small, 5)
    quotas.look()
    assert accounts_of() == {("small", State.HELD): 1}


@pytest.mark.promise("S5.9")
def test_so_many_a_minute_lets_nothing_expire_in_silence(shop: Shop, owner: Any) -> None:
    account = factories.make_account(shop, label="slow", per_minute=2)
    for number in range(6):
        expiring(account, 0.025, occurrence=f"late{number}")
    expiring(account, 48, occurrence="waits")
    quotas.look()
    # Two leave at once and one more within the minute.
    assert accounts_of() == {("slow", State.QUEUED): 4, ("slow", State.HELD): 3}
    alarm = Alarm.objects.get()
    assert alarm.title == "2 messages a minute from sklep@rowerownia.example are too few"
    assert "3 messages are held" in alarm.text and "reserve" not in alarm.text
    quotas.look()
    assert not Alarm.objects.get().closed_at, "more waits than leaves in a minute"
    assert take(account) == 2
    end_claimed()
    later(minutes=2)
    quotas.look()
    assert Alarm.objects.get().closed_at


def test_so_many_a_minute_holds_nothing_that_has_its_turn_in_time(shop: Shop) -> None:
    account = factories.make_account(shop, per_minute=30)
    used(account, 30)
    for number in range(10):
        expiring(account, 0.025, occurrence=f"late{number}")
    quotas.look()
    assert set(states().values()) == {State.QUEUED} and not Alarm.objects.exists()
