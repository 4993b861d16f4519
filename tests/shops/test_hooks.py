"""Reading foreign orders. What happens when they are saved: ``tests/foreign_shop/story.py``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist

from shops import hooks
from shops.facts import Line
from shops.models import Order, Shop
from shops.order_adapter import follow

PLACED = datetime(2026, 11, 20, 10, 2, tzinfo=UTC)


class PlainLine(hooks.LineAdapter):
    name, quantity, unit_price = "title", "count", "price"


class Plain(hooks.OrderAdapter):
    shop = "rowerownia"
    placed_at = "at"
    lines, line = "items", PlainLine


def an_order(**values: Any) -> SimpleNamespace:
    items = [
        SimpleNamespace(title="Pompka", count=1, price="49.90"),
        SimpleNamespace(title="Dętka", count=3, price=19.0),
    ]
    defaults = {"number": 1042, "email": "anna@klient.example", "at": PLACED, "items": items}
    return SimpleNamespace(**{**defaults, **values})


@pytest.fixture
def rowerownia(shop: Shop) -> Shop:
    shop.slug = "rowerownia"
    shop.save()
    return shop


def adapter(**attributes: Any) -> hooks.OrderAdapter:
    special: type[Plain] = type("Special", (Plain,), attributes)
    return special()


def test_what_is_not_mapped_has_a_sensible_value(rowerownia: Shop) -> None:
    facts = Plain().read(an_order())
    assert (facts.number, facts.currency, facts.language) == ("1042", "PLN", "")
    assert (facts.placed_at, facts.imported_at) == (PLACED, PLACED)
    assert facts.total == facts.subtotal == Decimal("106.90")
    assert facts.payer.email == facts.recipient.email == facts.buyer.email
    assert (facts.state, facts.payment_state, facts.delivery_state) == ("new", "unpaid", "none")


def test_lines_are_read_with_their_own_adapter(rowerownia: Shop) -> None:
    lines = Plain().read(an_order()).lines
    assert [(line.name, line.quantity, line.total) for line in lines] == [
        ("Pompka", Decimal(1), Decimal("49.90")),
        ("Dętka", Decimal(3), Decimal("57.00")),
    ]


def test_a_method_may_give_lines_and_the_shop(rowerownia: Shop) -> None:
    gift = Line("Bon", Decimal(1), Decimal(50), Decimal(50))
    special = adapter(shop=lambda self, order: rowerownia, lines=lambda self, order: [gift])
    assert special.read(an_order()).lines == (gift,)


def test_paths_lead_through_relations_methods_and_keys() -> None:
    class Person:
        def full_name(self) -> str:
            return "Anna Nowak"

        @property
        def address(self) -> Any:
            raise ObjectDoesNotExist

    order = SimpleNamespace(who=Person(), extra={"parcel": {"link": "https://p.example"}}, no=None)
    assert follow(order, "who.full_name") == "Anna Nowak"
    assert follow(order, "extra.parcel.link") == "https://p.example"
    assert follow(order, "extra.parcel.number") is None
    assert follow(order, "who.address.city") is None
    assert follow(order, "no.way.through") is None


def test_totals_and_addresses_are_taken_over(rowerownia: Shop) -> None:
    special = adapter(
        shipping_cost="post", discount="off", recipient_name="to", recipient_address="where"
    )
    order = an_order(post=Decimal("12.00"), off="6.90", to="Jan", where="ul. Lipowa 14\n\nKraków")
    facts = special.read(order)
    assert facts.total == Decimal("112.00")
    assert facts.recipient.name == "Jan"
    assert facts.recipient.address == ("ul. Lipowa 14", "Kraków")
    assert special.read(an_order(post=0, off=0, to="", where=["A", "B"])).recipient.address == (
        "A",
        "B",
    )


@pytest.mark.parametrize(("paid", "state"), [(True, "paid"), (None, "unpaid"), (PLACED, "paid")])
def test_yes_and_no_are_enough_for_payment(rowerownia: Shop, paid: Any, state: str) -> None:
    assert adapter(is_paid="paid").read(an_order(paid=paid)).payment_state == state


def test_states_are_translated(rowerownia: Shop) -> None:
    special = adapter(
        state="status",
        states={7: "fulfilled"},
        delivery_state="sent",
        delivery_states={True: "shipped", False: "none"},
    )
    facts = special.read(an_order(status=7, sent=False))
    assert (facts.state, facts.delivery_state) == ("fulfilled", "none")


def test_an_order_with_a_tracking_link_is_shipped(rowerownia: Shop) -> None:
    facts = adapter(tracking_url="link").read(an_order(link="https://p.example/1"))
    assert facts.delivery_state == "shipped"


@pytest.mark.parametrize(
    ("attributes", "values", "words"),
    [
        ({}, {"items": 3}, "Special.lines: leads to int, not to lines"),
        ({}, {"at": date(2026, 1, 1)}, "Special.placed_at: datetime.date(2026, 1, 1) is not a"),
        ({"total": "sum"}, {"sum": "12,50"}, "Special.total: “12,50” is not a number"),
        ({"total": "sum"}, {"sum": float("nan")}, "Special.total: “nan” is not a number"),
        ({"note": "words"}, {}, "Special.note: words failed: AttributeError"),
        ({"shop": "other"}, {}, "Special.shop: there is no shop “other”"),
        ({"payment_state": "pay"}, {"pay": "P"}, "Special.payment_state: “P” is not one of unpaid"),
        (
            {"payment_state": "pay", "payment_states": {"N": "unpaid"}},
            {"pay": "P"},
            "Say in payment_states what it stands for",
        ),
    ],
)
def test_an_error_names_the_attribute_of_the_adapter(
    rowerownia: Shop, attributes: dict[str, Any], values: dict[str, Any], words: str
) -> None:
    with pytest.raises(hooks.AdapterError) as refused:
        adapter(**attributes).read(an_order(**values))
    assert words in str(refused.value)


def test_an_error_in_a_line_names_the_line_s_adapter(rowerownia: Shop) -> None:
    items = [SimpleNamespace(title="Pompka", count="many", price=1)]
    with pytest.raises(hooks.AdapterError, match="PlainLine.quantity: “many” is not a number"):
        Plain().read(an_order(items=items))


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"shop": None}, "Wrong.shop: say which shop"),
        ({"number": "nummer"}, "Wrong.number: Order has no “nummer”"),
        ({"email": "customer.mail"}, "Wrong.email: Customer has no “mail”"),
        ({"tracking_link": "tracking_url"}, "Wrong.tracking_link: adapters know no such attribute"),
        ({"payment_states": {"P": "payed"}}, "Wrong.payment_states: “payed” is not one of"),
    ],
)
def test_connecting_refuses_a_path_that_leads_nowhere(
    attributes: dict[str, Any], words: str
) -> None:
    fitting = {"shop": "rowerownia", "email": "customer.email", "lines": "lines"}
    wrong = type("Wrong", (hooks.OrderAdapter,), {**fitting, **attributes})
    with pytest.raises(hooks.AdapterError) as refused:
        hooks.connect(Order, wrong)
    assert words in str(refused.value)


def test_a_fitting_adapter_passes_the_check() -> None:
    class Fits(hooks.OrderAdapter):
        shop = "rowerownia"
        email = "customer.email"
        name = "customer.name"
        lines = "lines"
        recipient_address = "recipient_address"

        def currency(self, order: Order) -> str:
            return "PLN"

    Fits.check(Order)


@pytest.mark.django_db
def test_a_model_that_is_not_connected_is_named() -> None:
    with pytest.raises(hooks.AdapterError, match="Order is not connected"):
        hooks.changed(Order.objects.all())
