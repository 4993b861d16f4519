"""Whatever a server does, each message ends in its state with an attempt that says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from demo.sink_faults import Action, Fault, Stage
from mailaccounts.models import SenderAccount
from maillog.models import Attempt, Delivery, MailMessage
from maillog.outbox import queue
from maillog.states import State
from tests.maillog.test_session import account_at, make_draft, send_all, the_delivery
from tests.smtp import make_certificate, sink

pytestmark = pytest.mark.django_db(transaction=True)


def sent_through(**options: Any) -> tuple[MailMessage, SenderAccount]:
    """One message for a server with these options; sent until it or its account rests."""
    with sink(**options) as server:
        account = account_at(server.port)
        message = queue(make_draft(account))
        send_all(account)
    assert message is not None
    return message, account


def the_attempt(message: MailMessage) -> Attempt:
    return the_delivery(message).attempts.get()


@pytest.mark.parametrize("policy", ["ask", "repeat"])
def test_a_connection_lost_after_the_dot_leaves_the_outcome_unknown(
    settings: Any, policy: str
) -> None:
    settings.UNKNOWN_POLICY = policy
    message, _account = sent_through(faults=[Fault(Stage.STORED, action=Action.DROP)])
    delivery = the_delivery(message)
    assert (delivery.state, delivery.ever_unknown) == (State.UNKNOWN, True)
    assert (the_attempt(message).answer, the_attempt(message).phase) == ("unknown", "dot")
    assert message.unknown_policy == policy


def test_silence_after_the_dot_leaves_the_outcome_unknown(settings: Any) -> None:
    settings.POST_DOT_TIMEOUT = 0.3
    message, _account = sent_through(faults=[Fault(Stage.STORED, action=Action.SILENCE)])
    assert the_delivery(message).state == State.UNKNOWN


def test_a_connection_lost_in_the_text_sends_nothing_and_loses_nothing() -> None:
    message, account = sent_through(faults=[Fault(Stage.BODY, action=Action.DROP)])
    delivery = the_delivery(message)
    assert (delivery.state, delivery.ever_unknown, delivery.phase) == (State.QUEUED, False, "")
    assert the_attempt(message).answer == "net"
    account.refresh_from_db()
    assert account.net_failures == 1 and account.next_try_at is not None


def test_a_connection_lost_for_one_message_does_not_stop_the_others() -> None:
    drop = Fault(Stage.BODY, action=Action.DROP, times=1)
    with sink(faults=[drop]) as server:
        account = account_at(server.port)
        messages = [queue(make_draft(account, to=f"a{n}@klient.example")) for n in range(5)]
        send_all(account)
        send_all(account)
    assert {each.state for each in Delivery.objects.all()} == {State.SENT}
    assert server.store.count == len(messages) and server.store.duplicates == 0


def test_a_wrong_password_pauses_the_account_and_fails_no_message() -> None:
    with sink(users={"sklep": "dobre"}) as server:
        account = account_at(server.port, username="sklep", password="złe")
        message = queue(make_draft(account))
        for _each in range(2):
            send_all(account)
            SenderAccount.objects.update(next_try_at=None)
        account.refresh_from_db()
        assert message is not None and the_delivery(message).state == State.QUEUED
        assert {each.answer for each in Attempt.objects.all()} == {"auth"}
        assert "535" in account.breaker_reason or Attempt.objects.first().code == 535  # type: ignore[union-attr]
        assert account.breaker == "open"
        assert send_all(account) == 0
        account.set_password("dobre")
        account.save()
        account.mend()
        send_all(account)
    assert the_delivery(message).state == State.SENT


@pytest.mark.promise("S1.16")
def test_a_certificate_of_another_name_is_refused_unless_the_account_ignores_it(
    tmp_path: Path,
) -> None:
    context = make_certificate(tmp_path, "another.example")
    with sink(tls=context, implicit_tls=True) as server:
        account = account_at(server.port, tls_mode="implicit")
        message = queue(make_draft(account))
        send_all(account)
        assert message is not None and the_delivery(message).state == State.QUEUED
        assert the_attempt(message).answer == "auth"
        account.refresh_from_db()
        account.ignore_certificate_errors = True
        account.save()
        account.mend()
        send_all(account)
    assert the_delivery(message).state == State.SENT


def test_a_server_that_has_had_enough_closes_the_account_for_a_while() -> None:
    fault = Fault(Stage.RCPT, reply="550 5.4.5 Daily user sending limit exceeded")
    message, account = sent_through(faults=[fault])
    delivery = the_delivery(message)
    assert (delivery.state, delivery.tries) == (State.QUEUED, 0)
    account.refresh_from_db()
    assert account.next_try_at is not None
    assert (account.next_try_at - timezone.now()).total_seconds() > 1700


def test_a_greylisted_message_comes_again_later_with_the_same_message_id() -> None:
    with sink(greylist=0.1) as server:
        account = account_at(server.port)
        message = queue(make_draft(account))
        send_all(account)
        assert message is not None
        delivery = the_delivery(message)
        assert delivery.state == State.DEFERRED and delivery.due_at > timezone.now()
        delivery.due_at = timezone.now()
        delivery.save()
        while the_delivery(message).state != State.SENT:
            send_all(account)
            type(delivery).objects.update(due_at=timezone.now())
    [received] = server.store.received
    assert received.message_id == message.message_id


def test_five_network_failures_open_the_breaker_and_one_success_closes_it() -> None:
    with sink() as server:
        account = account_at(9)
        message = queue(make_draft(account))
        for _each in range(5):
            SenderAccount.objects.update(next_try_at=None)
            send_all(account)
        account.refresh_from_db()
        assert account.breaker == "open" and account.next_try_at is not None
        SenderAccount.objects.update(next_try_at=timezone.now(), port=server.port)
        send_all(account)
    account.refresh_from_db()
    assert message is not None and the_delivery(message).state == State.SENT
    assert (account.breaker, account.net_failures) == ("closed", 0)
