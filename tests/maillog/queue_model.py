"""What must hold while workers, a server, a reaper and staff use the queue in any order.

``test_queue_machine`` has the steps. The numbers are those in the assertions:

1. no delivery is ever missing, each is in a known state and says when it ended;
2. nothing arrives more often than once, once for each repeat and once for each "try again";
3. under "ask" nothing arrives twice unless staff tried an uncertain one again;
4. what is "sent" has arrived;
5. nothing leaves without a gate committed under its fence, and an old fence writes nothing;
6. what staff stopped before its gate does not arrive;
7. the fence never falls, and only a claim raises it;
8. the message says what its deliveries are;
9. nobody shares a claim;
10. only claims of a lone suspect that broke off count as poison;
11. in the end everything ends.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from threading import Event
from typing import Any

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AnswerClass, Outcome, Outgoing, Phase
from maillog import claims, reaper
from maillog.models import Delivery, MailMessage
from maillog.outbox import Recipient, queue
from maillog.session import Session
from maillog.states import Reason, Role, State, UnknownPolicy
from tests import factories
from tests.maillog.test_session import make_draft

LONE_CLAIMS = 2
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# The states that can be reached here, the worst first.
WORST_FIRST = [
    State.FAILED,
    State.UNKNOWN,
    State.HELD,
    State.EXPIRED,
    State.CANCELLED,
    State.DEFERRED,
    State.QUEUED,
    State.CLAIMED,
    State.SENT,
]
OVER = {State.SENT, State.UNKNOWN, State.FAILED, State.EXPIRED, State.CANCELLED}
UNTIL_CLAIMED = {State.DEFERRED: State.CLAIMED, State.QUEUED: State.CLAIMED}


@dataclass(slots=True, eq=False)
class Item:
    """A claimed delivery in a worker's memory, which may have lost it."""

    number: int
    delivery: Delivery
    outgoing: Outgoing
    allowed: bool = False  # the gate said True
    stopped: bool = False  # staff had stopped it before
    written: bool = False  # the dot
    outcome: Outcome | None = None  # heard, and not yet recorded


@dataclass(slots=True, eq=False)
class Worker:
    session: Session
    unread: list[claims.Claimed] = field(default_factory=list)  # fell asleep before it looked
    items: list[Item] = field(default_factory=list)
    asleep: bool = False

    @property
    def name(self) -> str:
        return self.session.worker


@dataclass(slots=True)
class Story:
    """What happened to one delivery, kept beside the database."""

    label: tuple[str, str]
    repeats: int = 0  # by the reaper
    retries: int = 0  # by staff
    doubtful_retries: int = 0  # by staff, while it was uncertain
    fence: int = 0
    lone_claims: int = 0
    stopped: bool = False


def label_of(item: Outgoing) -> tuple[str, str]:
    """How a server tells one delivery from another: Message-ID and recipient."""
    found = re.search(rb"^Message-ID:\s*(\S+)", item.content, re.MULTILINE)
    assert found is not None
    return found[1].decode(), item.rcpt_to


def columns(row: Delivery) -> dict[str, Any]:
    return {each.attname: getattr(row, each.attname) for each in row._meta.concrete_fields}


