"""One message, account, host or process must not stop the others, nor take what is theirs."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from demo.sink_faults import Action, Fault, Stage
from mailaccounts.models import SenderAccount
from maillog import claims, deliver, tasks
from maillog.deliver import Deliverer, process_name
from maillog.models import Delivery, WorkerBeat
from maillog.outbox import queue
from maillog.session import Session
from maillog.session_threads import SessionThreads
from maillog.states import State
from maillog.supervisor import Child, Supervisor
from maillog.tasks import deliverers_at_work
from tests import factories
from tests.maillog.test_drainers import queue_many
from tests.maillog.test_session import account_at, make_draft
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)

BAD = "bad@klient.example"
TROUBLE_WITH_ONE = {
    "drop": Fault(Stage.RCPT, action=Action.DROP, recipient=BAD),
    "421": Fault(Stage.RCPT, reply="421 4.7.0 Closing connection", recipient=BAD),
    "limit": Fault(Stage.RCPT, reply="450 4.2.1 over the daily limit", recipient=BAD),
    "relay": Fault(Stage.RCPT, reply="554 5.7.1 Relay access denied", recipient=BAD),
}


def session_of(account: SenderAccount, worker: str = "tests:1", seconds: float = 0) -> Session:
    """One that begins when the account's pause is over."""
    SenderAccount.objects.filter(next_try_at__isnull=False).update(next_try_at=timezone.now())
    account.refresh_from_db()
    return Session(account, worker, threading.Event(), seconds)


def sent() -> int:
    return Delivery.objects.filter(state=State.SENT).count()


@pytest.mark.parametrize("fault", TROUBLE_WITH_ONE.values(), ids=TROUBLE_WITH_ONE.keys())
def test_a_message_that_brings_its_account_into_trouble_goes_behind_the_others(
    fault: Fault,
) -> None:
    """It is the oldest, and the answer speaks of the account: the others leave all the same."""
    with sink(faults=[fault]) as server:
        account = account_at(server.port)
        queue(make_draft(account, to=BAD))
        queue_many(account, 20)
        for _each in range(4):
            session_of(account).run()
        assert server.store.count == 20
    bad = Delivery.objects.get(address=BAD)
    assert bad.state == State.QUEUED and bad.due_at > timezone.now()
    assert bad.attempts.exists(), "the log says at this message what the server said"


@pytest.mark.parametrize("others_at_work", [True, False])
def test_a_server_that_takes_one_connection_is_sent_to_over_one(others_at_work: bool) -> None:
    """Turned away beside a session that works, the account is not in trouble, it is crowded."""
    too_many = Fault(Stage.GREETING, reply="421 4.7.0 Too many connections from you")
    with sink(faults=[too_many]) as server:
        account = account_at(server.port)
        queue_many(account, 3)
        if others_at_work:
            assert claims.claim(account, "others:1", 1)
        second = session_of(account)
        second.run()
        account.refresh_from_db()
        assert second.is_crowded == others_at_work
        assert (account.next_try_at is None) == others_at_work
        assert account.net_failures == (0 if others_at_work else 1)
    assert Delivery.objects.filter(state=State.QUEUED).count() == 3 - others_at_work


def test_a_crowded_account_is_given_no_second_connection_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def crowded(self: Session) -> int:
        asked.append(self.worker)
        self.is_crowded = True
        return 0

    monkeypatch.setattr(Session, "run", crowded)
    account = factories.make_account(factories.make_shop(), concurrency=1)
    queue_many(account, 1)
    deliverer = Deliverer()
    with deliver.LeaseKeeper() as keeper, SessionThreads() as pool:
        for _each in range(3):
            deliverer._round(keeper, pool)
            for running in list(deliverer._running):
                running.result(5)
    assert len(asked) == 1


@pytest.mark.parametrize("crowded", [True, False])
def test_a_drain_that_is_turned_away_does_not_come_back_at_once(
    monkeypatch: pytest.MonkeyPatch, crowded: bool
) -> None:
    """The session at work wakes the next drain; this one would only knock again and again."""

    def turned_away(self: Session) -> int:
        self.claimed, self.is_crowded = 1, crowded
        return 1

    woken: list[int] = []
    monkeypatch.setattr(Session, "run", turned_away)
    monkeypatch.setattr(tasks, "wake", woken.append)
    account = factories.make_account(factories.make_shop())
    queue_many(account, 1)
    tasks.drain(account.pk)
    assert woken == ([] if crowded else [account.pk])


