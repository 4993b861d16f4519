"""Hypothesis plays the queue: workers, a server, a reaper and staff, against the real tables.

What must hold after each step is in ``queue_model``. A longer run: more ``max_examples`` below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AnswerClass, Phase
from maillog import claims, reaper
from maillog.models import Delivery, MailMessage
from maillog.resend import cancel, try_again
from maillog.states import DUE, RETRYABLE, STOPPABLE, State
from tests.maillog.queue_model import DAY, HOUR, LONE_CLAIMS, Item, QueueModel, Worker

IN_CI = settings(
    # PostgreSQL takes twice as long for each.
    max_examples=50 if connection.vendor == "sqlite" else 25,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# Whether the server takes the message, and what the worker hears of it.
Verdict = tuple[bool, AnswerClass]
ANSWERS: list[Verdict] = [
    (True, AnswerClass.SENT),
    (True, AnswerClass.UNKNOWN),
    (False, AnswerClass.UNKNOWN),
    (False, AnswerClass.RECIPIENT),
    (False, AnswerClass.TEMPORARY),
]
# None: the connection is gone.
EARLY_ANSWERS = [None, AnswerClass.RECIPIENT, AnswerClass.TEMPORARY]
SOON = timedelta(seconds=1)
WHICH, STEPS, SERVER = st.integers(0, 5), st.integers(1, 6), st.sampled_from(ANSWERS)


def is_ready(item: Item) -> bool:
    return not item.allowed and item.outcome is None


def is_answered(item: Item) -> bool:
    return item.outcome is not None


def has_item(fits: Callable[[Item], bool]) -> Callable[[Any], Any]:
    return precondition(lambda self: bool(self.items(fits)))


def has_row(states: Iterable[State]) -> Callable[[Any], Any]:
    return precondition(lambda self: any(row.state in states for row in self.now))


is_busy = precondition(lambda self: bool(self.busy()))


class QueueMachine(QueueModel):
    """What one player does next.

    Hypothesis leaves some rules out of each run: who works goes all the way by itself.
    """

    def awake(self) -> list[Worker]:
        return [who for who in self.workers if not who.asleep]

    def busy(self) -> list[Worker]:
        return [who for who in self.workers if who.items or who.unread]

    def items(self, fits: Callable[[Item], bool]) -> list[tuple[Worker, Item]]:
        return [(who, item) for who in self.awake() for item in who.items if fits(item)]

    def pick(self, fits: Callable[[Item], bool], which: int) -> tuple[Worker, Item]:
        found = self.items(fits)
        return found[which % len(found)]

    def message(self, states: Iterable[State], which: int) -> MailMessage:
        """A message with a delivery in one of these states."""
        concerned = [row.message_id for row in self.now if State(row.state) in states]
        return MailMessage.objects.get(pk=concerned[which % len(concerned)])

    # Workers

    @rule(which=WHICH, steps=STEPS, server=SERVER)
    def first_works(self, which: int, steps: int, server: Verdict) -> None:
        self._work(self.workers[0], which, steps, server)

    @rule(which=WHICH, steps=STEPS, server=SERVER)
    def second_works(self, which: int, steps: int, server: Verdict) -> None:
        self._work(self.workers[1], which, steps, server)

    @rule(which=WHICH, steps=STEPS, server=SERVER)
    def third_works(self, which: int, steps: int, server: Verdict) -> None:
        self._work(self.workers[2], which, steps, server)

    def _work(self, who: Worker, which: int, steps: int, server: Verdict) -> None:
        who.asleep = False
        self.read(who)
        for _ in range(steps):
            if who.items:
                self._go_on(who, who.items[which % len(who.items)], server)
            elif self.take(who, 1 + which):
                self.read(who)
            else:
                break

    def _go_on(self, who: Worker, item: Item, server: Verdict) -> None:
        """To the gate, over it, or home with the answer."""
        if item.outcome:
            self.step(who, item, None)
        elif item.allowed:
            self.put_dot(item, *server)
        else:
            with self.giving_back():
                may_go = who.session.journal.may_go(item.delivery)
            if may_go:
                self.step(who, next(filter(is_answered, who.items), None), item)
            else:
                who.items.remove(item)

    @has_row(DUE)
    @rule(which=WHICH, late=st.booleans(), reads=st.booleans())
    def claim(self, which: int, late: bool, reads: bool) -> None:
        """Also with some left; who does not even look at what it has got falls asleep."""
        who = self.workers[which % 3]
        self.pass_time(DAY if late else SOON)
        self.read(who)
        self.take(who, 2, suspect_first=late)
        who.asleep = not reads
        if reads:
            self.read(who)

    @has_item(is_ready)
    @rule(which=WHICH)
    def ask_while_the_account_rests(self, which: int) -> None:
        who, item = self.pick(is_ready, which)
        SenderAccount.objects.update(next_try_at=timezone.now() + DAY)
        self.step(who, None, item)
        assert not item.allowed, "5: the account rests"
        SenderAccount.objects.update(next_try_at=None)

    @has_item(lambda item: not item.written)
    @rule(which=WHICH, answer=st.sampled_from(EARLY_ANSWERS))
    def break_off_before_the_dot(self, which: int, answer: AnswerClass | None) -> None:
        who, item = self.pick(lambda item: not item.written, which)
        if answer is None or item.allowed:
            self.give_back(who, item)
        else:
            self.hear(item, answer, Phase.RCPT)

    @has_item(is_answered)
    @rule(which=WHICH, committed=st.booleans(), tries_again=st.booleans())
    def lose_the_database(self, which: int, committed: bool, tries_again: bool) -> None:
        """It goes away in a step, or right after it: the worker cannot know which."""
        who, done = self.pick(is_answered, which)
        journal, before = who.session.journal, self.row(done)
        after = next(filter(is_ready, who.items), None)
        held = dict(journal.held)
        with transaction.atomic():
            journal.step(done.outcome, after.outgoing if after else None)
            transaction.set_rollback(not committed)
        journal.held = held
        if committed:
            self.check_record(before, self.row(done), done)
        if tries_again:
            self.step(who, done, None)
        if after:
            self.give_back(who, after)
        if not tries_again:
            self._end(who, gives_back=True)

    @is_busy
    @rule(which=WHICH, killed=st.booleans())
    def end(self, which: int, killed: bool) -> None:
        who = self.busy()[which % len(self.busy())]
        self._end(who, gives_back=not (killed or who.asleep))

    def _end(self, who: Worker, *, gives_back: bool) -> None:
        with self.giving_back():
            if gives_back:
                who.session.journal.release_all()
        self.workers[self.workers.index(who)] = self.new_worker()

    @is_busy
    @rule(which=WHICH, reaped=st.booleans())
    def sleep(self, which: int, reaped: bool) -> None:
        """Until it works again. What it held may be somebody else's by then."""
        who = self.busy()[which % len(self.busy())]
        who.asleep = True
        if reaped:
            self.lose_leases(worker=who.name)
            reaper.reap_lost_leases()

    # Time and the reaper

    @has_row([State.CLAIMED])
    @rule(which=WHICH, then=st.sampled_from(["reap", "reap", "renew", "nothing"]))
    def lose_a_lease(self, which: int, then: str) -> None:
        names = sorted({row.worker for row in self.now if row.worker})
        self.lose_leases(worker=names[which % len(names)])
        if then == "reap":
            reaper.reap_lost_leases()
        elif then == "renew":
            claims.renew([who.name for who in self.awake()])

    @rule()
    def wait(self) -> None:
        self.repeat()
        self.pass_time(DAY)

    @precondition(lambda self: not self.too_late)
    @has_row([*DUE, State.HELD])
    @rule(which=WHICH, reaped=st.booleans())
    def be_too_late(self, which: int, reaped: bool) -> None:
        self.too_late = True  # once in a run: what has ended teaches nothing
        message = self.message([*DUE, State.HELD], which)
        Delivery.objects.filter(message=message).update(expires_at=timezone.now() - HOUR)
        if reaped:
            reaper.expire()

    # Staff

    @precondition(lambda self: self.stops < 2)
    @has_row([*STOPPABLE, State.CLAIMED])
    @rule(which=WHICH)
    def stop(self, which: int) -> None:
        self.stops += 1
        message = self.message([State.CLAIMED, *STOPPABLE], which)
        cancel(message)
        for was, row, story in zip(self.now, self.rows(), self.stories, strict=True):
            if row.message_id == message.pk:
                assert was.state not in STOPPABLE or row.state == State.CANCELLED, "6: goes on"
                story.stopped |= was.state in (*STOPPABLE, State.CLAIMED)

    @has_row([*RETRYABLE, State.UNKNOWN])
    @rule(which=WHICH)
    def try_again(self, which: int) -> None:
        try_again(self.message([*RETRYABLE, State.UNKNOWN], which))
        for was, row, story in zip(self.now, self.rows(), self.stories, strict=True):
            if row.state != was.state:
                assert row.state == State.QUEUED, f"2: {was.state} became {row.state}"
                story.retries += 1
                story.doubtful_retries += was.state == State.UNKNOWN
                story.lone_claims, story.stopped = 0, False


@pytest.mark.django_db
def test_nothing_is_lost_or_doubled_in_silence(settings: Any) -> None:
    settings.LONE_CLAIMS = LONE_CLAIMS
    run_state_machine_as_test(QueueMachine, settings=IN_CI)
