"""What is said when something happens in a shop, to whom, and how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from maillog.loading import render_missing
from maillog.models import MailMessage
from maillog.states import Reason, Role, State
from shops import signals
from shops.facts import OrderFacts
from shops.models import Order, Shop
from shops.previews import Deed
from templates_tx import message_types
from templates_tx.message_types import Audience
from templates_tx.models import TemplateAssignment
from templates_tx.notify import notify
from templates_tx.preview import preview
from templates_tx.receivers import SAYS_WHEN
from tests import factories

pytestmark = pytest.mark.django_db


def switch_on(shop: Shop, *codes: str, **values: Any) -> None:
    for code in codes:
        TemplateAssignment.objects.create(shop=shop, message_type=code, **values)


def told(order: Order, code: str) -> list[MailMessage]:
    return list(MailMessage.objects.filter(order_number=order.number, message_type=code))


def unreadable(order: Order) -> OrderFacts:
    raise ValueError("the order cannot be read")


@pytest.mark.parametrize(("field", "after"), SAYS_WHEN)
def test_an_order_that_cannot_be_read_changes_its_state_all_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, field: str, after: str
) -> None:
    order = factories.place_order(shop)
    monkeypatch.setattr(Order, "facts", unreadable)
    order.change_state(field, after)
    assert getattr(Order.objects.get(pk=order.pk), field) == after
    [message] = told(order, SAYS_WHEN[field, after])
    assert (message.state, message.reason) == (State.HELD, Reason.TEMPLATE)
    assert message.detail == "the order cannot be read"


@pytest.mark.promise("S0.33")
@pytest.mark.parametrize(("field", "after"), SAYS_WHEN)
def test_a_state_that_is_switched_on_is_told_once(shop: Shop, field: str, after: str) -> None:
    code = SAYS_WHEN[field, after]
    factories.make_account(shop)
    switch_on(shop, code)
    order = factories.place_order(shop)
    order.change_state(field, after)
    order.change_state(
        field, {"state": "accepted"}.get(field, "pending" if "pay" in field else "none")
    )
    order.change_state(field, after)
    [message] = told(order, code)
    assert message.state == State.QUEUED and message.to_text == order.email
    assert message.subject
    assert render_missing([message]) == {}
    assert order.number in message.body.text


def test_a_state_that_is_switched_off_is_only_logged(shop: Shop) -> None:
    order = factories.place_order(shop)
    order.change_state("state", "cancelled")
    [message] = told(order, "order.cancelled")
    assert (message.state, message.reason) == (State.NOT_SENT, Reason.OFF)


def test_a_state_that_means_nothing_writes_nothing(shop: Shop) -> None:
    order = factories.place_order(shop)
    before = MailMessage.objects.count()
    order.change_state("state", "accepted")
    assert MailMessage.objects.count() == before


def test_a_refund_names_what_was_paid(shop: Shop) -> None:
    factories.make_account(shop)
    switch_on(shop, "refund.paid")
    order = factories.place_order(shop, payment_method="BLIK")
    order.change_state("payment_state", "refunded")
    [message] = told(order, "refund.paid")
    assert message.context["refund"] == {"amount": "319.00", "method": "BLIK", "expected_on": ""}


def test_a_link_that_replaces_another_has_a_message_of_its_own(shop: Shop) -> None:
    factories.make_account(shop)
    order = factories.place_order(shop)
    order.ship("https://inpost.example/1", "1")
    assert order.ship("https://inpost.example/2", "2", replaces=True)
    assert len(told(order, "order.shipped")) == 1
    [message] = told(order, "order.tracking_changed")
    assert message.context["order"]["tracking_url"] == "https://inpost.example/2"
    assert not order.ship("https://inpost.example/2", "2", replaces=True)


@pytest.mark.parametrize(
    "parcels",
    [
        pytest.param([("1", "N"), ("2", "N"), ("3", "N")], id="one parcel, corrected twice"),
        pytest.param([("1", "1"), ("2", "2"), ("1", "1"), ("2", "2")], id="there and back"),
    ],
)
def test_every_correction_of_a_link_is_told_and_a_double_click_is_not(
    shop: Shop, parcels: list[tuple[str, str]]
) -> None:
    factories.make_account(shop)
    order = factories.place_order(shop)
    [first, *corrections] = [(f"https://inpost.example/{link}", number) for link, number in parcels]
    order.ship(*first)
    for link, number in corrections:
        [would] = preview(Deed.TRACKING, order, number)
        assert would.sends
        assert order.ship(link, number, replaces=True)
        assert not order.ship(link, number, replaces=True)
    links = [m.context["order"]["tracking_url"] for m in told(order, "order.tracking_changed")]
    assert sorted(links) == sorted(link for link, _number in corrections)


def test_a_correction_that_is_announced_again_is_told_once(shop: Shop) -> None:
    factories.make_account(shop)
    order = factories.place_order(shop)
    for _time in range(2):
        signals.tracking_changed.send(Order, order=order, parcel="1", occurrence="a1")
    assert len(told(order, "order.tracking_changed")) == 1


def test_the_first_link_replaces_nothing(shop: Shop) -> None:
    factories.make_account(shop)
    order = factories.place_order(shop)
    order.ship("https://inpost.example/1", "1", replaces=True)
    assert len(told(order, "order.shipped")) == 1
    assert told(order, "order.tracking_changed") == []


# For the shop's own people


@pytest.mark.promise("S0.5")
def test_staff_hear_of_a_new_order_only_where_it_is_switched_on(shop: Shop) -> None:
    factories.make_account(shop)
    quiet = factories.place_order(shop)
    assert told(quiet, "staff.new_order") == []
    switch_on(shop, "staff.new_order")
    order = factories.place_order(shop)
    signals.order_placed.send(Order, order=order)
    [message] = told(order, "staff.new_order")
    assert message.to_text == shop.contact_email
    assert message.reply_to == order.email
    assert len(told(order, "order.placed")) == 1


def read_in_vain(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Order:
    monkeypatch.setattr(Order, "facts", unreadable)
    return factories.place_order(shop)


def conditions_in_vain(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Order:
    switch_on(
        shop, "order.placed", conditions=[{"then": "send", "field": "state", "after": "gone"}]
    )
    return factories.place_order(shop)


@pytest.mark.promise("S0.5")
@pytest.mark.parametrize("place", [read_in_vain, conditions_in_vain])
@pytest.mark.parametrize("is_on", [True, False])
def test_staff_hear_of_an_order_whose_confirmation_failed_early_where_they_want_to(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    place: Callable[[Shop, pytest.MonkeyPatch], Order],
    is_on: bool,
) -> None:
    factories.make_account(shop)
    switch_on(shop, "staff.new_order", is_on=is_on)
    order = place(shop, monkeypatch)
    assert told(order, "order.placed")[0].state == State.HELD
    states = [message.state for message in told(order, "staff.new_order")]
    wanted = State.HELD if place is read_in_vain else State.QUEUED
    assert states == ([wanted] if is_on else [])


def test_staff_read_their_own_language_and_the_customer_hers(shop: Shop) -> None:
    factories.make_account(shop)
    switch_on(shop, "staff.new_order")
    customer = factories.make_customer(shop, language="en")
    order = factories.place_order(shop, customer)
    assert told(order, "staff.new_order")[0].language == "pl"
    assert told(order, "order.placed")[0].language == "en"


def test_a_broken_message_for_staff_never_costs_the_customer_hers(shop: Shop) -> None:
    factories.make_account(shop)
    shop.contact_email = ""
    shop.save()
    switch_on(shop, "staff.new_order")
    order = factories.place_order(shop)
    assert told(order, "order.placed")[0].state == State.QUEUED
    assert told(order, "staff.new_order")[0].reason == Reason.NO_ADDRESS


def only_recipient(message: MailMessage | None) -> tuple[str, str]:
    assert message is not None
    [delivery] = message.deliveries.all()
    return delivery.role, delivery.address


def sample(code: str) -> dict[str, Any]:
    """The type's own values, as a shop's software hands them in."""
    message_type = message_types.get(code)
    ours = {"shop", "locale", "currency", "time_zone"}
    if message_type.audience == Audience.CUSTOMER:
        ours.add("customer")
    context = message_type.contract.sample("pl")
    return {name: value for name, value in context.items() if name not in ours}


@pytest.mark.promise("S2.3")
def test_the_contact_form_writes_to_the_owner_and_answers_reach_the_shopper(shop: Shop) -> None:
    factories.make_account(shop, reply_to="nikt@rowerownia.example")
    context = sample("contact.form")
    message = notify("contact.form", shop=shop, context=context)
    assert only_recipient(message) == (Role.MAIN, shop.contact_email)
    assert message is not None and message.reply_to == context["sender"]["email"]
    assert render_missing([message]) == {}
    assert "58 cm" in message.body.text and "58 cm" in message.body.html


@pytest.mark.parametrize("address", ["", "not an address", "a@b.example\r\nBcc: x@y.example", 7])
def test_a_shopper_without_a_usable_address_leaves_the_accounts_reply_to(
    shop: Shop, address: Any
) -> None:
    factories.make_account(shop, reply_to="biuro@rowerownia.example")
    context = sample("contact.form")
    context["sender"]["email"] = address
    message = notify("contact.form", shop=shop, context=context)
    assert message is not None and message.reply_to == "biuro@rowerownia.example"


@pytest.mark.promise("S2.5")
def test_a_company_that_registers_is_put_before_the_owner_and_nobody_else(shop: Shop) -> None:
    factories.make_account(shop)
    context = sample("business.requested")
    message = notify("business.requested", shop=shop, to="biuro@firma.example", context=context)
    assert only_recipient(message) == (Role.MAIN, shop.contact_email)
    assert message is not None and message.reply_to == context["company"]["email"]
    render_missing([message])
    assert context["company"]["name"] in message.body.text


@pytest.mark.promise("S2.6")
def test_the_company_hears_of_its_approval_without_a_password(shop: Shop) -> None:
    factories.make_account(shop)
    message = notify(
        "business.approved",
        shop=shop,
        to="biuro@firma.example",
        context={**sample("business.approved"), "password": "tajne-haslo"},
    )
    assert only_recipient(message) == (Role.MAIN, "biuro@firma.example")
    assert message is not None
    render_missing([message])
    assert "tajne-haslo" not in message.body.text + message.body.html + message.subject


@pytest.mark.promise("S3.15")
@pytest.mark.parametrize("code", ["booking.confirmed", "customer.registered"])
def test_bookings_and_registrations_have_messages_of_their_own(shop: Shop, code: str) -> None:
    factories.make_account(shop)
    message = notify(code, shop=shop, to="anna@klient.example", context=sample(code))
    assert message is not None and message.state == State.QUEUED
    assert render_missing([message]) == {}


@pytest.mark.promise("S4.6")
@pytest.mark.parametrize(
    "code", [each.code for each in message_types.all_types() if not each.is_handed_in]
)
def test_every_type_can_be_sent_and_carries_no_unsubscribe_header(shop: Shop, code: str) -> None:
    factories.make_account(shop)
    switch_on(shop, code)
    message_type = message_types.get(code)
    message = notify(code, shop=shop, to="anna@klient.example", context=sample(code))
    assert message is not None and message.state == State.QUEUED, message and message.detail
    to_staff = message_type.audience == Audience.STAFF
    assert message.to_text == (shop.contact_email if to_staff else "anna@klient.example")
    assert not any(name.lower().startswith("list-") for name, _value in message.headers)
    assert render_missing([message]) == {}
    assert "unsubscribe" not in (message.body.html + message.body.text).lower()


def test_optional_values_that_nobody_hands_in_are_there_and_empty(shop: Shop) -> None:
    factories.make_account(shop)
    order = factories.place_order(shop)
    switch_on(shop, "payment.failed", "return.received")
    order.change_state("payment_state", "failed")
    assert told(order, "payment.failed")[0].context["payment_url"] == ""
    given = {"product": {"name": "Kask", "url": "https://rowerownia.example/kask"}}
    message = notify("stock.back", shop=shop, to="a@klient.example", context=given)
    assert message is not None and message.context is not None
    blanks = {"variant": "", "price": "", "image_url": ""}
    assert message.context["product"] == {**blanks, **given["product"]}
    assert "order" not in message.context


def test_a_program_cannot_take_the_place_of_the_shop(shop: Shop) -> None:
    factories.make_account(shop)
    switch_on(shop, "customer.registered", notes={"pl": "Do zobaczenia!"})
    context = {"shop": "Inny sklep", "login_url": ""}
    message = notify("customer.registered", shop=shop, to="a@klient.example", context=context)
    assert message is not None and message.context is not None
    assert message.context["shop"]["name"] == shop.name
    assert message.context["shop"]["note"] == "Do zobaczenia!"
