"""From the queue to a provider's HTTP API and back: FreshMail, and the providers of the table."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from mailaccounts.models import Breaker, SenderAccount
from mailaccounts.signals import sender_changed
from maillog import reaper
from maillog.mime import Attachment
from maillog.models import Attempt, Delivery, MailMessage
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.session import Session
from maillog.states import Role, State
from maillog.timeline import Story
from maillog.verdict import verdict_of
from tests import factories
from tests.http_server import Reply, http_server
from tests.mailaccounts.api_mail import KEY, TAKEN
from tests.smtp import closed_port

pytestmark = pytest.mark.django_db(transaction=True)


def freshmail_account(server_url: str, settings: Any, **values: Any) -> SenderAccount:
    settings.FRESHMAIL_API_URL = f"{server_url}/v3/messaging/emails"
    shop = values.pop("shop", None) or factories.make_shop()
    facts = {"kind": "freshmail", "host": "", "password": KEY}
    return factories.make_account(shop, **{**facts, **values})


def queue_one(
    account: SenderAccount, to: str = "anna@klient.example", **values: Any
) -> MailMessage:
    facts: dict[str, Any] = {
        "message_type": "note",
        "shop": account.shop,
        "account": account,
        "recipients": (Recipient(to, "Anna Wiśniewska"),),
        "expires_in": timedelta(hours=1),
        "subject": "Zamówienie 10482 przyjęte",
        "body": Body(html="<p>Dziękujemy, Anno.</p>", text="Dziękujemy, Anno.\n"),
    }
    message = queue(Draft(**{**facts, **values}))
    assert message is not None
    return message


def send_all(account: SenderAccount) -> int:
    account.refresh_from_db()
    return Session(account, "tests:1", threading.Event()).run()


def delivery_of(message: MailMessage) -> Delivery:
    return message.deliveries.get(role=Role.MAIN)


@pytest.mark.promise("S0.14")
def test_a_queued_message_leaves_by_freshmails_api(settings: Any) -> None:
    with http_server(TAKEN["freshmail"]) as server:
        account = freshmail_account(server.url, settings)
        files = (Attachment("Faktura.pdf", "application/pdf", b"%PDF-1.7"),)
        message = queue_one(account, attachments=files)
        assert send_all(account) == 1
    delivery = delivery_of(message)
    assert (delivery.state, delivery.last_code) == (State.SENT, 201)
    attempt = delivery.attempts.get()
    assert attempt.text == "201 id 1234"
    assert attempt.server == f"127.0.0.1 [127.0.0.1]:{server.port}"
    [asked] = server.asked
    assert asked.json["recipients"] == [{"email": "anna@klient.example", "name": "Anna Wiśniewska"}]
    assert asked.json["attachments"][0]["name"] == "Faktura.pdf"
    assert asked.json["headers"]["X-Postroom-Delivery"] == delivery.pk.hex
    message.refresh_from_db()
    assert message.state == State.SENT


def test_each_recipient_is_a_call_of_its_own_and_sees_no_other_address(settings: Any) -> None:
    with http_server(TAKEN["freshmail"]) as server:
        account = freshmail_account(server.url, settings)
        people = (
            Recipient("anna@klient.example"),
            Recipient("jan@klient.example", role=Role.CC),
        )
        queue_one(account, recipients=people)
        send_all(account)
    told = sorted(asked.json["recipients"][0]["email"] for asked in server.asked)
    assert told == ["anna@klient.example", "jan@klient.example"]
    assert all(len(asked.json["recipients"]) == 1 for asked in server.asked)


def test_test_mode_holds_over_an_api_too(settings: Any) -> None:
    with http_server(TAKEN["freshmail"]) as server:
        shop = factories.make_shop(test_mode="redirect", test_address="test@rowerownia.example")
        account = freshmail_account(server.url, settings, shop=shop)
        queue_one(account)
        send_all(account)
    [asked] = server.asked
    assert asked.json["recipients"] == [{"email": "test@rowerownia.example"}]
    assert asked.json["subject"].startswith("[TEST] ")
    assert asked.json["headers"]["X-Original-To"] == "anna@klient.example"


def test_silence_after_the_request_is_uncertain_and_is_not_repeated_at_once(settings: Any) -> None:
    with http_server(Reply(hang_up=True)) as server:
        account = freshmail_account(server.url, settings)
        first, second = queue_one(account), queue_one(account, "jan@klient.example")
        send_all(account)
        states = {delivery_of(first).state, delivery_of(second).state}
        assert states == {State.UNKNOWN, State.QUEUED}
        send_all(account)
    account.refresh_from_db()
    assert account.next_try_at is not None and account.net_failures == 1
    assert len(server.asked) == 1


def test_an_uncertain_paid_message_waits_for_a_person_instead_of_being_paid_twice(
    settings: Any,
) -> None:
    settings.REPEAT_AFTER_SECONDS = 0
    with http_server(Reply(hang_up=True)) as server:
        account = freshmail_account(server.url, settings)
        message = queue_one(account)
        send_all(account)
        assert reaper.repeat_unknown() == 0
        assert "Ask the recipient" in verdict_of(Story.of(message), account.shop).text
        # The same silence of a server that is not paid by message is followed by one repeat.
        SenderAccount.objects.filter(pk=account.pk).update(kind="esp", esp="brevo")
        assert reaper.repeat_unknown() == 1


def test_a_provider_that_is_down_leaves_the_message_waiting_and_counts_no_try(
    settings: Any,
) -> None:
    account = freshmail_account(f"http://127.0.0.1:{closed_port()}", settings)
    message = queue_one(account)
    send_all(account)
    delivery = delivery_of(message)
    assert (delivery.state, delivery.tries, delivery.phase) == (State.QUEUED, 0, "")
    assert delivery.dot_at is None
    account.refresh_from_db()
    assert account.net_failures == 1


def test_too_many_requests_rest_the_account_as_long_as_the_provider_asks(settings: Any) -> None:
    with http_server(Reply(429, {"errors": ["slow down"]}, {"Retry-After": "300"})) as server:
        account = freshmail_account(server.url, settings)
        message = queue_one(account)
        send_all(account)
    delivery = delivery_of(message)
    assert (delivery.state, delivery.tries) == (State.QUEUED, 0)
    account.refresh_from_db()
    assert account.next_try_at is not None
    wait = (account.next_try_at - timezone.now()).total_seconds()
    assert 290 < wait <= 300


def test_a_refused_key_pauses_the_account_and_the_mail_leaves_when_it_is_mended(
    settings: Any,
) -> None:
    with http_server(TAKEN["freshmail"]) as server:
        server.answer(Reply(401, {"errors": [f"bad token {KEY}"]}), Reply(401, {}))
        account = freshmail_account(server.url, settings)
        message = queue_one(account)
        send_all(account)
        SenderAccount.objects.update(next_try_at=None)
        send_all(account)
        account.refresh_from_db()
        assert account.breaker == Breaker.OPEN
        assert delivery_of(message).state == State.QUEUED
        account.mend()
        send_all(account)
    assert delivery_of(message).state == State.SENT


def test_a_sender_that_the_provider_does_not_know_is_corrected_in_what_it_refused(
    settings: Any,
) -> None:
    with http_server(TAKEN["freshmail"]) as server:
        server.answer(Reply(403, {"errors": ["sender not verified"]}))
        account = freshmail_account(server.url, settings, from_address="wrong@sklep.example")
        message = queue_one(account)
        send_all(account)
        SenderAccount.objects.update(from_address="right@sklep.example")
        account.refresh_from_db()
        sender_changed.send(SenderAccount, account=account)
        account.mend()
        Delivery.objects.update(due_at=timezone.now())
        send_all(account)
    assert delivery_of(message).state == State.SENT
    assert [each.json["from"]["email"] for each in server.asked] == [
        "wrong@sklep.example",
        "right@sklep.example",
    ]


def test_a_message_that_alone_is_refused_lets_the_others_go_first(settings: Any) -> None:
    with http_server(TAKEN["freshmail"]) as server:
        server.answer(Reply(403, {"errors": ["sender not verified"]}))
        account = freshmail_account(server.url, settings)
        first, second = queue_one(account), queue_one(account, "jan@klient.example")
        send_all(account)
        SenderAccount.objects.update(next_try_at=None)
        send_all(account)
    assert [delivery_of(each).state for each in (first, second)] == [State.QUEUED, State.SENT]
    assert delivery_of(first).due_at > timezone.now() + timedelta(seconds=50)
    assert delivery_of(first).attempts.get().code == 403


@pytest.mark.parametrize("status", [401, 402, 429])
def test_what_a_provider_says_of_the_account_leaves_each_message_its_place(
    settings: Any, status: int
) -> None:
    with http_server(Reply(status, {})) as server:
        account = freshmail_account(server.url, settings)
        message = queue_one(account)
        send_all(account)
    assert delivery_of(message).due_at <= timezone.now()


def test_a_judged_message_fails_with_the_providers_words(settings: Any) -> None:
    refusal = Reply(400, {"errors": [{"message": "Invalid recipient", "code": 7}]})
    with http_server(refusal) as server:
        account = freshmail_account(server.url, settings)
        message = queue_one(account)
        send_all(account)
    delivery = delivery_of(message)
    assert (delivery.state, delivery.last_answer) == (State.FAILED, "recipient")
    assert delivery.last_reply == "Invalid recipient"


def test_the_key_is_nowhere_but_in_its_encrypted_column(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"errors": [f"key {KEY} is not ours"]}
    with http_server(TAKEN["freshmail"]) as server:
        server.answer(Reply(500, echo), Reply(401, echo), Reply(400, echo), Reply(429, echo))
        account = freshmail_account(server.url, settings)
        for _n in range(5):
            queue_one(account)
            SenderAccount.objects.update(next_try_at=None, breaker="closed")
            send_all(account)
    assert len(server.asked) >= 5
    assert KEY not in caplog.text
    assert KEY not in dump()
    assert Attempt.objects.count() >= 4
    account.refresh_from_db()
    assert account.password == KEY


def dump() -> str:
    """Every text in every table of the apps, as it is stored."""
    found: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.split("_")[0] in ("maillog", "mailaccounts", "shops", "django"):
                cursor.execute(f'SELECT * FROM "{table}"')
                found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


def test_the_guard_keeps_the_accounts_requests_out_of_a_private_network(settings: Any) -> None:
    with http_server(TAKEN["freshmail"]) as server:
        account = freshmail_account(server.url, settings)
        message = queue_one(account)
        settings.OUTBOUND_ALLOW = []
        send_all(account)
        assert server.connections == 0
    delivery = delivery_of(message)
    assert (delivery.state, delivery.dot_at) == (State.QUEUED, None)
    account.refresh_from_db()
    assert "not allowed" in account.breaker_reason


def test_another_provider_is_reached_at_the_address_of_the_table_only(settings: Any) -> None:
    # 443 on the provider's own name: the guard would let it out, the tests' socket does not.
    from mailaccounts.transports import transport_for

    account = factories.make_account(
        factories.make_shop(), kind="esp", esp="brevo", host="evil.example", password=KEY
    )
    assert transport_for(account).open().api_url == "https://api.brevo.com/v3/"  # type: ignore[attr-defined]
