"""One bad address, text or account must cost nothing but itself."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.mail import EmailMessage, send_mail
from django.utils import timezone

from mailaccounts.models import SenderAccount, system_account
from maillog import claims, reaper, registry, resend
from maillog.deliver import Deliverer
from maillog.models import Delivery, MailMessage, MessageBody
from maillog.outbox import Recipient, queue
from maillog.requeue import CannotResend
from maillog.session import Session
from maillog.states import Reason, Role, State
from templates_tx.notify import notify
from tests import factories
from tests.maillog.test_session import account_at, make_draft, send_all
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


def queued(account: SenderAccount, **values: Any) -> MailMessage:
    message = queue(make_draft(account, **values))
    assert message is not None
    return message


def states(message: MailMessage) -> dict[str, str]:
    return dict(message.deliveries.values_list("address", "state"))


def test_an_address_that_is_none_fails_alone() -> None:
    to = (Recipient("a@x.example"), Recipient("no address"), Recipient("b@x.example", role=Role.CC))
    with sink() as server:
        account = account_at(server.port)
        message = queued(account, recipients=to)
        send_all(account)
    assert states(message) == {"a@x.example": "sent", "no address": "failed", "b@x.example": "sent"}


def test_a_copy_leaves_although_the_customers_address_is_none() -> None:
    with sink() as server:
        account = account_at(server.port, copy_to="szef@x.example")
        message = queued(account, to="no address")
        send_all(account)
    assert states(message) == {"no address": "failed", "szef@x.example": "sent"}


def test_a_wrong_copy_address_costs_the_copy_and_not_the_message() -> None:
    with sink() as server:
        account = account_at(server.port)
        SenderAccount.objects.update(copy_to="no address")
        account.refresh_from_db()
        message = queued(account)
        send_all(account)
    assert states(message) == {"anna@klient.example": "sent"}
    assert message.notes == ["copy_unusable"]


def test_a_sender_in_an_international_domain_is_sent_in_its_ascii_form() -> None:
    with sink() as server:
        account = account_at(server.port, from_address="sklep@żółw.example")
        queued(account)
        send_all(account)
    [stored] = server.store.received
    assert stored.mail_from == "sklep@xn--w-uga1v8h.example"


@pytest.mark.parametrize("address", ["no address", ""])
def test_trying_an_unusable_address_again_is_refused(address: str) -> None:
    account = account_at(1)
    message = queued(account, to=address)
    Delivery.objects.update(state=State.FAILED)
    with pytest.raises(CannotResend, match="cannot be written to"):
        resend.try_again(message)


def test_an_unusable_address_in_the_queue_does_not_stop_the_others() -> None:
    with sink() as server:
        account = account_at(server.port)
        bad, good = queued(account, to="no address"), queued(account)
        bad.deliveries.update(state=State.QUEUED, reason="", ended_at=None)
        send_all(account)
    assert states(good) == {"anna@klient.example": "sent"}
    assert states(bad) == {"no address": "failed"}


def test_an_unforeseen_error_in_rendering_holds_that_message_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def render(message: MailMessage) -> registry.Body:
        raise ZeroDivisionError

    monkeypatch.setitem(registry.renderers, "email", render)
    with sink() as server:
        account = account_at(server.port)
        bad, good = queued(account, body=None), queued(account)
        send_all(account)
    assert states(good) == {"anna@klient.example": "sent"}
    assert bad.deliveries.get().reason == Reason.TEMPLATE


def test_half_characters_and_nul_are_stored_as_replacement_signs() -> None:
    with sink() as server:
        account = account_at(server.port)
        order = factories.place_order(account.shop)
        order.write_note("a\x00b\ud800c", occurrence="1\ud800")
        queued(account, subject="x\x00y", order_number="\x00", to="\x00")
        queued(account)
        send_all(account)
        send_all(account)  # the note goes after the order's confirmation
    note = MailMessage.objects.get(message_type="note", order_number=order.number)
    assert note.state == State.SENT and "a\ufffdb\ufffdc" in note.body.text
    assert server.store.count == 3


def test_notify_stores_whatever_plain_data_it_is_given() -> None:
    with sink() as server:
        account = account_at(server.port)
        order = {"number": "1", "items": [], "url": "", "total": Decimal("1.50")}
        message = notify(
            "note",
            shop=account.shop,
            to="anna@x.example",
            name="\ud800",
            context={"text": "a\ud800\x00", "order": order, "day": timezone.now()},
        )
        account.refresh_from_db()
        send_all(account)
    assert message is not None and message.context["order"]["total"] == "1.50"
    assert states(message) == {"anna@x.example": "sent"}


@pytest.fixture
def own_mailer(settings: Any) -> None:
    settings.MAILERS = {"default": {"BACKEND": "maillog.backends.OutboxBackend"}}


@pytest.mark.usefixtures("own_mailer")
def test_django_mail_may_name_its_recipients(settings: Any) -> None:
    with sink() as server:
        settings.SYSTEM_SENDER_URL = f"smtp://127.0.0.1:{server.port}"
        EmailMessage(
            "Hej", "x", None, ["Anna Łoś <anna@x.example>"], reply_to=["Jan <jan@x.example>"]
        ).send()
        Session(system_account(), "tests:1", threading.Event()).run()
    message = MailMessage.objects.get()
    assert (message.state, message.reply_to) == (State.SENT, "jan@x.example")
    assert message.addressing["main"] == [["Anna Łoś", "anna@x.example"]]


@pytest.mark.usefixtures("own_mailer")
def test_mail_to_blind_copies_alone_is_sent_and_rolled_up(settings: Any) -> None:
    with sink() as server:
        settings.SYSTEM_SENDER_URL = f"smtp://127.0.0.1:{server.port}"
        EmailMessage("Hej", "x", None, [], bcc=["a@x.example", "b@x.example"]).send()
        Session(system_account(), "tests:1", threading.Event()).run()
    assert MailMessage.objects.get().state == State.SENT
    assert [stored.content.count(b"b@x.example") for stored in server.store.received] == [0, 1]


def test_an_account_whose_password_cannot_be_read_stops_nobody_else(settings: Any) -> None:
    with sink() as server:
        lost = account_at(server.port, username="u", password="geheim")
        settings.FIELD_KEYS = [Fernet.generate_key().decode()]
        factories.place_order(lost.shop)
        good = queued(account_at(server.port))
        Deliverer().run(once=True)
    assert states(good) == {"anna@klient.example": "sent"}
    waiting = Delivery.objects.get(account=lost)
    assert (waiting.state, waiting.attempts.get().answer) == (State.QUEUED, "auth")
    assert "password" in SenderAccount.objects.get(pk=lost.pk).breaker_reason


def test_an_unreadable_password_survives_saving_the_account(settings: Any) -> None:
    keys = settings.FIELD_KEYS
    account = account_at(1, username="u", password="geheim")
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    unreadable = SenderAccount.objects.get(pk=account.pk)
    unreadable.label = "Inna"
    unreadable.save()
    settings.FIELD_KEYS = keys
    assert SenderAccount.objects.get(pk=account.pk).password == "geheim"


def test_an_unreadable_password_does_not_follow_the_account_to_another_server(
    settings: Any,
) -> None:
    keys = settings.FIELD_KEYS
    account = account_at(1, username="u", password="geheim")
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    unreadable = SenderAccount.objects.get(pk=account.pk)
    unreadable.host = "evil.example"
    unreadable.save()
    settings.FIELD_KEYS = keys
    assert SenderAccount.objects.get(pk=account.pk).password == ""


@pytest.mark.usefixtures("own_mailer")
@pytest.mark.parametrize("url", ["smtp://localhost:no", "http://localhost", "smtp://[::1"])
def test_a_malformed_system_server_is_the_accounts_trouble(settings: Any, url: str) -> None:
    settings.SYSTEM_SENDER_URL = url
    send_mail("Hej", "x", None, ["anna@x.example"])
    Deliverer().run(once=True)
    delivery = Delivery.objects.get()
    assert (delivery.fence, delivery.attempts.get().answer) == (1, "auth")
    assert "SYSTEM_SENDER_URL" in system_account().breaker_reason


@pytest.mark.parametrize("how", ["account", "leases"])
def test_a_shut_gate_is_not_asked_again_for_the_whole_batch(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each asking would cost a connection and a text."""
    with sink() as server:
        account = account_at(server.port)
        for number in range(40):
            queued(account, to=f"a{number}@x.example")
        account.refresh_from_db()
        session = Session(account, "tests:1", threading.Event())
        gate, asked = session.journal.step, []

        def step(done: Any, item: Any) -> bool:
            asked.append(item)
            if len(asked) == 10:
                _shut(account, how)
            return gate(done, item)

        monkeypatch.setattr(session.journal, "step", step)
        session.run()
        assert server.connections <= 3
    assert len(asked) < 15 and server.store.count == 9
    assert not Delivery.objects.filter(state=State.CLAIMED).exists()


