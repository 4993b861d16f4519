from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from shops import signals
from shops.models import Order, OrderLine, Shop
from tests import factories

LINK = "https://inpost.example/1"


@pytest.fixture
def heard():
    """What the order signals said, in order."""
    said = []

    def listen(name):
        def receiver(**kwargs):
            said.append((name, kwargs.get("parcel") or kwargs.get("after") or ""))

        return receiver

    receivers = {}
    for name in ("order_placed", "order_paid", "order_shipped", "order_changed", "note_written"):
        receivers[name] = listen(name)
        getattr(signals, name).connect(receivers[name], weak=False)
    yield said
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


def test_placing_adds_up_and_announces_once(shop, heard):
    order = Order.place(
        factories.order_draft(shop, shipping_cost=Decimal("14.90"), discount=Decimal("20")),
        factories.some_lines(),
    )
    order.refresh_from_db()
    assert order.subtotal == Decimal("319.00")
    assert order.total == Decimal("313.90")
    assert order.tax_total == Decimal("59.65")
    assert [line.position for line in order.lines.all()] == [1, 2]
    assert heard == [("order_placed", "")]


def test_an_order_that_arrives_paid_and_shipped_announces_that_too(shop, heard):
    factories.place_order(shop, payment_state="paid", tracking_url=LINK)
    assert [name for name, _ in heard] == ["order_placed", "order_paid", "order_shipped"]


def test_a_number_exists_once_in_a_shop_and_again_in_another(shop, other_shop):
    factories.place_order(shop, number="7")
    factories.place_order(other_shop, number="7")
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.place_order(shop, number="7")


def test_marking_paid_announces_one_change(shop, heard):
    order = factories.place_order(shop)
    stale = Order.objects.get(pk=order.pk)
    assert order.mark_paid() is True
    assert stale.mark_paid() is False
    assert heard[1:] == [("order_changed", "paid"), ("order_paid", "")]


@pytest.mark.parametrize("field, value", [("state", "nonsense"), ("payment_state", "shipped")])
def test_a_state_that_does_not_exist_is_refused(shop, field, value):
    order = factories.place_order(shop)
    with pytest.raises(ValueError, match=value):
        order.change_state(field, value)


def test_the_database_refuses_a_state_that_does_not_exist(shop):
    order = factories.place_order(shop)
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(state="nonsense")


def test_shipping_keeps_the_link_and_announces_the_parcel(shop, heard):
    order = factories.place_order(shop)
    assert order.ship(LINK, "620", "InPost") is True
    order.refresh_from_db()
    assert (order.tracking_url, order.delivery_state) == (LINK, "shipped")
    assert heard[1:] == [("order_changed", "shipped"), ("order_shipped", "620")]


def test_a_parcel_without_a_number_is_named_by_its_link(shop, heard):
    factories.place_order(shop).ship(LINK)
    assert heard[-1] == ("order_shipped", LINK)


def test_the_same_link_is_announced_once_but_its_number_is_corrected(shop, heard):
    order = factories.place_order(shop)
    order.ship(LINK, "62")
    assert order.ship(LINK, "620", "InPost") is False
    order.refresh_from_db()
    assert (order.tracking_number, order.carrier) == ("620", "InPost")
    assert sum(name == "order_shipped" for name, _ in heard) == 1
    assert "620" in order.search


@pytest.mark.parametrize(
    "link", ["", "x", "ftp://x.example/", "javascript:alert(1)", "//x.example"]
)
def test_a_link_that_is_not_http_is_refused_and_nothing_is_kept(shop, heard, link):
    order = factories.place_order(shop)
    with pytest.raises(ValidationError) as refusal:
        order.ship(link)
    assert list(refusal.value.message_dict) == ["tracking_url"]
    order.refresh_from_db()
    assert order.delivery_state == "none"
    assert len(heard) == 1


def test_a_change_that_is_rolled_back_is_not_kept(shop):
    order = factories.place_order(shop)

    class Stop(Exception):
        pass

    def broken(**kwargs):
        raise Stop

    signals.order_shipped.connect(broken)
    try:
        with pytest.raises(Stop):
            order.ship(LINK)
    finally:
        signals.order_shipped.disconnect(broken)
    order.refresh_from_db()
    assert (order.tracking_url, order.delivery_state) == ("", "none")


def test_payer_and_recipient_are_the_buyer_where_nobody_else_is_named(shop):
    customer = factories.make_customer(shop, first_name="Anna", last_name="Nowak")
    order = factories.place_order(shop, customer)
    assert order.payer().name == order.recipient().name == "Anna Nowak"
    assert order.payer().email == customer.email
    order.payer_name, order.payer_email = "Firma", "f@firma.example"
    order.recipient_name = "Jan Kot"
    assert (order.payer().name, order.payer().email) == ("Firma", "f@firma.example")
    assert (order.recipient().name, order.recipient().email) == ("Jan Kot", customer.email)


def test_the_facts_say_what_the_order_says(shop):
    facts = factories.place_order(shop, language="").facts()
    assert facts.language == "pl"
    assert [line.name for line in facts.lines][0] == "Kask Giro Register MIPS"
    assert facts.total == Decimal("319.00")
    assert facts.lines[1].total == Decimal("50.00")


def test_a_line_total_is_rounded_to_cents():
    line = OrderLine(name="Lina", quantity=Decimal("0.333"), unit_price=Decimal("9.99"))
    assert line.total == Decimal("3.33")


def test_while_it_is_announced_an_order_knows_its_lines_without_asking(
    shop: Shop, django_assert_num_queries: Any
) -> None:
    seen: list[int] = []

    def listen(order: Order, **kwargs: Any) -> None:
        with django_assert_num_queries(0):
            seen.append(len(order.facts().lines))

    signals.order_placed.connect(listen)
    try:
        order = factories.place_order(shop)
    finally:
        signals.order_placed.disconnect(listen)
    assert seen == [order.lines.count()] != [0]
    order.lines.all().delete()
    assert order.facts().lines == ()


@pytest.mark.parametrize(
    ("given", "kept"), [(2, "2.000"), (Decimal("0.3335"), "0.334"), (1.5, "1.500"), ("3", "3.000")]
)
def test_those_who_are_told_see_quantities_as_they_are_kept(
    shop: Shop, given: Any, kept: str
) -> None:
    seen: list[str] = []

    def listen(order: Order, **kwargs: Any) -> None:
        seen.extend(str(line.quantity) for line in order.facts().lines)

    customer = factories.make_customer(shop)
    signals.order_placed.connect(listen)
    try:
        line = OrderLine(name="Dzwonek", quantity=given, unit_price=10)
        order = Order.place(Order(shop=shop, number="77", customer=customer), [line])
    finally:
        signals.order_placed.disconnect(listen)
    assert order.lines.get().quantity == Decimal(kept)
    assert [Decimal(each) for each in seen] == [Decimal(kept)]
    assert not order.shop.mail_messages.filter(state="held").exists()
