from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailaccounts.models import SenderAccount
from maillog import claims
from maillog.models import Delivery
from maillog.moves import move
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.states import (
    ALLOWED_FROM,
    ENDED,
    SEVERITY,
    WAITING,
    Reason,
    State,
)
from shops.models import Shop
from tests import factories

FINAL = {State.SENT, State.CANCELLED, State.BOUNCED, State.COMPLAINED, State.SUPPRESSED}


def make_delivery(shop: Shop) -> Delivery:
    draft = Draft(
        message_type="note",
        shop=shop,
        account=SenderAccount.objects.main_of(shop),
        recipients=(Recipient("anna@klient.example"),),
        expires_in=timedelta(hours=1),
        body=Body(text="x"),
    )
    message = queue(draft)
    assert message is not None
    return message.deliveries.get()


def put_into(delivery: Delivery, state: State) -> None:
    now = timezone.now()
    Delivery.objects.filter(pk=delivery.pk).update(
        state=state,
        lease_until=now if state == State.CLAIMED else None,
        reason="poison" if state == State.HELD else "",
        phase="",
    )


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", list(State))
def test_a_move_happens_only_where_the_table_allows_it(
    shop: Shop, before: State, after: State
) -> None:
    if after not in ALLOWED_FROM:
        return
    delivery = make_delivery(shop)
    put_into(delivery, before)
    columns: dict[str, object] = {"reason": "poison"} if after == State.HELD else {}
    if after == State.CLAIMED:
        columns["lease_until"] = timezone.now()
    if after == State.UNKNOWN:
        columns["dot_at"] = timezone.now()
    moved = move(Q(pk=delivery.pk), after, **columns)
    delivery.refresh_from_db()
    assert delivery.state == (after if before in ALLOWED_FROM[after] else before)
    assert bool(moved) == (before in ALLOWED_FROM[after])


def test_what_has_been_sent_never_goes_back_to_the_queue() -> None:
    for state in FINAL:
        assert state not in ALLOWED_FROM[State.QUEUED]
        assert state not in ALLOWED_FROM[State.CLAIMED]


def test_every_state_is_either_waiting_or_ended_and_has_a_severity() -> None:
    assert set(WAITING) | set(ENDED) == set(State)
    assert set(SEVERITY) == set(State)


@pytest.mark.parametrize(
    "broken",
    [
        {"state": "nonsense"},
        {"phase": "eh"},
        {"state": State.CLAIMED, "lease_until": None},
        {"phase": "dot", "dot_at": None},
        {"state": State.HELD, "reason": ""},
    ],
)
def test_the_database_refuses_rows_that_contradict_themselves(
    shop: Shop, broken: dict[str, object]
) -> None:
    delivery = make_delivery(shop)
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(**broken)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.sampled_from(sorted(ALLOWED_FROM)), max_size=12))
def test_the_message_says_what_its_delivery_is(db: None, steps: list[str]) -> None:
    """Whatever is tried, in whatever order, the roll-up and the delivery agree."""
    shop = factories.make_shop()
    delivery = make_delivery(shop)
    for step in steps:
        to = State(step)
        columns: dict[str, object] = {"reason": Reason.POISON} if to == State.HELD else {}
        if to == State.CLAIMED:
            columns["lease_until"] = timezone.now()
        if to == State.UNKNOWN:
            columns["dot_at"] = timezone.now()
        before = State(delivery.state)
        move(Q(pk=delivery.pk), to, **columns)
        delivery.refresh_from_db()
        assert delivery.state == (to if before in ALLOWED_FROM[to] else before)
        message = delivery.message
        message.refresh_from_db()
        assert message.state == delivery.state


def test_two_workers_cannot_claim_the_same_delivery(shop: Shop) -> None:
    delivery = make_delivery(shop)
    account = delivery.account
    assert account is not None
    first = claims.claim(account, "worker:1", 10)
    second = claims.claim(account, "worker:2", 10)
    assert [row.delivery_id for row in first] == [delivery.pk] and second == []


def test_an_old_fence_gives_nothing_back(shop: Shop) -> None:
    delivery = make_delivery(shop)
    assert delivery.account is not None
    [row] = claims.claim(delivery.account, "worker:1", 1)
    stale = claims.Claimed(row.delivery_id, row.fence - 1)
    claims.release([stale], "worker:1")
    delivery.refresh_from_db()
    assert delivery.state == State.CLAIMED
    claims.release([row], "worker:1")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.lease_until) == (State.QUEUED, None)


def test_what_a_reaper_took_back_is_claimed_alone(shop: Shop) -> None:
    suspect, *others = [make_delivery(shop) for _ in range(3)]
    Delivery.objects.filter(pk=suspect.pk).update(alone=True)
    assert suspect.account is not None
    batch = claims.claim(suspect.account, "worker:1", 10)
    assert {row.delivery_id for row in batch} == {each.pk for each in others}
    alone = claims.claim(suspect.account, "worker:2", 10)
    assert [row.delivery_id for row in alone] == [suspect.pk]
    suspect.refresh_from_db()
    assert suspect.lone_claims == 1


def test_critical_mail_goes_first_and_copies_last(shop: Shop) -> None:
    plain, critical, copy = [make_delivery(shop) for _ in range(3)]
    Delivery.objects.filter(pk=critical.pk).update(priority=1)
    Delivery.objects.filter(pk=copy.pk).update(priority=9)
    assert plain.account is not None
    order = [claims.claim(plain.account, "w", 1)[0].delivery_id for _ in range(3)]
    assert order == [critical.pk, plain.pk, copy.pk]


def test_an_account_that_rests_gives_nothing(shop: Shop) -> None:
    delivery = make_delivery(shop)
    account = delivery.account
    assert account is not None and claims.due_accounts() == [account]
    account.next_try_at = timezone.now() + timedelta(minutes=1)
    account.save()
    assert claims.due_accounts() == []
    account.next_try_at = None
    account.breaker = "open"
    account.save()
    assert claims.due_accounts() == []


def test_a_suspect_has_its_turn_although_others_are_due(shop: Shop) -> None:
    suspect, *others = [make_delivery(shop) for _ in range(3)]
    Delivery.objects.filter(pk=suspect.pk).update(alone=True)
    assert suspect.account is not None
    first = claims.claim(suspect.account, "worker:1", 10, suspect_first=True)
    assert [row.delivery_id for row in first] == [suspect.pk]
    second = claims.claim(suspect.account, "worker:1", 10, suspect_first=True)
    assert {row.delivery_id for row in second} == {each.pk for each in others}