def _shut(account: SenderAccount, how: str) -> None:
    later = timezone.now() + timedelta(hours=1)
    if how == "account":
        SenderAccount.objects.filter(pk=account.pk).update(next_try_at=later)
    else:
        Delivery.objects.filter(state=State.CLAIMED, phase="").update(
            state=State.QUEUED, lease_until=None, worker="", due_at=later
        )


def test_what_an_error_of_ours_breaks_waits_for_its_lease(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Given back at once it would be claimed again at once, for ever."""

    def transport(self: Any, items: Any, journal: Any) -> None:
        next(items)
        raise ZeroDivisionError

    monkeypatch.setattr("mailaccounts.transports.smtp.Smtp.send", transport)
    message = queued(account_at(1))
    deliverer = Deliverer()
    threading.Timer(1.0, deliverer.stop.set).start()
    with caplog.at_level(logging.CRITICAL):
        deliverer.run()
    delivery = message.deliveries.get()
    assert (delivery.state, delivery.fence) == (State.CLAIMED, 1)


def test_an_error_in_the_sweep_does_not_end_the_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    def sweep() -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(reaper, "sweep", sweep)
    with sink() as server:
        message = queued(account_at(server.port))
        Deliverer().run(once=True)
    assert states(message) == {"anna@klient.example": "sent"}


def test_trying_again_leaves_an_account_that_was_switched_off() -> None:
    account = account_at(1)
    message = queued(account)
    Delivery.objects.update(state=State.FAILED)
    main = factories.make_account(account.shop, label="Drugie")
    main.make_main()
    account.refresh_from_db()
    account.switch_off()
    resend.try_again(MailMessage.objects.get(pk=message.pk))
    assert message.deliveries.get().account == main


def test_a_delivery_that_is_given_back_shows_as_waiting() -> None:
    account = account_at(1)
    message = queued(account)
    Delivery.objects.update(state=State.DEFERRED)
    MailMessage.objects.update(state=State.DEFERRED)
    claims.release(claims.claim(account, "tests:1", 10), "tests:1")
    message.refresh_from_db()
    assert message.state == State.QUEUED


def make_uncertain(message: MailMessage, **values: Any) -> None:
    past = timezone.now() - timedelta(hours=3)
    facts = {"state": State.UNKNOWN, "phase": "dot", "dot_at": past, "repeats": 1, **values}
    message.deliveries.update(**facts)


def test_a_link_of_uncertain_mail_is_gone_once_it_is_too_old() -> None:
    message = queued(account_at(1), sensitive=True)
    make_uncertain(message)
    reaper.sweep()
    assert MessageBody.objects.get().text
    make_uncertain(message, expires_at=timezone.now())
    reaper.sweep()
    assert not MessageBody.objects.get().text


def test_an_uncertain_copy_is_nothing_to_wait_for() -> None:
    message = queued(account_at(1, copy_to="szef@x.example"))
    make_uncertain(message, repeats=0)
    message.deliveries.filter(role=Role.MAIN).update(state=State.SENT, phase="")
    assert reaper.has_ended()
