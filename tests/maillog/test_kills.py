"""Nothing lost, nothing doubled in silence: processes that hold a claim are killed or stopped."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import Any

import pytest
from django.db import connection

from demo.tally import has_ended
from mailaccounts.models import SenderAccount
from maillog.models import Delivery
from maillog.states import State
from tests import factories, faults
from tests.environment import LEASE
from tests.maillog.test_drainers import queue_many
from tests.smtp import sink

MESSAGES, KILLS = 500, 60
DELAY = (0.002, 0.030)  # seconds between storing a message and answering
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.kills, pytest.mark.slow]


def busy_account(port: int) -> SenderAccount:
    """Many connections at once: the more of them, the more often a blow hits."""
    return factories.make_account(factories.make_shop(), port=port, concurrency=16)


def test_no_message_is_lost_and_every_double_was_announced(settings: Any) -> None:
    policy = settings.UNKNOWN_POLICY = faults.policy_of(connection.vendor)
    with sink(delay=DELAY) as server:
        queue_many(busy_account(server.port), MESSAGES)
        with faults.deliver_processes(2):
            killed = faults.kill_holders(KILLS, 120)
            faults.until(has_ended, 90)
        balance = faults.draw_balance(server)
    print(f"{connection.vendor} {policy}: {killed} kills, {balance}")

    assert killed >= KILLS
    assert balance.problems(MESSAGES, policy) == []
    assert balance.ever_unknown, "no blow has hit the moment that matters: the run proves little"


def test_a_process_that_slept_through_its_leases_sends_nothing_in_silence(settings: Any) -> None:
    """What it held belongs to others when it wakes up: its fence is an old one."""
    policy = settings.UNKNOWN_POLICY = faults.policy_of(connection.vendor)
    rounds, messages, stopped = 2, 120, 0
    with sink(delay=DELAY) as server:
        account = busy_account(server.port)
        with faults.deliver_processes(3):
            for _each in range(rounds):
                queue_many(account, messages)
                stopped += faults.stop_holders(3 * LEASE + 0.2)
            faults.until(has_ended, 60)
        balance = faults.draw_balance(server)
        taken_over = Delivery.objects.filter(fence__gt=1).count()
    print(f"{connection.vendor} {policy}: {stopped} stops, {taken_over} taken over, {balance}")

    assert stopped >= rounds and taken_over
    assert balance.problems(rounds * messages, policy) == []


def test_a_process_that_is_asked_to_end_leaves_nothing_uncertain() -> None:
    messages = 300
    with sink(delay=(0.02, 0.05)) as server:
        queue_many(busy_account(server.port), messages)
        process = subprocess.Popen(
            [*faults.MANAGE, "deliver"], env=faults.quick_environment(), cwd=faults.ROOT
        )
        assert faults.until(lambda: server.store.count > 20, 30)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        seconds = time.monotonic() - asked
        rows = Delivery.objects.all()
        sent = rows.filter(state=State.SENT).count()

        assert seconds < 5
        assert 20 < sent == server.store.count < messages
        assert rows.filter(state=State.QUEUED, phase="", fence__gte=0).count() == messages - sent
