from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mailaccounts.models import Breaker, SenderAccount
from mailaccounts.transports.base import AnswerClass, Outcome, Outgoing, Phase
from maillog import claims
from maillog.journal import AccountJournal
from maillog.models import Attempt, Delivery
from maillog.states import State
from shops.models import Shop
from tests.maillog.test_states import make_delivery

pytestmark = pytest.mark.django_db


def claim(delivery: Delivery, worker: str) -> AccountJournal:
    """A session of ``worker`` that has claimed this delivery."""
    assert delivery.account is not None
    assert claims.claim(delivery.account, worker, 1)
    delivery.refresh_from_db()
    journal = AccountJournal(delivery.account, worker)
    journal.take(Delivery.objects.select_related("message").filter(pk=delivery.pk))
    return journal


def outgoing(delivery: Delivery) -> Outgoing:
    return Outgoing(delivery.pk, delivery.fence, "sklep@rowerownia.example", delivery.address, b"x")


def outcome(delivery: Delivery, answer: AnswerClass) -> Outcome:
    return Outcome(delivery.pk, delivery.fence, answer, Phase.DOT, code=250, text="Ok")


def lose(delivery: Delivery) -> None:
    """What the reaper does to a worker that shows no sign of life."""
    Delivery.objects.filter(pk=delivery.pk).update(state=State.QUEUED, lease_until=None, worker="")


@pytest.mark.parametrize("answer", [AnswerClass.SENT, AnswerClass.RECIPIENT, AnswerClass.UNKNOWN])
def test_an_outcome_under_an_old_fence_changes_nothing(shop: Shop, answer: AnswerClass) -> None:
    delivery = make_delivery(shop)
    slow = claim(delivery, "slow:1")
    late = outcome(delivery, answer)
    lose(delivery)
    claim(delivery, "quick:1")
    slow.step(late, None)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.worker) == (State.CLAIMED, "quick:1")
    assert not Attempt.objects.exists()


def test_what_a_session_lost_and_claimed_again_is_written_down(shop: Shop) -> None:
    delivery = make_delivery(shop)
    journal = claim(delivery, "tests:1")
    old = outgoing(delivery)
    lose(delivery)
    journal.held |= claim(delivery, "tests:1").held
    assert not journal.step(None, old)
    journal.release([old])
    assert journal.step(None, outgoing(delivery))
    journal.step(outcome(delivery, AnswerClass.SENT), None)
    delivery.refresh_from_db()
    assert delivery.state == State.SENT and not journal.held


def test_the_gate_opens_once_for_who_holds_the_fence(shop: Shop) -> None:
    delivery = make_delivery(shop)
    slow = claim(delivery, "slow:1")
    old = outgoing(delivery)
    lose(delivery)
    quick = claim(delivery, "quick:1")
    assert not slow.step(None, old)
    assert quick.step(None, outgoing(delivery))
    delivery.refresh_from_db()
    assert delivery.phase == "dot" and delivery.dot_at is not None


@pytest.mark.parametrize("seconds", [3, -3600])
def test_the_gate_stays_shut_for_what_is_about_to_be_taken_back(shop: Shop, seconds: int) -> None:
    delivery = make_delivery(shop)
    journal = claim(delivery, "tests:1")
    ends = timezone.now() + timedelta(seconds=seconds)
    Delivery.objects.filter(pk=delivery.pk).update(lease_until=ends)
    assert not journal.step(None, outgoing(delivery))
    delivery.refresh_from_db()
    assert delivery.phase == ""


def test_the_gate_stays_shut_for_what_staff_cancel(shop: Shop) -> None:
    delivery = make_delivery(shop)
    journal = claim(delivery, "tests:1")
    Delivery.objects.filter(pk=delivery.pk).update(cancel_requested=True)
    assert not journal.step(None, outgoing(delivery))


@pytest.mark.parametrize(
    "values",
    [
        {"breaker": Breaker.OPEN},
        {"state": "disabled", "is_main": False},
        {"next_try_at": timezone.now() + timedelta(days=1)},
    ],
)
def test_the_gate_stays_shut_for_an_account_that_may_not_send(
    shop: Shop, values: dict[str, Any]
) -> None:
    delivery = make_delivery(shop)
    journal = claim(delivery, "tests:1")
    SenderAccount.objects.filter(pk=journal.account.pk).update(**values)
    assert not journal.step(None, outgoing(delivery))


def test_one_step_records_the_one_before_and_opens_the_next(shop: Shop) -> None:
    first, second = make_delivery(shop), make_delivery(shop)
    journal = claim(first, "tests:1")
    journal.held |= claim(second, "tests:1").held
    assert journal.step(None, outgoing(first))
    assert journal.step(outcome(first, AnswerClass.SENT), outgoing(second))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.phase) == (State.SENT, "")
    assert (second.state, second.phase) == (State.CLAIMED, "dot")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (AnswerClass.AUTH, State.QUEUED),
        (AnswerClass.QUOTA, State.QUEUED),
        (AnswerClass.NET, State.QUEUED),
        (AnswerClass.TEMPORARY, State.DEFERRED),
        (AnswerClass.CONTENT, State.FAILED),
    ],
)
@pytest.mark.parametrize("ever_unknown", [False, True])
def test_a_refused_dot_leaves_no_trace_unless_an_earlier_one_was_uncertain(
    shop: Shop, answer: AnswerClass, state: State, ever_unknown: bool
) -> None:
    delivery = make_delivery(shop)
    journal = claim(delivery, "tests:1")
    assert journal.step(None, outgoing(delivery))
    Delivery.objects.filter(pk=delivery.pk).update(ever_unknown=ever_unknown)
    journal.step(outcome(delivery, answer), None)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.phase) == (state, "")
    assert (delivery.dot_at is not None) == ever_unknown


@pytest.mark.parametrize("ever_unknown", [False, True])
def test_what_a_transport_gives_back_past_its_gate_was_never_past_a_dot(
    shop: Shop, ever_unknown: bool
) -> None:
    delivery = make_delivery(shop)
    journal = claim(delivery, "tests:1")
    assert journal.step(None, outgoing(delivery))
    Delivery.objects.filter(pk=delivery.pk).update(ever_unknown=ever_unknown)
    journal.release([outgoing(delivery)])
    delivery.refresh_from_db()
    assert (delivery.state, delivery.phase) == (State.QUEUED, "")
    assert (delivery.dot_at is not None) == ever_unknown