class QueueModel(RuleBasedStateMachine):
    """The tables, the workers' memories, what has arrived, and what must hold between them."""

    def __init__(self) -> None:
        super().__init__()
        self.names = count(1)
        self.arrived: Counter[tuple[str, str]] = Counter()
        self.workers: list[Worker] = []
        self.stories: list[Story] = []
        self.now: list[Delivery] = []  # as they were after the last step
        self.stops, self.too_late = 0, False
        self.example = transaction.atomic()
        self.example.__enter__()

    @initialize(policy=st.sampled_from([UnknownPolicy.REPEAT, UnknownPolicy.ASK]))
    def begin(self, policy: UnknownPolicy) -> None:
        self.policy = policy
        shop = factories.make_shop()
        self.account = factories.make_account(shop, copy_to="szef@sklep.example")
        self.messages = [self._queue("anna", "ewa")]
        self.account.copy_to = ""
        self.messages += [self._queue("jan"), self._queue("ola")]
        rows = list(Delivery.objects.select_related("message").order_by("pk"))
        for number, row in enumerate(rows):
            row.priority = number  # no ties: every run claims in the same order
            self.stories.append(Story((row.message.message_id, row.address)))
        Delivery.objects.bulk_update(rows, ["priority"])
        self.keys = [row.pk for row in rows]
        self.workers = [self.new_worker() for _ in range(3)]

    def _queue(self, *names: str) -> MailMessage:
        people = tuple(Recipient(f"{name}@klient.example") for name in names)
        draft = make_draft(self.account, recipients=people, unknown_policy=self.policy)
        message = queue(draft)
        assert message is not None
        return message

    def new_worker(self) -> Worker:
        return Worker(Session(self.account, f"tests:{next(self.names)}", Event()))

    def teardown(self) -> None:
        try:
            if sys.exception() is None and self.workers:
                self._come_to_rest()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def rows(self) -> list[Delivery]:
        found = Delivery.objects.in_bulk()
        assert set(found) == set(self.keys), "1: a row is missing"
        return [found[key] for key in self.keys]

    def row(self, item: Item) -> Delivery:
        return Delivery.objects.get(pk=self.keys[item.number])

    # What holds after every step

    @invariant()
    def all_is_as_promised(self) -> None:
        self.now = self.rows()
        for row, story in zip(self.now, self.stories, strict=True):
            self._check_state(row, story)
            self._check_arrivals(row, story)
        self._check_messages()
        self._check_holders()

    def _check_state(self, row: Delivery, story: Story) -> None:
        assert row.state in WORST_FIRST, f"1: {row.state}"
        if row.state != State.HELD:
            assert (row.ended_at is not None) == (row.state in OVER), f"1: {row.state}, no end"
        assert row.fence == story.fence, "7: the fence"
        assert row.lone_claims == story.lone_claims, "10: lone claims"
        if row.state == State.HELD:
            assert row.reason == Reason.POISON, f"10: held for {row.reason}"
            assert story.lone_claims >= LONE_CLAIMS, "10: poison"

    def _check_arrivals(self, row: Delivery, story: Story) -> None:
        times = self.arrived[story.label]
        assert times <= 1 + story.repeats + story.retries, "2: too often"
        assert times <= 1 or row.ever_unknown or story.retries, "2: twice in silence"
        if self.policy == UnknownPolicy.ASK and not story.doubtful_retries:
            assert times <= 1, "3: twice although nobody said so"
        assert row.state != State.SENT or times, "4: sent, and never arrived"

    def _check_messages(self) -> None:
        for message in MailMessage.objects.all():
            counted = [
                State(row.state)
                for row in self.now
                if row.message_id == message.pk and row.role != Role.COPY
            ]
            failed = sum(state in (State.FAILED, State.EXPIRED) for state in counted)
            assert message.failed_recipients == failed, "8: failed recipients"
            said = State(message.state)
            if State.CLAIMED in counted:
                # A claim does not touch the message: until an outcome it says what it said.
                counted = [UNTIL_CLAIMED.get(state, state) for state in counted]
                said = UNTIL_CLAIMED.get(said, said)
            assert said == min(counted, key=WORST_FIRST.index), f"8: {said} for {counted}"

    def _check_holders(self) -> None:
        for number, row in enumerate(self.now):
            holders = [
                who.name
                for who in self.workers
                for item in who.items
                if (item.number, item.outgoing.fence) == (number, row.fence)
            ]
            assert len(holders) <= 1, "9: one fence, two holders"
            if row.state == State.CLAIMED and holders:
                assert holders == [row.worker], "9: held by somebody else"

    # What the players do

    def pass_time(self, upto: timedelta) -> None:
        """What is due within ``upto`` is due now."""
        soon = Delivery.objects.filter(due_at__lt=timezone.now() + upto)
        soon.update(due_at=timezone.now() - HOUR)

    def take(self, who: Worker, limit: int, *, suspect_first: bool = False) -> bool:
        """Claims; False if there was nothing."""
        suspects = set(Delivery.objects.filter(alone=True).values_list("pk", flat=True))
        got = claims.claim(self.account, who.name, limit, suspect_first=suspect_first)
        lone = not suspects.isdisjoint(each.delivery_id for each in got)
        assert not lone or len(got) == 1, "10: a suspect among others"
        for each in got:
            story = self.stories[self.keys.index(each.delivery_id)]
            assert each.fence == story.fence + 1, "7: a claim raises the fence by one"
            story.fence = each.fence
            story.lone_claims += lone
        who.unread = got
        return bool(got)

    def read(self, who: Worker) -> None:
        """Prepares what was claimed."""
        rows, who.unread = who.unread, []
        for claim in who.session._load(rows) if rows else ():
            if (outgoing := who.session._prepare(claim)) is not None:
                number = self.keys.index(outgoing.delivery_id)
                assert label_of(outgoing) == self.stories[number].label, "2: another Message-ID"
                who.items.append(Item(number, claim.delivery, outgoing))

    def step(self, who: Worker, done: Item | None, gate: Item | None) -> None:
        """``AccountJournal.step``, and what a transport does about its answer."""
        before = self.row(done) if done else None
        outcome, outgoing = done and done.outcome, gate.outgoing if gate else None
        opened = who.session.journal.step(outcome, outgoing)
        if done and before:
            who.items.remove(done)
            self.check_record(before, self.row(done), done)
        if gate and opened:
            self._check_gate(who, gate)
        elif gate:
            self.give_back(who, gate)

    def check_record(self, before: Delivery, after: Delivery, done: Item) -> None:
        if after.tries > before.tries:
            self.stories[done.number].lone_claims = 0
        waits = before.state in (State.CLAIMED, State.UNKNOWN)
        if not waits or before.fence != done.outgoing.fence:
            assert columns(after) == columns(before), "5: an old fence has written"
        elif done.outcome and done.outcome.answer == AnswerClass.SENT:
            assert after.state == State.SENT, "2: it arrived, and is not written down"

    def _check_gate(self, who: Worker, gate: Item) -> None:
        row = self.row(gate)
        assert (row.state, row.phase) == (State.CLAIMED, "dot"), "5: no gate"
        assert (row.fence, row.worker) == (gate.outgoing.fence, who.name), "5: not its gate"
        assert row.lease_until and row.lease_until > timezone.now(), "5: a lost lease"
        gate.allowed, gate.stopped = True, self.stories[gate.number].stopped

    def give_back(self, who: Worker, item: Item) -> None:
        with self.giving_back():
            who.session.journal.release([item.outgoing])
        who.items.remove(item)

    @contextmanager
    def giving_back(self) -> Iterator[None]:
        """What is given back here has not broken off."""
        before = self.rows()
        yield
        for was, row, story in zip(before, self.rows(), self.stories, strict=True):
            story.lone_claims -= was.alone and was.state == State.CLAIMED != row.state

    def put_dot(self, item: Item, taken: bool, heard: AnswerClass) -> None:
        assert not (taken and item.stopped), "6: it arrived, and was stopped before its gate"
        item.written = True
        self.arrived[label_of(item.outgoing)] += taken
        self.hear(item, heard, Phase.DOT)

    def hear(self, item: Item, answer: AnswerClass, phase: Phase) -> None:
        going = item.outgoing
        item.outcome = Outcome(going.delivery_id, going.fence, answer, phase, text="so be it")

    def lose_leases(self, **whose: str) -> None:
        held = Delivery.objects.filter(state=State.CLAIMED, **whose)
        held.update(lease_until=timezone.now() - HOUR)

    def repeat(self) -> None:
        uncertain = Delivery.objects.filter(state=State.UNKNOWN)
        before = self.rows() if uncertain.update(dot_at=timezone.now() - HOUR) else []
        reaper.repeat_unknown()
        for was, row, story in zip(before, before and self.rows(), self.stories, strict=False):
            story.repeats += was.state == State.UNKNOWN and row.state == State.QUEUED
            allowed = 1 + story.retries if self.policy == UnknownPolicy.REPEAT else 0
            assert story.repeats <= allowed, "2: repeated again"

    # The end

    def _come_to_rest(self) -> None:
        SenderAccount.objects.update(next_try_at=None)
        sleepers = [each for each in self.workers if each.asleep]
        self.workers.append(honest := self.new_worker())
        for _ in range(4):
            if reaper.has_ended():
                break
            self.lose_leases()
            reaper.reap_lost_leases()
            self.repeat()
            self.pass_time(2 * DAY)
            while self.take(honest, 3):
                self.read(honest)
                self._send_all(honest)
        assert reaper.has_ended(), "11: something still waits"
        self._wake_up(sleepers)
        self.all_is_as_promised()

    def _send_all(self, who: Worker) -> None:
        for item in list(who.items):
            self.step(who, None, item)
            assert item.allowed, "11: an honest worker was refused"
            self.put_dot(item, True, AnswerClass.SENT)
            self.step(who, item, None)

    def _wake_up(self, sleepers: list[Worker]) -> None:
        """What they had been allowed to send, they send now."""
        for who in sleepers:
            for item in [each for each in who.items if each.allowed]:
                if not item.written:
                    self.put_dot(item, True, AnswerClass.SENT)
                self.step(who, item, None)
