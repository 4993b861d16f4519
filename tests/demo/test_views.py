from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from demo import mailbox, sign_in
from demo.catalogue import BICYCLES, STOCKS, WOOL
from demo.load import load, make_shop_of
from demo.sink_store import Received, Store
from maillog.models import Delivery, MailMessage
from maillog.states import State
from shops.models import Order, Shop

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.demo.urlconf")]
PATHS = (
    "/demo/mailbox",
    "/demo/mailbox/1-1/",
    "/demo/shop",
    "/demo/shop/wool/",
    "/demo/shop/demo/orders/10462/",
    "/demo/shop/demo/new-password/abc/",
    "/demo/sign-in/abc",
)


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    mailbox._known.clear()
    return tmp_path


@pytest.fixture
def shops(data: Path) -> None:
    """Both shops without a past."""
    for stock in STOCKS:
        make_shop_of(stock, "127.0.0.1:2525", copies=True)


@pytest.fixture
def loaded(data: Path) -> None:
    load("127.0.0.1:2525")


def basket(**values: Any) -> dict[str, Any]:
    person = {"name": "Anna Wiśniewska", "email": "anna@poczta.example", "language": "pl"}
    return {**person, "KASK-54": "2", "BID-750": "1", **values}


def arrive(data: Path, message_id: str = "<a@demo.example>", to: str = "anna@poczta.example",
           body: str = "<p>Dzień dobry</p>") -> Received:  # fmt: skip
    content = (
        f"From: Rowerownia <shop@demo.example>\r\nTo: {to}\r\nSubject: Zam 1\r\n"
        f"Message-ID: {message_id}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    )
    return Store(data / "mail").add("shop@demo.example", (to,), content.encode())


def progress(order: Order) -> str:
    return reverse("demo:order", args=[order.shop.slug, order.number])


@pytest.mark.parametrize("path", PATHS)
def test_nobody_from_another_computer_sees_the_demo(client: Client, path: str) -> None:
    assert client.get(path, REMOTE_ADDR="192.0.2.7").status_code == 404
    assert client.get(path, REMOTE_ADDR="").status_code == 404


@pytest.mark.urls("config.urls")
@pytest.mark.parametrize("path", PATHS)
def test_an_installation_without_the_demo_has_no_such_pages(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_link_signs_the_owner_in(client: Client, data: Path, loaded: None) -> None:
    token = sign_in.new_token(data)

    response = client.get(reverse("demo:sign_in", args=[token]))

    assert response["Location"] == "/"
    assert client.session["_auth_user_id"] == str(User.objects.get(username="marta").pk)


def test_a_link_of_an_earlier_run_signs_nobody_in(client: Client, data: Path, loaded: None) -> None:
    earlier = sign_in.new_token(data)
    sign_in.new_token(data)

    assert client.get(reverse("demo:sign_in", args=[earlier])).status_code == 404
    assert "_auth_user_id" not in client.session


def test_an_order_of_the_storefront_is_a_real_order_with_its_mail(
    client: Client, shops: None
) -> None:
    response = client.post("/demo/shop/demo/", basket())

    order = Order.objects.latest("id")
    assert response["Location"] == progress(order)
    assert [(line.sku, int(line.quantity)) for line in order.lines.all()] == [
        ("KASK-54", 2),
        ("BID-750", 1),
    ]
    message = MailMessage.objects.get(order_number=order.number)
    assert (message.message_type, message.to_text) == ("order.placed", "anna@poczta.example")
    assert int(order.number) == BICYCLES.first_number


def test_each_shop_counts_its_own_orders(client: Client, shops: None) -> None:
    client.post("/demo/shop/wool/", {**basket(), "FINULL-4": "3"})
    client.post("/demo/shop/wool/", {**basket(), "FINULL-4": "1"})

    numbers = Order.objects.filter(shop__slug="wool").order_by("-id").values_list("number")[:2]
    assert [int(number) - WOOL.first_number for (number,) in numbers] == [1, 0]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"KASK-54": "0", "BID-750": ""}, "Put at least one article"),
        ({"KASK-54": "10"}, "less than or equal to 9"),
        ({"KASK-54": "-1"}, "greater than or equal to 0"),
        ({"email": "nobody"}, "valid email"),
        ({"email": "a@b.example\r\nBcc: x@y.example"}, "valid email"),
        ({"name": ""}, "required"),
        ({"language": "xx"}, "valid choice"),
    ],
)
def test_a_wrong_basket_is_shown_again_with_the_reason(
    client: Client, shops: None, values: dict[str, str], complaint: str
) -> None:
    before = Order.objects.count()

    response = client.post("/demo/shop/demo/", basket(**values))

    assert response.status_code == 422
    assert complaint in response.content.decode()
    assert Order.objects.count() == before


def test_what_a_customer_types_is_text(client: Client, shops: None) -> None:
    client.post("/demo/shop/demo/", basket(name="<script>alert(1)</script>"))

    page = client.get(progress(Order.objects.latest("id"))).content.decode()

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_unknown_shops_and_orders_are_not_found(client: Client, shops: None) -> None:
    for path in ("/demo/shop/nobody/", "/demo/shop/demo/orders/1/", "/demo/shop/nobody/orders/1/"):
        assert client.get(path).status_code == 404


def live(client: Client, order: Order, seen: str = "", letter: str = "") -> Any:
    return client.get(
        progress(order), {"seen": seen, "letter": letter}, headers={"HX-Target": "way"}
    )


