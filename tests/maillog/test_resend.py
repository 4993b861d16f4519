"""What staff do with a message afterwards: send again, try again, stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog import claims
from maillog.mime import Attachment
from maillog.models import Delivery, MailMessage, MessageBody
from maillog.moves import roll_up
from maillog.outbox import Recipient
from maillog.registry import channels
from maillog.requeue import CannotResend
from maillog.resend import cancel, obstacle, send_again, try_again
from maillog.session import Session
from maillog.states import Reason, Role, State
from shops.models import AuditEntry, Shop
from tests import factories
from tests.maillog.logged import end, logged
from tests.smtp import sink

pytestmark = pytest.mark.django_db


def bytes_of(message: MailMessage) -> bytes:
    delivery = Delivery.objects.select_related("message__body").filter(message=message).first()
    assert delivery is not None
    return channels["email"].build(delivery).content


def test_the_same_words_leave_in_a_new_message(shop: Shop, owner):
    files = (Attachment("faktura.pdf", "application/pdf", b"%PDF"),)
    first = end(logged(shop, attachments=files, order_number="7"), State.SENT, "sent")
    again = send_again(first, by=owner)
    assert again.pk != first.pk and again.message_id != first.message_id
    assert (again.subject, again.order_number, again.to_text) == (
        first.subject,
        "7",
        first.to_text,
    )
    assert (again.body.html, again.body.text) == (first.body.html, first.body.text)
    assert again.attachments.get().file == first.attachments.get().file
    assert again.resend_of == first and again.state == State.QUEUED


def test_only_message_id_and_date_differ_on_the_wire(shop: Shop):
    first = end(logged(shop), State.SENT, "sent")
    again = send_again(first)
    own = (b"Message-ID:", b"Date:", b"X-Postroom-Delivery:")

    def rest(message: MailMessage) -> list[bytes]:
        body = bytes_of(message).replace(b"\r\n ", b" ")
        lines = [line for line in body.split(b"\r\n") if not line.startswith(own)]
        # The boundary is made of the Message-ID.
        return [line for line in lines if b"=_" not in line]

    assert rest(first) == rest(again)


def test_it_may_go_to_another_address(shop: Shop):
    first = logged(shop, recipients=(Recipient("a@x.example"), Recipient("b@x.example")))
    again = send_again(end(first, State.FAILED, "recipient"), to="c@x.example")
    assert [each.address for each in again.deliveries.all()] == ["c@x.example"]
    assert again.addressing == {"main": [["", "c@x.example"]], "cc": []}


def test_it_goes_to_all_recipients_in_their_roles_with_their_names(shop: Shop):
    everyone = (
        Recipient("a@x.example", "Anna"),
        Recipient("b@x.example", "Ewa", Role.CC),
        Recipient("c@x.example", role=Role.BCC),
    )
    again = send_again(end(logged(shop, recipients=everyone), State.SENT, "sent"))
    assert {(each.address, each.role) for each in again.deliveries.all()} == {
        ("a@x.example", "main"),
        ("b@x.example", "cc"),
        ("c@x.example", "bcc"),
    }
    assert again.addressing["main"] == [["Anna", "a@x.example"]]
    assert again.addressing["cc"] == [["Ewa", "b@x.example"]]


@pytest.mark.parametrize("own", [False, True])
def test_a_double_click_sends_once(shop: Shop, own: bool):
    first = end(logged(None if own else shop, account=shop.sender_accounts.get()), "sent", "sent")
    token = uuid4().hex
    assert send_again(first, token=token) == send_again(first, token=token)
    assert first.resends.count() == 1
    assert AuditEntry.objects.filter(action="message.sent_again").count() == 1
    send_again(first, token=uuid4().hex)
    assert first.resends.count() == 2


def test_a_personal_link_is_never_sent_again(shop: Shop):
    message = end(logged(shop, sensitive=True), State.SENT, "sent")
    with pytest.raises(CannotResend, match="personal link"):
        send_again(message)
    assert obstacle(message)


def test_what_has_no_text_cannot_be_sent(shop: Shop):
    message = logged(shop, body=None, born=State.NOT_SENT, reason=Reason.OFF)
    with pytest.raises(CannotResend, match="no text"):
        send_again(message)


def test_what_was_not_rendered_yet_is_rendered_from_the_same_snapshot(shop: Shop):
    message = logged(shop, body=None, context={"x": 1}, template_version=7)
    again = send_again(message)
    assert (again.context, again.template_version) == ({"x": 1}, 7)


def test_a_switched_off_account_is_replaced_by_the_main_one(shop: Shop):
    own = factories.make_account(shop)
    second = factories.make_account(shop, from_address="serwis@rowerownia.example")
    message = end(logged(shop, account=second), State.SENT, "sent")
    second.switch_off()
    assert send_again(MailMessage.objects.get(pk=message.pk)).account == own


@pytest.mark.parametrize("state", [State.FAILED, State.HELD, State.EXPIRED, State.UNKNOWN])
def test_trying_again_puts_what_did_not_arrive_back_into_the_queue(shop: Shop, state: State):
    message = logged(shop)
    if state == State.EXPIRED:
        Delivery.objects.update(state=State.EXPIRED, ended_at=timezone.now())
    elif state == State.HELD:
        Delivery.objects.update(state=State.HELD, reason=Reason.POISON)
    else:
        end(message, state, "unknown")
    MailMessage.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    message.refresh_from_db()
    assert try_again(message) == 1
    delivery = message.deliveries.get()
    message.refresh_from_db()
    assert (delivery.state, delivery.reason, delivery.ended_at) == (State.QUEUED, "", None)
    assert message.state == State.QUEUED and message.expires_at > timezone.now()
    assert delivery.expires_at == message.expires_at


@pytest.mark.parametrize("state", [State.SENT, State.CANCELLED])
def test_what_has_arrived_or_was_stopped_is_not_tried_again(shop: Shop, state: State):
    message = end(logged(shop), state)
    assert try_again(message) == 0
    assert message.deliveries.get().state == state


def test_only_the_refused_recipients_are_tried_again(shop: Shop):
    message = logged(shop, recipients=(Recipient("a@x.example"), Recipient("b@x.example")))
    end(message, State.SENT, "sent")
    Delivery.objects.filter(address="b@x.example").update(state=State.FAILED)
    assert try_again(message) == 1
    states = dict(message.deliveries.values_list("address", "state"))
    assert states == {"a@x.example": State.SENT, "b@x.example": State.QUEUED}


@pytest.mark.parametrize(
    ("state", "repeats"),
    [(State.UNKNOWN, 1), (State.FAILED, 0), (State.HELD, 0), (State.EXPIRED, 0)],
)
def test_only_what_was_uncertain_has_used_up_its_repeat_by_trying_again(
    shop: Shop, state: State, repeats: int
):
    message = logged(shop)
    ended = {"reason": "poison"} if state == State.HELD else {}
    Delivery.objects.update(state=state, **ended)
    try_again(message)
    assert message.deliveries.get().repeats == repeats


def test_a_text_that_is_no_longer_kept_is_never_sent_as_an_empty_mail(shop: Shop):
    message = end(logged(shop, sensitive=True), State.FAILED, "recipient")
    MessageBody.objects.update(html="", text="")
    with pytest.raises(CannotResend, match="no text"):
        try_again(message)
    assert message.deliveries.get().state == State.FAILED


def test_approving_lets_a_held_message_of_test_mode_leave(shop: Shop):
    factories.make_account(shop)
    Shop.objects.filter(pk=shop.pk).update(test_mode="hold")
    shop.refresh_from_db()
    message = logged(shop)
    assert (message.state, message.reason) == (State.HELD, Reason.APPROVAL)
    try_again(message)
    message.refresh_from_db()
    assert "approved" in message.notes and message.state == State.QUEUED


def test_a_message_held_for_want_of_an_account_leaves_from_the_new_one(shop: Shop):
    SenderAccount.objects.filter(shop=shop).delete()
    message = logged(shop, account=None)
    with pytest.raises(CannotResend, match="no account"):
        try_again(message)
    assert MailMessage.objects.get().state == State.HELD
    account = factories.make_account(shop)
    try_again(message)
    message.refresh_from_db()
    assert (message.account, message.from_address) == (account, account.from_address)
    assert message.deliveries.get().account == account
    assert b"sklep@rowerownia.example" in bytes_of(message)


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED, State.HELD])
def test_stopping_ends_what_has_not_left(shop: Shop, owner, state: State):
    message = logged(shop)
    Delivery.objects.update(state=state, reason="poison" if state == State.HELD else "")
    assert cancel(message, by=owner) == 1
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.CANCELLED, Reason.STAFF)
    assert message.deliveries.get().ended_at is not None
    assert AuditEntry.objects.get(action="message.cancelled").user == owner


def test_stopping_asks_what_is_being_sent_right_now(shop: Shop):
    message = logged(shop)
    Delivery.objects.update(state=State.CLAIMED, lease_until=timezone.now())
    assert cancel(message) == 1
    delivery = message.deliveries.get()
    assert delivery.state == State.CLAIMED and delivery.cancel_requested


@contextmanager
def at_work(work: Callable[[], object], then: Callable[[], object]) -> Iterator[None]:
    """Another process does ``work`` and, while the caller waits for it, ``then``, and commits."""
    begun, errors = threading.Event(), []

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                begun.set()
                time.sleep(0.5)
                then()
        except OperationalError as error:
            errors.append(error)
        finally:
            begun.set()
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    yield
    thread.join()
    assert errors == []


needs_row_locks = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one lock for all"
)


@needs_row_locks
@pytest.mark.django_db(transaction=True)
def test_stopping_ends_what_is_given_back_at_this_moment() -> None:
    message = logged(factories.make_shop())
    assert message.account is not None
    rows = claims.claim(message.account, "tests:1", 1)
    with at_work(lambda: claims.release(rows, "tests:1"), lambda: None):
        assert cancel(message) == 1
    assert message.deliveries.get().state == State.CANCELLED


@needs_row_locks
@pytest.mark.django_db(transaction=True)
def test_stopping_and_an_outcome_do_not_wait_for_each_other() -> None:
    message = logged(factories.make_shop(), recipients=(Recipient("a@x.pl"), Recipient("b@x.pl")))
    sent = message.deliveries.filter(address="b@x.pl")
    sent.update(state=State.CLAIMED, lease_until=timezone.now())
    with at_work(
        lambda: sent.update(state=State.SENT, lease_until=None), lambda: roll_up([message.pk])
    ):
        assert cancel(message) == 1
    states = dict(message.deliveries.values_list("address", "state"))
    assert states == {"a@x.pl": State.CANCELLED, "b@x.pl": State.SENT}


@needs_row_locks
@pytest.mark.django_db(transaction=True)
def test_trying_again_and_a_late_outcome_do_not_wait_for_each_other() -> None:
    message = end(logged(factories.make_shop()), State.UNKNOWN, "unknown")
    rows = message.deliveries.all()
    with at_work(lambda: rows.update(state=State.SENT), lambda: roll_up([message.pk])):
        assert try_again(message) == 0
    assert message.deliveries.get().state == State.SENT


def test_it_is_too_late_to_stop_what_was_accepted(shop: Shop):
    message = end(logged(shop), State.SENT, "sent")
    assert cancel(message) == 0
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_sent_again_really_arrives() -> None:
    with sink() as server:
        account = factories.make_account(factories.make_shop(), port=server.port)
        first = end(logged(account.shop), State.SENT, "sent")
        again = send_again(first)
        Session(account, "tests:1", threading.Event()).run()
    again.refresh_from_db()
    assert again.state == State.SENT
    assert [mail.message_id for mail in server.store.received] == [again.message_id]
