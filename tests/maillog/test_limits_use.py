"""What uses an account's limit: what was accepted or may have been, and not what was refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from demo.sink_faults import Fault, Stage
from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AnswerClass, Outcome, Outgoing, Phase
from maillog import claims, limits, reaper, resend, retry
from maillog.journal import AccountJournal
from maillog.models import Attempt, Delivery, MailMessage
from maillog.states import State
from tests.maillog.test_drainers import queue_many
from tests.maillog.test_limits import ENOUGH, limited, most_in, send_with_two, take
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.mark.promise("S5.9")
def test_a_server_that_refuses_at_the_dot_never_has_accepted_more_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "DAY", 1.2)
    monkeypatch.setattr(limits, "SPARE", 0.15)
    monkeypatch.setattr(retry, "SHORTEST_WAIT", 0.05)
    monkeypatch.setattr(retry, "LONGEST_WAIT", 0.2)
    busy = Fault(Stage.DOT, reply="451 4.3.0 Come back later", share=0.4)
    with sink(delay=(0.002, 0.012), faults=[busy]) as server:
        account = limited(per_day=40, port=server.port, concurrency=8)
        queue_many(account, 70)
        send_with_two(server, 70)
        arrived = [each.received_at for each in server.store.received]
    assert len(arrived) == 70 and server.store.duplicates == 0
    assert Attempt.objects.filter(answer="temporary", phase="dot").count() > 10
    assert 8 <= most_in(1.2, arrived) <= 40


@pytest.mark.parametrize(
    ("state", "ended", "counts"),
    [
        (State.SENT, True, True),
        (State.UNKNOWN, True, True),
        (State.BOUNCED, True, True),
        (State.CANCELLED, True, True),
        (State.FAILED, True, False),
        (State.DEFERRED, False, False),
        (State.QUEUED, False, False),
    ],
)
def test_what_was_accepted_or_may_have_been_counts_and_what_was_refused_does_not(
    state: State, ended: bool, counts: bool
) -> None:
    account = limited(per_day=5)
    queue_many(account, 1)
    now = timezone.now()
    Delivery.objects.update(
        state=state, dot_at=now, ended_at=now if ended else None, due_at=now + timedelta(hours=1)
    )
    assert limits.usage([account])[account.pk].today == counts
    queue_many(account, 9)
    assert take(account) == 5 - counts


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED, State.FAILED, State.HELD])
def test_what_was_uncertain_once_counts_on_although_its_repeat_was_refused(state: State) -> None:
    account = limited(per_day=5)
    queue_many(account, 1)
    now = timezone.now()
    ended = {"ended_at": now, "reason": "limit"} if state in (State.FAILED, State.HELD) else {}
    Delivery.objects.update(
        state=state, dot_at=now, repeats=1, ever_unknown=True, due_at=now + HOUR, **ended
    )
    assert limits.usage([account])[account.pk].today == 1
    queue_many(account, 9)
    assert take(account) == 4


def test_trying_again_does_not_forget_that_an_earlier_try_was_uncertain() -> None:
    account = limited(per_day=5)
    queue_many(account, 1)
    now = timezone.now()
    Delivery.objects.update(
        state=State.FAILED, dot_at=now, ended_at=now, repeats=1, ever_unknown=True
    )
    assert resend.try_again(MailMessage.objects.get()) == 1
    queue_many(account, 9)
    assert take(account) == 4, "one may have been accepted, four are claimed"


@pytest.mark.promise("S5.9")
def test_a_full_limit_does_not_block_the_retries_of_what_was_refused() -> None:
    account = limited(per_day=2)
    queue_many(account, 2)
    for _each in range(3):
        rows = claims.claim(account, "tests:1", ENOUGH)
        assert len(rows) == 2
        for row in rows:
            refuse_at_the_dot(account, row)
        assert limits.usage([account])[account.pk].today == 0
        Delivery.objects.update(due_at=timezone.now())


def test_an_uncertain_one_is_repeated_where_there_is_room_for_one_more() -> None:
    account = limited(per_day=2)
    queue_many(account, 1)
    now = timezone.now()
    Delivery.objects.update(state=State.UNKNOWN, phase="dot", dot_at=now - HOUR, ended_at=now)
    assert reaper.repeat_unknown() == 1
    assert take(account) == 1
    queue_many(account, 1)
    assert take(account) == 0, "two may have been accepted when this one is"


def refuse_at_the_dot(account: SenderAccount, row: claims.Claimed) -> None:
    journal = AccountJournal(account, "tests:1")
    delivery = Delivery.objects.select_related("message").get(pk=row.delivery_id)
    journal.take([delivery])
    gate = Outgoing(row.delivery_id, row.fence, "sklep@sklep.example", delivery.address, b"x")
    assert journal.step(None, gate)
    refusal = Outcome(row.delivery_id, row.fence, AnswerClass.TEMPORARY, Phase.DOT, 451)
    journal.step(refusal, None)


def test_one_that_is_repeated_counts_for_both_of_its_dots() -> None:
    account = limited(per_day=5)
    queue_many(account, 1)
    Delivery.objects.update(state=State.QUEUED, dot_at=timezone.now(), repeats=1, ever_unknown=True)
    assert take(account) == 1
    queue_many(account, 9)
    assert take(account) == 3