def test_the_page_of_an_order_follows_its_mail_and_shows_it(
    client: Client, data: Path, shops: None
) -> None:
    client.post("/demo/shop/demo/", basket())
    order = Order.objects.latest("id")
    message = MailMessage.objects.get(order_number=order.number)
    first = client.get(progress(order))
    assert "appears here as it arrives" in first.content.decode()
    assert live(client, order, first.context["seen"]).status_code == 204

    Delivery.objects.filter(message=message, role="main").update(state=State.SENT)
    received = arrive(data, message.message_id)
    part = live(client, order, first.context["seen"])

    text = part.content.decode()
    assert "<html" not in text and "hx-swap-oob" in text
    assert reverse("demo:letter", args=[received.name]) in text
    assert live(client, order, part.context["seen"], received.name).status_code == 204


def test_a_letter_that_is_shown_already_does_not_flicker(
    client: Client, data: Path, shops: None
) -> None:
    client.post("/demo/shop/demo/", basket())
    order = Order.objects.latest("id")
    received = arrive(data, MailMessage.objects.get(order_number=order.number).message_id)

    part = live(client, order, "something else", received.name)

    assert part.status_code == 200
    assert "hx-swap-oob" not in part.content.decode()


def test_it_can_be_paid_once_and_the_mail_says_so(client: Client, shops: None) -> None:
    client.post("/demo/shop/demo/", basket())
    order = Order.objects.latest("id")

    for _ in range(2):
        assert client.post(progress(order), {"deed": "pay"}).status_code == 302

    said = MailMessage.objects.filter(order_number=order.number).order_by("id")
    assert [each.message_type for each in said] == ["order.placed", "order.paid"]
    assert client.post(progress(order), {"deed": "dance"}).status_code == 422


def test_a_forgotten_password_is_mailed_with_a_link_of_the_shops_own(
    client: Client, shops: None
) -> None:
    client.post("/demo/shop/demo/", basket())
    order = Order.objects.latest("id")

    client.post(progress(order), {"deed": "forgot"})

    message = MailMessage.objects.get(
        message_type="customer.password_reset", to_text="anna@poczta.example"
    )
    assert message.state == State.QUEUED and message.sensitive
    found = client.get(progress(order)).context["found"]
    assert [each.message.message_type for each in found] == [
        "customer.password_reset",
        "order.placed",
    ]
    assert message.context is not None
    assert client.get(message.context["link"]).status_code == 200


def test_the_mailbox_has_two_sides(client: Client, data: Path, shops: None) -> None:
    arrive(data, "<1@demo.example>", "anna@poczta.example")
    arrive(data, "<2@demo.example>", "kontakt@demo.example")

    customers = client.get("/demo/mailbox").context["letters"]
    owner = client.get("/demo/mailbox?side=owner").context["letters"]

    assert [each.to for each in customers] == ["anna@poczta.example"]
    assert [each.to for each in owner] == ["kontakt@demo.example"]
    assert client.get("/demo/mailbox?side=nobody").context["side"] == "customers"


def test_the_mailbox_looks_again_without_sending_the_same_twice(
    client: Client, data: Path, shops: None
) -> None:
    first = arrive(data)
    part = {"HX-Target": "letters"}
    assert client.get(f"/demo/mailbox?seen={first.name}", headers=part).status_code == 204

    arrive(data, "<b@demo.example>")
    again = client.get(f"/demo/mailbox?seen={first.name}", headers=part)

    assert len(again.context["letters"]) == 2
    assert "<html" not in again.content.decode()


def test_a_letter_is_framed_without_scripts(client: Client, data: Path, shops: None) -> None:
    received = arrive(
        data,
        body="<!doctype html><html><head></head><script>alert(1)</script>"
        '<img src="http://127.0.0.1:8099/media/logos/a.png">',
    )

    response = client.get(reverse("demo:letter", args=[received.name]))

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox allow-popups" in policy
    assert "script" not in policy and "allow-same-origin" not in policy
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    text = response.content.decode()
    assert text.startswith('<!doctype html><html><head><base target="_blank">')
    assert "http://testserver/media/logos/a.png" in text
    assert "img-src data: http://testserver/media/ http://testserver/static/demo/" in policy


@pytest.mark.parametrize("tab", ["mail", "text", "source", "nonsense"])
def test_a_letter_is_shown_as_mail_text_and_source(
    client: Client, data: Path, shops: None, tab: str
) -> None:
    received = arrive(data, body="<script>alert(1)</script>")

    page = client.get(f"/demo/mailbox?open={received.name}&tab={tab}").content.decode()

    assert "<script>alert" not in page
    assert ("&lt;script&gt;" in page) == (tab == "source")


@pytest.mark.parametrize("name", ["1-1", "..%2f..%2fkeys", "a", "9" * 300, "1-1.eml"])
def test_no_other_file_is_shown(client: Client, data: Path, shops: None, name: str) -> None:
    (data / "mail").mkdir(exist_ok=True)

    assert client.get(f"/demo/mailbox/{name}/").status_code == 404
    assert client.get("/demo/mailbox", {"open": name}).status_code == 200


def test_loading_again_keeps_the_orders_and_names_the_new_server(loaded: None) -> None:
    orders, messages = Order.objects.count(), MailMessage.objects.count()

    load("127.0.0.1:2626")

    assert (Order.objects.count(), MailMessage.objects.count()) == (orders, messages)
    for shop in Shop.objects.all():
        main = shop.sender_accounts.get(is_main=True)
        assert (main.kind, main.endpoint().port) == ("smtp", 2626)
    assert Shop.objects.get(slug="demo").sender_accounts.get(is_main=True).from_address == (
        "shop@demo.example"
    )


def test_the_owner_gets_order_confirmations_and_nothing_else(loaded: None) -> None:
    copies = Delivery.objects.filter(role="copy").select_related("message")

    assert {each.message.message_type for each in copies} == {"order.placed"}
    assert {each.address for each in copies} == {BICYCLES.contact, WOOL.contact}
    assert not MailMessage.objects.filter(state=State.HELD).exists()
