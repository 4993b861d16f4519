"""What could not be made leaves once its template is mended, and nothing else changes its words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from demo.sink import Sink
from mailaccounts.models import SenderAccount
from maillog.mending import mend
from maillog.models import Delivery, MailMessage, SentKey, Suppression
from maillog.requeue import CannotResend
from maillog.resend import cancel, obstacle, send_again, try_again
from maillog.session import Session
from maillog.states import Reason, State
from shops import signals
from shops.models import AuditEntry, Order, ResetMark, Shop
from templates_tx import composer
from templates_tx.conditions import Rule, Then
from templates_tx.models import (
    MessageTemplate,
    OwnMessageType,
    TemplateAssignment,
)
from templates_tx.notify import notify
from templates_tx.rendering import TemplateError
from tests import factories
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def account(shop: Shop, server: Sink) -> SenderAccount:
    return factories.make_account(shop, port=server.port)


def send_all(account: SenderAccount) -> None:
    Session(account, "tests:1", threading.Event()).run()


def failed_order(shop: Shop, **words: str) -> tuple[Order, MailMessage, MessageTemplate]:
    """An order whose confirmation could not be made, and the template to blame."""
    template = factories.make_template(shop, **(words or {"subject": "{{ order.nummer }}"}))
    order = factories.place_order(shop)
    return order, MailMessage.objects.get(order_number=order.number), template


def again(message: MailMessage) -> MailMessage:
    return MailMessage.objects.get(pk=message.pk)


@pytest.mark.promise("S4.33")
def test_a_message_without_a_subject_is_held_and_arrives_once_its_template_is_mended(
    shop: Shop, account: SenderAccount, server: Sink, owner: User
) -> None:
    order, message, template = failed_order(shop)
    assert (message.state, message.reason) == (State.HELD, Reason.TEMPLATE)
    send_all(account)
    assert not server.store.received
    factories.new_version(template, subject="Zamówienie {{ order.number }}")
    assert mend(message, owner) == 1
    send_all(account)
    [received] = server.store.received
    assert received.rcpt_to == (order.customer.email,)
    message = again(message)
    assert (message.state, message.subject) == (State.SENT, f"Zamówienie {order.number}")
    assert f"zamowienie {order.number}" in message.search and message.detail == ""
    assert AuditEntry.objects.get(action="message.mended").user == owner
    signals.order_placed.send(Order, order=order)
    send_all(account)
    assert len(server.store.received) == 1, "a replay says nothing again"


@pytest.mark.promise("S4.33", "S4.21")
def test_a_text_that_names_an_unknown_value_is_held_by_the_worker_and_leaves_when_mended(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    order, message, template = failed_order(shop, text="Suma: {{ order.totl }}")
    assert message.state == State.QUEUED
    send_all(account)
    message = again(message)
    assert (message.state, message.reason) == (State.HELD, Reason.TEMPLATE)
    assert "totl" in message.detail and not server.store.received
    newer = factories.new_version(template, text="Suma: {{ order.total }}")
    assert try_again(message) == 1
    send_all(account)
    assert len(server.store.received) == 1
    message = again(message)
    assert (message.state, message.template_version) == (State.SENT, newer.pk)
    assert SentKey.objects.filter(cause="order.placed").count() == 1, "it held its key already"


@pytest.mark.parametrize("part", ["subject", "text", "html"])
def test_what_is_still_broken_stays_held_and_says_the_new_mistake(shop: Shop, part: str) -> None:
    _order, message, template = failed_order(shop)
    written = "{{ order.anders }}"
    factories.new_version(template, **{"html_source": written, part: written})
    with pytest.raises(CannotResend, match=f"{part}, line 1: .*anders"):
        try_again(message)
    message = again(message)
    assert (message.state, message.reason) == (State.HELD, Reason.TEMPLATE)
    assert "anders" in message.detail and "nummer" not in message.detail
    assert not SentKey.objects.exists()


def test_mended_twice_it_is_queued_once(shop: Shop, account: SenderAccount, server: Sink) -> None:
    _order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    assert [mend(message), mend(message)] == [1, 0]
    send_all(account)
    assert mend(message) == 0
    send_all(account)
    assert len(server.store.received) == 1
    assert AuditEntry.objects.filter(action="message.mended").count() == 1


def test_two_who_click_at_once_queue_it_once(shop: Shop) -> None:
    from django.db import connection

    _order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    start, counts = threading.Barrier(2), []

    def click() -> None:
        try:
            start.wait()
            counts.append(mend(message))
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _each in range(2)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert sorted(counts) == [0, 1]


def test_what_a_replay_has_said_meanwhile_is_cancelled(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    signals.order_placed.send(Order, order=order)
    with pytest.raises(CannotResend, match="said it meanwhile"):
        mend(message)
    assert (again(message).state, again(message).reason) == (State.CANCELLED, Reason.SAID)
    send_all(account)
    assert len(server.store.received) == 1


def test_an_order_that_was_silenced_meanwhile_stays_silent(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    ResetMark.objects.create(shop=shop, parameter="order.placed", imported_until=order.imported_at)
    with pytest.raises(CannotResend, match="reset has silenced it"):
        mend(message)
    assert (again(message).state, again(message).reason) == (State.CANCELLED, Reason.RESET)
    send_all(account)
    assert not server.store.received and not SentKey.objects.exists()


def test_the_kept_facts_tell_when_an_order_of_another_model_was_placed(shop: Shop) -> None:
    order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    ResetMark.objects.create(shop=shop, parameter="order.placed", imported_until=timezone.now())
    MailMessage.objects.filter(pk=message.pk).update(order_number="elsewhere-1")
    with pytest.raises(CannotResend, match="reset has silenced it"):
        mend(message)


def test_an_address_that_is_suppressed_meanwhile_gets_nothing(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    Suppression.objects.create(shop=shop, address=order.customer.email, reason="manual")
    assert mend(message) == 1
    send_all(account)
    assert again(message).state == State.SUPPRESSED and not server.store.received


def test_in_test_mode_it_waits_for_approval_like_any_other(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    _order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    Shop.objects.filter(pk=shop.pk).update(test_mode="hold")
    assert mend(message) == 1
    send_all(account)
    assert again(message).reason == Reason.APPROVAL and not server.store.received


def test_a_message_that_waits_keeps_its_words_whatever_is_saved(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    template = factories.make_template(shop, subject="Raz", text="raz")
    factories.place_order(shop)
    message = MailMessage.objects.get()
    factories.new_version(template, subject="Dwa", text="dwa")
    assert mend(message) == 0
    send_all(account)
    message = again(message)
    assert (message.subject, message.body.text) == ("Raz", "raz")


@pytest.mark.parametrize("reason", [Reason.POISON, Reason.LIMIT, Reason.APPROVAL])
def test_what_is_held_for_another_reason_keeps_its_words_too(shop: Shop, reason: Reason) -> None:
    template = factories.make_template(shop, subject="Raz", text="raz")
    factories.place_order(shop)
    Delivery.objects.update(state=State.HELD, reason=reason)
    message = MailMessage.objects.get()
    factories.new_version(template, subject="Dwa", text="dwa")
    assert mend(message) == 0 and try_again(message) == 1
    assert again(message).template_version == message.template_version


def test_it_cannot_be_sent_again_without_a_text(shop: Shop) -> None:
    _order, message, _template = failed_order(shop)
    assert "Mend the template" in obstacle(message)
    with pytest.raises(CannotResend, match="Mend the template"):
        send_again(message)


def test_one_that_has_expired_is_mended_too(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    _order, message, template = failed_order(shop)
    Delivery.objects.update(state=State.EXPIRED, ended_at=timezone.now())
    MailMessage.objects.update(state=State.EXPIRED, expires_at=timezone.now())
    factories.new_version(template, subject="Dziękujemy")
    assert try_again(message) == 1
    send_all(account)
    assert again(message).subject == "Dziękujemy" and len(server.store.received) == 1


def test_it_lives_as_long_as_when_it_is_tried_again_and_keeps_its_delay(shop: Shop) -> None:
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", delay_minutes=600)
    _order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    due = message.deliveries.get().due_at
    mend(message)
    delivery = message.deliveries.get()
    assert delivery.due_at == due, "a message that is to come in ten hours does not come at once"
    assert delivery.expires_at >= due + timedelta(hours=48)


def test_a_stopped_message_is_not_mended(shop: Shop) -> None:
    _order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    cancel(message)
    assert mend(message) == 0 and again(message).state == State.CANCELLED


def test_facts_that_could_not_be_read_are_read_anew(
    shop: Shop, account: SenderAccount, server: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", copy_to_owner=True)
    with monkeypatch.context() as broken:
        broken.setattr(composer, "full_context", lambda *args: 1 / 0)
        order = factories.place_order(shop)
    message = MailMessage.objects.get(order_number=order.number)
    assert message.template_version is None
    with monkeypatch.context() as broken:
        broken.setattr(composer, "full_context", lambda *args: 1 / 0)
        with pytest.raises(CannotResend, match="ZeroDivisionError"):
            mend(message)
    mend(message)
    send_all(account)
    message = again(message)
    assert message.state == State.SENT and order.number in message.subject
    arrived = [received.rcpt_to for received in server.store.received]
    assert sorted(arrived) == sorted([(order.customer.email,), (shop.contact_email,)])
    signals.order_placed.send(Order, order=order)
    assert MailMessage.objects.filter(message_type="order.placed").count() == 1


@pytest.mark.parametrize(
    ("decided", "why_not"),
    [
        ({"is_on": False}, "switched off"),
        ({"conditions": [Rule(Then.SEND, "payment_state", "", "paid").stored()]}, "conditions"),
    ],
)
def test_what_the_shop_does_not_want_any_more_stays_held_and_says_why(
    shop: Shop, decided: dict[str, Any], why_not: str
) -> None:
    _order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    row = TemplateAssignment.objects.create(shop=shop, message_type="order.placed", **decided)
    with pytest.raises(CannotResend, match=why_not):
        mend(message)
    assert (again(message).state, again(message).reason) == (State.HELD, Reason.TEMPLATE)
    row.delete()
    assert mend(message) == 1, "it leaves once the shop wants it again"


def test_conditions_on_a_change_are_asked_with_the_change_that_was_told(shop: Shop) -> None:
    rule = Rule(Then.SEND, "payment_state", "unpaid", "paid")
    TemplateAssignment.objects.create(
        shop=shop, message_type="order.paid", conditions=[rule.stored()]
    )
    template = factories.make_template(shop, "order.paid", subject="{{ order.nummer }}")
    factories.place_order(shop).mark_paid()
    factories.new_version(template, subject="Dziękujemy")
    assert mend(MailMessage.objects.get(message_type="order.paid")) == 1


def test_a_value_that_its_type_has_got_since_is_there_and_empty(shop: Shop) -> None:
    values = {"code": "own.points", "name": "Points", "section": "orders", "to": "buyer"}
    row = OwnMessageType.objects.create(shop=shop, **values)
    factories.make_template(shop, row.code, subject="Punkty: {{ points }}")
    order = factories.place_order(shop)
    message = composer.send_for_order(row.code, order, composer.Cause("points:1"))
    assert message is not None and message.state == State.HELD
    field = {"name": "points", "label": "Points", "kind": "text", "sample": "7"}
    row.fields = [field | {"may_be_empty": True, "must_appear": False}]
    row.save()
    assert mend(message) == 1
    assert again(message).subject == "Punkty:"


def unread_order(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> tuple[Order, MailMessage]:
    with monkeypatch.context() as broken:
        broken.setattr(composer, "full_context", lambda *args: 1 / 0)
        order = factories.place_order(shop)
    return order, MailMessage.objects.get(order_number=order.number)


def test_one_that_is_made_anew_waits_as_long_as_its_type_and_so_does_its_copy(
    shop: Shop, account: SenderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    TemplateAssignment.objects.create(
        shop=shop, message_type="order.placed", delay_minutes=600, copy_to_owner=True
    )
    _order, message = unread_order(shop, monkeypatch)
    stored = message.deliveries.get().due_at
    assert mend(message) == 2
    for delivery in message.deliveries.all():
        assert delivery.due_at == stored + timedelta(hours=10)
        assert delivery.expires_at >= delivery.due_at + timedelta(hours=48)


def test_one_that_is_made_anew_is_looked_at_once_more_when_its_time_has_come(
    shop: Shop, account: SenderAccount, server: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_cancelled = Rule(Then.NOTHING, "state", "", "cancelled")
    TemplateAssignment.objects.create(
        shop=shop,
        message_type="order.placed",
        delay_minutes=600,
        conditions=[never_cancelled.stored()],
    )
    order, message = unread_order(shop, monkeypatch)
    assert mend(message) == 1
    order.change_state("state", "cancelled")
    Delivery.objects.filter(message=message).update(due_at=message.created_at)
    send_all(account)
    message = again(message)
    assert (message.state, message.reason) == (State.CANCELLED, Reason.CONDITION)
    assert not server.store.received


def test_what_staff_typed_is_kept_although_the_order_could_not_be_read(
    shop: Shop, account: SenderAccount, server: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = factories.place_order(shop)
    with monkeypatch.context() as broken:
        broken.setattr(composer, "full_context", lambda *args: 1 / 0)
        order.write_note("Rama jest gotowa.", occurrence="1")
    message = MailMessage.objects.get(message_type="note")
    mend(message)
    send_all(account)
    assert "Rama jest gotowa." in again(message).body.text


def test_what_is_for_staff_never_goes_to_the_customer(
    shop: Shop, account: SenderAccount, server: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = factories.place_order(shop)
    TemplateAssignment.objects.create(shop=shop, message_type="staff.new_order", is_on=True)
    factories.make_template(shop, "staff.new_order", subject="Nowe zamówienie")
    with monkeypatch.context() as broken:
        broken.setattr(composer, "full_context", lambda *args: 1 / 0)
        composer.send_for_order("staff.new_order", order, composer.Cause("order:1/again"))
    message = MailMessage.objects.get(message_type="staff.new_order")
    assert (message.reason, message.to_text) == (Reason.TEMPLATE, shop.contact_email)
    mend(message)
    send_all(account)
    arrived = {received.rcpt_to for received in server.store.received}
    assert arrived == {(order.customer.email,), (shop.contact_email,)}
    assert again(message).state == State.SENT


def test_what_is_no_order_must_be_raised_again(shop: Shop) -> None:
    template = factories.make_template(
        shop, "customer.password_reset", subject="{{ nic }}", text="{{ link }}"
    )
    facts = {
        "to": "anna@klient.example",
        "link": "https://rowerownia.example/x",
        "occurrence": "reset:1",
        "language": "pl",
    }
    signals.password_reset_requested.send(Shop, shop=shop, **facts)
    message = MailMessage.objects.get()
    assert (message.state, message.reason) == (State.HELD, Reason.TEMPLATE)
    factories.new_version(template, subject="Hasło")
    with pytest.raises(CannotResend, match="must raise it again"):
        mend(message)
    assert again(message).detail == message.detail, "the first mistake stays to be read"


def test_a_type_that_is_gone_cannot_be_mended(shop: Shop) -> None:
    _order, message, _template = failed_order(shop)
    MailMessage.objects.update(message_type="own.gone")
    with pytest.raises(CannotResend, match="do not exist any more"):
        mend(message)


def test_without_an_account_it_stays_and_takes_no_key(shop: Shop) -> None:
    SenderAccount.objects.filter(shop=shop).delete()
    _order, message, template = failed_order(shop)
    factories.new_version(template, subject="Dziękujemy")
    with pytest.raises(CannotResend, match="no account"):
        mend(message)
    assert again(message).reason == Reason.TEMPLATE and not SentKey.objects.exists()


@pytest.mark.promise("S4.21")
def test_notify_tells_its_caller_and_stores_nothing(shop: Shop) -> None:
    factories.make_template(shop, "customer.password_reset", subject="{{ nic }}", text="{{ link }}")
    with pytest.raises(TemplateError, match="nic"):
        notify("customer.password_reset", shop=shop, to="anna@klient.example", language="pl")
    assert not MailMessage.objects.exists()


@pytest.mark.promise("S4.33")
@pytest.mark.parametrize(
    ("written", "compiled", "told"),
    [
        ("<p>\n<b>\n{{ order.nummer }}", "<p> <b> {{ order.nummer }}", "html, line 3: "),
        # What fails only in the frame around it, or together with it, has no line of its own.
        ("<p>\nDziękujemy", "<p>{{ order.nummer }}</p><p> Dziękujemy", "html: "),
    ],
)
def test_a_failure_names_the_line_that_was_written_and_not_that_of_the_compiled_page(
    shop: Shop, account: SenderAccount, owner: User, written: str, compiled: str, told: str
) -> None:
    words = {"html_source": written, "html": compiled, "text": "Dziękujemy"}
    _order, message, _template = failed_order(shop, **words)
    send_all(account)
    failed = again(message)
    assert (failed.state, failed.reason) == (State.HELD, Reason.TEMPLATE)
    assert failed.detail.startswith(told) and "nummer" in failed.detail
    with pytest.raises(CannotResend, match=f"cannot be made: {told}"):
        mend(failed, owner)
