"""What a review of the queue found: suppressions, clocks, and a sender that was corrected."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from demo.sink_faults import Fault, Stage
from mailaccounts.models import SenderAccount
from maillog import claims
from maillog.models import Attempt, Delivery, MailMessage, Suppression
from maillog.outbox import queue
from maillog.session import Session
from maillog.states import Role, State
from shops.models import Shop
from tests import factories
from tests.mailaccounts.account_pages import edit
from tests.maillog.logged import logged
from tests.maillog.test_session import account_at, make_draft
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


def refused(recipient: str, **values: Any) -> SenderAccount:
    """An account whose server does not know ``recipient``, after one session."""
    shop_values = values.pop("shop", {})
    unknown = Fault(Stage.RCPT, reply="550 5.1.1 User unknown", recipient=recipient)
    with sink(faults=[unknown]) as server:
        account = account_at(server.port, **values)
        Shop.objects.update(**shop_values)
        queue(make_draft(SenderAccount.objects.get(pk=account.pk)))
        Session(account, "tests:1", threading.Event()).run()
    return account


def test_an_address_that_does_not_exist_is_suppressed_for_a_while() -> None:
    refused("anna@klient.example")
    row = Suppression.objects.get()
    assert (row.address, row.reason) == ("anna@klient.example", "hard")
    assert row.expires_at is not None and row.expires_at > timezone.now() + timedelta(days=29)


def test_a_test_address_that_does_not_exist_suppresses_no_customer() -> None:
    mode = {"test_mode": "redirect", "test_address": "tset@sklep.example"}
    refused("tset@sklep.example", shop=mode)
    assert Delivery.objects.get().state == State.FAILED
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("reason", [Suppression.Reason.COMPLAINT, Suppression.Reason.MANUAL])
def test_what_is_suppressed_for_good_gets_no_end_by_a_refusal(
    monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    make_account = factories.make_account

    def with_suppression(shop: Shop, **values: Any) -> SenderAccount:
        Suppression.objects.create(shop=shop, address="boss@sklep.example", reason=reason)
        return make_account(shop, **values)

    monkeypatch.setattr(factories, "make_account", with_suppression)
    refused("boss@sklep.example", copy_to="boss@sklep.example")
    assert Delivery.objects.get(role=Role.COPY).state == State.FAILED
    row = Suppression.objects.get()
    assert (row.reason, row.expires_at) == (reason, None)


def test_a_suppression_that_has_ended_begins_anew() -> None:
    account = refused("anna@klient.example")
    Suppression.objects.update(expires_at=timezone.now() - timedelta(days=1), detail="")
    again = Fault(Stage.RCPT, reply="550 5.1.1 User unknown", recipient="anna@klient.example")
    with sink(faults=[again]) as server:
        SenderAccount.objects.filter(pk=account.pk).update(port=server.port)
        account.refresh_from_db()
        queue(make_draft(account))
        Session(account, "tests:2", threading.Event()).run()
    row = Suppression.objects.get()
    assert row.expires_at is not None and row.expires_at > timezone.now()
    assert "User unknown" in row.detail


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one host and one clock")
def test_mail_of_a_host_whose_clock_is_ahead_is_due_at_once() -> None:
    account = account_at(1)
    with time_machine.travel(timezone.now() + timedelta(minutes=30), tick=True):
        queue(make_draft(account))
    assert claims.due_accounts() == [account]
    assert len(claims.claim(account, "tests:1", 10)) == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one host and one clock")
def test_mail_for_later_and_its_end_go_by_the_clock_of_the_database() -> None:
    account, minute = account_at(1, copy_to="boss@sklep.example"), timedelta(minutes=1)
    before = timezone.now()
    with time_machine.travel(before - timedelta(minutes=90), tick=True):
        queue(make_draft(account, due_in=timedelta(minutes=10)))
    due = before + timedelta(minutes=10)
    for delivery in Delivery.objects.all():
        # A draft says when it ends itself; its copies live from when they are due.
        copy = delivery.role == Role.COPY
        ends = due + timedelta(hours=24) if copy else before + timedelta(hours=1)
        assert timedelta() <= delivery.due_at - due < minute
        assert timedelta() <= delivery.expires_at - ends < minute


@pytest.fixture
def account(shop: Shop) -> SenderAccount:
    values = {"from_address": "slkep@sklep.example", "from_name": "Slkep", "username": ""}
    return factories.make_account(shop, **values)


def correct(client: Client, account: SenderAccount) -> None:
    response = edit(client, account, from_address="sklep@sklep.example", from_name="Sklep")
    assert response.status_code == 302


def sender_of(message: MailMessage) -> tuple[str, str]:
    message.refresh_from_db()
    return message.from_name, message.from_address


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED, State.HELD])
def test_a_corrected_sender_reaches_mail_that_waits(
    owner_client: Client, account: SenderAccount, state: State
) -> None:
    message = logged(account.shop, account=account)
    Delivery.objects.update(state=state, reason="approval" if state == State.HELD else "")
    MailMessage.objects.update(state=state)
    refusal = {"answer": "temporary", "phase": "mail", "at": timezone.now(), "fence": 1}
    Attempt.objects.create(delivery=message.deliveries.get(), **refusal)
    message_id = message.message_id
    correct(owner_client, account)
    assert sender_of(message) == ("Sklep", "sklep@sklep.example")
    assert message.message_id == message_id


@pytest.mark.parametrize(
    "facts",
    [
        {"state": State.SENT},
        {"state": State.UNKNOWN},
        {"state": State.CLAIMED, "lease_until": timezone.now()},
        {"ever_unknown": True},
    ],
    ids=["sent", "unknown", "claimed", "ever_unknown"],
)
def test_a_message_of_which_anything_may_have_left_keeps_its_sender(
    owner_client: Client, account: SenderAccount, facts: dict[str, Any]
) -> None:
    Shop.objects.filter(pk=account.shop_id).update(test_mode="off")
    SenderAccount.objects.filter(pk=account.pk).update(copy_to="boss@sklep.example")
    account.refresh_from_db()
    message = logged(account.shop, account=account)
    message.deliveries.filter(role=Role.COPY).update(**facts)
    correct(owner_client, account)
    assert sender_of(message) == ("Slkep", "slkep@sklep.example")


def test_a_message_that_a_server_refused_at_its_dot_takes_the_corrected_sender(
    owner_client: Client, account: SenderAccount
) -> None:
    message = logged(account.shop, account=account)
    answer = {"answer": "temporary", "phase": "dot", "at": timezone.now(), "fence": 1}
    Attempt.objects.create(delivery=message.deliveries.get(), **answer)
    correct(owner_client, account)
    assert sender_of(message) == ("Sklep", "sklep@sklep.example")


def test_mail_of_other_accounts_keeps_its_sender(
    owner_client: Client, account: SenderAccount
) -> None:
    other = factories.make_account(account.shop, from_address="biuro@sklep.example")
    message = logged(account.shop, account=other)
    correct(owner_client, account)
    assert sender_of(message)[1] == "biuro@sklep.example"


def test_an_account_that_is_saved_without_a_new_sender_touches_no_mail(
    owner_client: Client, account: SenderAccount
) -> None:
    message = logged(account.shop, account=account)
    MailMessage.objects.update(from_name="as it was")
    assert edit(owner_client, account, label="Nowa").status_code == 302
    assert sender_of(message)[0] == "as it was"