def test_a_busy_account_leaves_its_place_to_another(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SESSIONS_PER_PROCESS = 1
    monkeypatch.setattr(deliver, "TURN", 0.3)
    with sink(delay=(0.02, 0.02)) as server:
        shop = factories.make_shop()
        busy, quiet = (factories.make_account(shop, port=server.port) for _each in range(2))
        queue_many(busy, 60)
        deliverer = Deliverer()
        thread = threading.Thread(target=lambda: (deliverer.run(once=True), connection.close()))
        thread.start()
        while not server.store.count:
            threading.Event().wait(0.01)
        queue(make_draft(quiet, to="last@klient.example"))
        thread.join(60)
        order = [each.rcpt_to[0] for each in server.store.received]
    assert len(order) == 61
    assert order.index("last@klient.example") < 50


def test_a_session_ends_when_its_time_is_over_and_gives_the_rest_back() -> None:
    with sink(delay=(0.05, 0.05)) as server:
        account = account_at(server.port)
        queue_many(account, 60)
        session_of(account, seconds=0.4).run()
        assert 0 < server.store.count < 40
    assert sent() == server.store.count
    assert not Delivery.objects.filter(state=State.CLAIMED).exists()


def test_a_session_that_is_stopped_before_its_first_message_gives_all_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = account_at(9)
    queue_many(account, 5)
    one = session_of(account)
    load = Session._load

    def stopped(self: Session, rows: list[claims.Claimed]) -> Any:
        one._stop.set()
        return load(self, rows)

    monkeypatch.setattr(Session, "_load", stopped)
    assert one.run() == 5
    assert set(Delivery.objects.values_list("state", "alone")) == {(State.QUEUED, False)}


def test_a_suspect_that_is_given_back_in_order_has_not_broken_off() -> None:
    account = account_at(9)
    queue_many(account, 1)
    Delivery.objects.update(alone=True)
    for _each in range(7):
        session_of(account).run()
        Delivery.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    assert Delivery.objects.values_list("lone_claims", flat=True).get() == 0


def test_no_two_processes_have_one_name_whatever_their_number() -> None:
    """A container that starts again has the same host name and number as before."""
    assert process_name() != process_name()


def test_a_child_is_known_by_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child("deliver 1", ["sh", "-c", f"echo ${deliver.TOKEN_VARIABLE}; sleep 60"])
    child.start()
    try:
        monkeypatch.setenv(deliver.TOKEN_VARIABLE, child.token)
        assert process_name().endswith(f":{child.token}") and len(child.token) == 8
    finally:
        child.kill_group()


@pytest.mark.parametrize("same_number", [True, False])
def test_a_stalled_process_is_not_taken_for_anothers_namesake(same_number: bool) -> None:
    supervisor = Supervisor(0, with_tasks=False)
    child = Child("deliver 1", ["sleep", "60"])
    supervisor.children.append(child)
    child.start()
    assert child.process is not None
    queue_many(factories.make_account(factories.make_shop()), 1)
    now, token = timezone.now(), "feedbeef" if same_number else child.token
    WorkerBeat.objects.create(
        name=f"elsewhere:{child.process.pid}:{token}", kind="deliver", started_at=now, beat_at=now
    )
    supervisor._restart_stalled()
    child.busy_since -= 60
    supervisor._restart_stalled()
    assert child.is_running() == (not same_number)
    child.kill_group()


def test_a_supervisor_forgets_no_beat_that_is_only_minutes_old() -> None:
    """Its own clock may be wrong, and another's processes would seem dead."""
    then = timezone.now() - timedelta(minutes=10)
    WorkerBeat.objects.create(name="b:1", kind="deliver", started_at=then, beat_at=then)
    Supervisor(0, with_tasks=False)._beat()
    assert WorkerBeat.objects.filter(name="b:1").exists()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one host, and its clock")
def test_beats_are_told_by_the_databases_clock() -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=30)):
        Deliverer()._beat()
    assert deliverers_at_work() and WorkerBeat.objects.sending().exists()
