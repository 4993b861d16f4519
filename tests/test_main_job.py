"""From an order to what arrives at a mail server: who gets it, from whom, and who does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from django.test import Client
from django.urls import reverse

from demo.sink import Sink
from demo.sink_store import Received
from mailaccounts.models import SenderAccount
from maillog.models import MailMessage
from maillog.session import Session
from maillog.states import Reason, State
from shops import signals
from shops.models import Order, Shop
from templates_tx.models import TemplateAssignment
from tests import factories, smtp

pytestmark = pytest.mark.django_db(transaction=True)

BUYER = "anna@klient.example"
STAFF = "biuro@rowerownia.example"
TRACKING = "https://inpost.example/6842"


@pytest.fixture
def server() -> Iterator[Sink]:
    with smtp.sink() as running:
        yield running


@pytest.fixture
def account(shop: Shop, server: Sink) -> SenderAccount:
    """The shop's main account, which leads to the server."""
    return factories.make_account(shop, port=server.port)


def place(shop: Shop) -> Order:
    return factories.place_order(shop, factories.make_customer(shop, email=BUYER))


def send(*accounts: SenderAccount) -> None:
    for account in accounts:
        Session(account, "tests:1", threading.Event()).run()


def arrived(server: Sink, address: str) -> list[Received]:
    return [each for each in server.store.received if each.rcpt_to == (address,)]


def parsed(received: Received) -> EmailMessage:
    found = message_from_bytes(received.content, policy=default)
    assert isinstance(found, EmailMessage)
    return found


def words(received: Received) -> str:
    body = parsed(received).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def without_own_headers(received: Received) -> bytes:
    """The message without the line that names its delivery."""
    lines = received.content.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(b"X-Postroom-Delivery"))


@pytest.mark.promise("S0.5")
def test_a_new_order_in_a_new_shop_writes_to_the_customer_and_to_nobody_else(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    place(shop)
    send(account)
    assert [each.rcpt_to for each in server.store.received] == [(BUYER,)]
    assert MailMessage.objects.get().deliveries.count() == 1


@pytest.mark.promise("S0.5", "S2.4", "S0.32")
def test_one_switch_sends_the_owner_the_very_message_that_the_customer_gets(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", copy_to_owner=True)
    place(shop)
    send(account)
    [to_customer], [to_owner] = arrived(server, BUYER), arrived(server, shop.contact_email)
    assert without_own_headers(to_owner) == without_own_headers(to_customer)
    assert parsed(to_owner)["To"].addresses[0].addr_spec == BUYER


@pytest.mark.promise("S0.20", "S0.30", "S0.32")
def test_an_accounts_copy_is_made_of_all_its_mail_and_of_no_other_accounts(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    copying = factories.make_account(shop, port=server.port, copy_to=STAFF, label="Kopia")
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", account=copying)
    TemplateAssignment.objects.create(shop=shop, message_type="note", account=copying)
    order = place(shop)
    order.write_note("Rama jest gotowa.", occurrence="1")
    order.ship(TRACKING)
    for _each in range(3):  # one after the other: they are about one order
        send(account, copying)
    assert len(arrived(server, BUYER)) == 3
    copies = {without_own_headers(each) for each in arrived(server, STAFF)}
    originals = {without_own_headers(each) for each in arrived(server, BUYER)}
    assert len(copies) == 2 and copies < originals
    assert not any(TRACKING in words(each) for each in arrived(server, STAFF))


@pytest.mark.promise("S0.20")
def test_a_message_with_a_sign_in_link_is_not_copied_and_the_log_notes_it(
    shop: Shop, server: Sink
) -> None:
    account = factories.make_account(shop, port=server.port, copy_to=STAFF)
    signals.password_reset_requested.send(
        None, shop=shop, to=BUYER, link="https://rowerownia.example/haslo/x", occurrence="reset:1"
    )
    send(account)
    assert len(arrived(server, BUYER)) == 1
    assert arrived(server, STAFF) == []
    assert MailMessage.objects.get().notes == ["copy_withheld"]


@pytest.mark.promise("S0.31")
def test_each_message_leaves_from_the_account_that_is_chosen_for_it(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    other = factories.make_account(
        shop, port=server.port, from_address="wysylka@rowerownia.example", from_name="Wysyłka"
    )
    TemplateAssignment.objects.create(shop=shop, message_type="order.shipped", account=other)
    place(shop).ship(TRACKING)
    send(account, other)
    senders = {parsed(each)["From"].addresses[0].addr_spec: each for each in server.store.received}
    assert set(senders) == {account.from_address, other.from_address}
    assert TRACKING not in words(senders[account.from_address])
    assert TRACKING in words(senders[other.from_address])
    assert senders[other.from_address].mail_from == other.from_address


@pytest.mark.promise("S0.29")
def test_two_accounts_may_send_under_one_address(shop: Shop, account: SenderAccount) -> None:
    twin = factories.make_account(shop, from_address=account.from_address, label="Z kopią")
    assert not twin.is_main
    assert SenderAccount.objects.filter(from_address=account.from_address).count() == 2


@pytest.mark.promise("S0.37")
def test_a_message_that_is_switched_off_leaves_a_row_that_the_log_shows_when_asked(
    shop: Shop, account: SenderAccount, server: Sink, owner_client: Client
) -> None:
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", is_on=False)
    place(shop)
    send(account)
    message = MailMessage.objects.get()
    assert (message.state, message.reason) == (State.NOT_SENT, Reason.OFF)
    assert server.store.received == []
    log = reverse("maillog:log", args=[shop.slug])
    assert BUYER not in owner_client.get(log).content.decode()
    page = owner_client.get(log, {"state": "not_sent"}).content.decode()
    assert BUYER in page and "This message is switched off" in page


@pytest.mark.promise("S3.15")
def test_a_paid_order_is_thanked_for_only_where_the_shop_asked_for_it_and_only_when_paid(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    place(shop).mark_paid()
    send(account)
    assert len(arrived(server, BUYER)) == 1
    TemplateAssignment.objects.create(shop=shop, message_type="order.paid", is_on=True)
    unpaid = factories.place_order(shop)
    send(account)
    assert {each.message_type for each in MailMessage.objects.filter(state=State.SENT)} == {
        "order.placed"
    }
    unpaid.mark_paid()
    send(account)
    assert MailMessage.objects.filter(message_type="order.paid", state=State.SENT).count() == 1


@pytest.mark.promise("S3.1", "S3.20")
def test_the_tracking_link_makes_the_shipping_message_leave_with_the_link_in_it(
    shop: Shop, account: SenderAccount, server: Sink
) -> None:
    order = place(shop)
    send(account)
    order.ship(TRACKING)
    send(account)
    confirmation, shipping = arrived(server, BUYER)
    assert TRACKING in words(shipping) and TRACKING not in words(confirmation)
