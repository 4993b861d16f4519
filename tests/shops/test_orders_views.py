from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from maillog.models import Delivery, MailMessage, SentKey
from maillog.states import State
from shops import filters
from shops.filters import OrderFilter, Place
from shops.forms import new_token
from shops.models import AuditEntry, Customer, Order
from templates_tx.models import TemplateAssignment
from tests import factories

LINK = "https://inpost.example/sledzenie?number=620999680123"


def orders_url(shop):
    return reverse("shops:orders", args=[shop.slug])


def order_url(order, name="order"):
    return reverse(f"shops:{name}", args=[order.shop.slug, order.pk])


def toasts(answer):
    return [str(each) for each in get_messages(answer.wsgi_request)]


def shown_numbers(answer):
    return [order.number for order, _message in answer.context["rows"]]


# The list


def test_it_lists_newest_orders_first_with_the_last_message(shop, owner_client):
    older = factories.place_order(shop, placed_at=datetime(2026, 1, 1, tzinfo=UTC))
    newer = factories.place_order(shop, placed_at=datetime(2026, 1, 2, tzinfo=UTC))
    answer = owner_client.get(orders_url(shop))
    assert shown_numbers(answer) == [newer.number, older.number]
    assert "Order confirmation" in answer.text
    message = MailMessage.objects.get(order_number=newer.number)
    assert reverse("maillog:message", args=[shop.slug, message.pk]) in answer.text
    assert "319,00\xa0zł" in answer.text


@pytest.mark.parametrize(
    "question", ["lukasz", "ŁUKASZ zak", "zak.l@", "ZAM/2026", "#zam/2026", "firma zak", "62099"]
)
def test_it_finds_orders_by_number_name_address_and_parcel(shop, owner_client, question):
    customer = factories.make_customer(
        shop, first_name="Łukasz", last_name="Żak", email="zak.l@klient.example"
    )
    factories.place_order(
        shop, customer, number="ZAM/2026 7", payer_name="Firma Żak", tracking_number="62099"
    )
    factories.place_order(shop)
    answer = owner_client.get(orders_url(shop), {"q": question})
    assert shown_numbers(answer) == ["ZAM/2026 7"]


def test_it_finds_orders_under_the_name_a_customer_has_now(shop, owner_client):
    customer = factories.make_customer(shop, last_name="Nowak")
    order = factories.place_order(shop, customer)
    customer.last_name = "Dąbrowska"
    customer.save()
    assert shown_numbers(owner_client.get(orders_url(shop), {"q": "dabrowska"})) == [order.number]
    assert shown_numbers(owner_client.get(orders_url(shop), {"q": "nowak"})) == []


def test_it_treats_the_signs_of_like_as_letters(shop, owner_client):
    factories.place_order(shop, number="100%_A")
    factories.place_order(shop, number="100AAA")
    assert shown_numbers(owner_client.get(orders_url(shop), {"q": "100%_"})) == ["100%_A"]


@pytest.mark.parametrize(
    "field, value", [("state", "on_hold"), ("payment_state", "paid"), ("delivery_state", "shipped")]
)
def test_it_filters_by_each_state(shop, owner_client, field, value):
    wanted = factories.place_order(shop, **{field: value})
    factories.place_order(shop)
    answer = owner_client.get(orders_url(shop), {field: value})
    assert shown_numbers(answer) == [wanted.number]
    assert f'<option value="{value}" selected>' in answer.text


def test_it_says_which_filter_found_nothing_and_offers_all(shop, owner_client):
    factories.place_order(shop)
    answer = owner_client.get(orders_url(shop), {"q": "<zzz>", "payment_state": "failed"})
    assert "No order matches: “&lt;zzz&gt;”, Payment: Payment failed." in answer.text
    assert "Show all orders" in answer.text


def test_it_explains_a_list_without_orders(shop, owner_client):
    assert "Orders appear here" in owner_client.get(orders_url(shop)).text


def walk(client, url, end):
    """The numbers page by page, following one of the two links."""
    pages, query = [], {}
    while True:
        answer = client.get(url, query)
        pages.append(shown_numbers(answer))
        place = getattr(answer.context["page"], end)
        if place is None:
            return pages, answer
        query = {"before" if end == "older" else "after": str(place)}


def test_it_pages_both_ways_without_losing_orders_of_the_same_moment(
    shop, owner_client, monkeypatch
):
    monkeypatch.setattr(filters, "PAGE", 3)
    moment = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
    numbers = [
        factories.place_order(shop, placed_at=moment + timedelta(seconds=step // 4)).number
        for step in range(8)
    ]
    older, last = walk(owner_client, orders_url(shop), "older")
    assert [number for page in older for number in page] == numbers[::-1]
    assert [len(page) for page in older] == [3, 3, 2]
    query = {"after": str(last.context["page"].newer)}
    newer = owner_client.get(orders_url(shop), query)
    assert shown_numbers(newer) == older[1]
    query = {"after": str(newer.context["page"].newer)}
    newest = owner_client.get(orders_url(shop), query)
    assert shown_numbers(newest) == older[0]
    assert newest.context["page"].newer is None


@pytest.mark.parametrize(
    "query",
    [
        {"before": "x"},
        {"before": "-1--5"},
        {"before": "99999999999999999-1"},
        {"before": "9" * 30 + "-1"},
        {"before": "1-" + "9" * 30},
        {"after": "\0"},
        {"state": "nonsense"},
        {"q": "a\0b"},
        {"q": "x" * 5000},
    ],
)
def test_it_takes_nonsense_in_the_address_for_not_asked(shop, owner_client, query):
    factories.place_order(shop)
    assert owner_client.get(orders_url(shop), query).status_code == 200


def test_a_place_survives_the_way_through_an_address():
    place = Place(datetime(2026, 11, 23, 5, 59, 59, 999999, tzinfo=UTC), 42)
    assert Place.parse(str(place)) == place


def test_the_list_needs_as_many_queries_with_thirty_orders_as_with_three(shop, owner_client):
    def queries():
        with CaptureQueriesContext(connection) as found:
            owner_client.get(orders_url(shop))
        return len(found)

    for _ in range(3):
        factories.place_order(shop)
    few = queries()
    for _ in range(27):
        factories.place_order(shop)
    assert queries() == few


def test_the_last_message_leaves_out_what_was_only_logged(shop, owner_client):
    order = factories.place_order(shop)
    order.mark_paid()
    assert MailMessage.objects.get(message_type="order.paid").state == State.NOT_SENT
    [(_order, message)] = owner_client.get(orders_url(shop)).context["rows"]
    assert message.name == "Order confirmation"


def test_no_filter_is_false():
    assert not OrderFilter.from_query({"q": "  ", "state": "x"})


# The page of an order


def test_it_shows_buyer_payer_recipient_goods_and_what_was_sent(shop, owner_client):
    order = factories.place_order(
        shop,
        payer_name="Firma Nowak",
        payer_email="faktury@nowak.example",
        recipient_name="Jan Kot",
        number="A/1 ?#ł",
    )
    page = owner_client.get(order_url(order))
    for text in (
        "Order A/1 ?#ł",
        order.customer.email,
        "Firma Nowak",
        "faktury@nowak.example",
        "Jan Kot",
        "Kask Giro Register MIPS",
        "Order confirmation",
        "Waiting",
    ):
        assert text in page.text


def test_it_shows_hostile_text_as_text(shop, owner_client):
    evil = "<script>alert(1)</script>"
    customer = factories.make_customer(shop, first_name=evil, last_name="")
    order = factories.place_order(shop, customer, number=evil[:60], note=evil, payer_name=evil)
    for url in (order_url(order), orders_url(shop)):
        text = owner_client.get(url).text
        assert evil not in text
        assert "&lt;script&gt;alert(1)" in text


def test_it_shows_no_messages_of_another_shops_order_with_the_same_number(
    shop, other_shop, owner_client
):
    order = factories.place_order(shop, number="77")
    factories.place_order(other_shop, number="77")
    page = owner_client.get(order_url(order))
    assert [each.to for each in page.context["sent"]] == [order.customer.email]


def test_a_viewer_reads_but_is_offered_nothing_to_do(shop, colleague, client):
    order = factories.place_order(shop)
    client.force_login(colleague)
    page = client.get(order_url(order))
    assert page.status_code == 200
    assert f'action="{order_url(order, "order_ship")}"' not in page.text
    for name in ("order_ship", "order_paid", "order_note"):
        assert client.post(order_url(order, name)).status_code == 403
    assert not Order.objects.exclude(tracking_url="").exists()


# What will be sent


def previews_of(page, name):
    return [(each.sends, each.text) for each in page.context[name]]


def test_it_says_beforehand_what_typing_the_link_sends(shop, owner_client):
    factories.make_account(shop)
    order = factories.place_order(shop)
    page = owner_client.get(order_url(order))
    assert previews_of(page, "ship_previews") == [
        (
            True,
            f"This will send “Parcel sent, with tracking link” to {order.customer.email} "
            "from sklep@rowerownia.example in Polish.",
        )
    ]
    assert previews_of(page, "paid_previews") == [
        (False, "“Payment received” is switched off: nothing will be sent.")
    ]


def test_it_says_so_while_the_link_is_typed_that_this_parcel_was_announced(shop, owner_client):
    order = factories.place_order(shop)
    order.ship(LINK, "620")
    url = order_url(order, "order_preview")
    same = owner_client.get(url, {"tracking_url": LINK + "x", "tracking_number": "620"})
    assert "was sent for this already" in same.text
    other = owner_client.get(url, {"tracking_url": LINK + "y", "tracking_number": "621"})
    assert "This will send" in other.text


def test_it_says_that_the_link_of_an_order_that_arrived_shipped_was_announced(shop, owner_client):
    order = factories.place_order(shop, tracking_url=LINK)
    [(sends, text)] = previews_of(owner_client.get(order_url(order)), "ship_previews")
    assert (sends, text) == (False, "This link was entered already: nothing more will be sent.")
    before = MailMessage.objects.count()
    ship(owner_client, order, tracking_number="620")
    assert MailMessage.objects.count() == before


@pytest.mark.parametrize("value", ["", "\0", "x" * 9000, "ł\ud7ff"])
def test_the_preview_stands_any_input(shop, owner_client, value):
    order = factories.place_order(shop)
    query = {"tracking_url": value, "tracking_number": value}
    assert owner_client.get(order_url(order, "order_preview"), query).status_code == 200


def test_the_preview_says_why_nothing_leaves(shop, owner_client):
    order = factories.place_order(shop)
    url = order_url(order, "order_preview")

    def said():
        return owner_client.get(url, {"tracking_url": LINK}).text

    shop.suppressions.create(address=order.customer.email, reason="hard")
    assert "on the list of suppressions" in said()
    shop.suppressions.all().delete()
    shop.sender_accounts.update(is_main=False)
    assert "no account to send from" in said()
    TemplateAssignment.objects.create(shop=shop, message_type="order.shipped", is_on=False)
    assert "is switched off" in said()


def test_the_preview_names_the_test_address(shop, owner_client):
    order = factories.place_order(shop)
    shop.test_mode, shop.test_address = "redirect", "test@rowerownia.example"
    shop.save()
    page = owner_client.get(order_url(order))
    assert "to test@rowerownia.example instead of" in previews_of(page, "note_previews")[0][1]


def test_asking_for_a_preview_changes_nothing(shop, owner_client):
    order = factories.place_order(shop)
    before = MailMessage.objects.count(), SentKey.objects.count()
    owner_client.get(order_url(order))
    owner_client.get(order_url(order, "order_preview"), {"tracking_url": LINK})
    assert (MailMessage.objects.count(), SentKey.objects.count()) == before


# What staff do


def ship(client, order, **values):
    return client.post(order_url(order, "order_ship"), {"tracking_url": LINK, **values})


@pytest.mark.promise("S2.4")
def test_typing_the_tracking_link_sends_what_the_preview_said(shop, owner_client):
    order = factories.place_order(shop)
    answer = ship(owner_client, order, tracking_number="620", carrier="InPost")
    assert answer.status_code == 302
    message = MailMessage.objects.get(message_type="order.shipped")
    assert message.to_text == order.customer.email
    assert message.context["order"]["tracking_url"] == LINK
    order.refresh_from_db()
    assert (order.tracking_number, order.carrier, order.delivery_state) == (
        "620",
        "InPost",
        "shipped",
    )
    [toast] = toasts(answer)
    assert "A message is queued" in toast
    assert f'href="{reverse("maillog:message", args=[shop.slug, message.pk])}"' in toast
    entry = AuditEntry.objects.get(action="order.shipped")
    assert entry.target == order.number


def test_typing_the_same_link_again_sends_nothing_more(shop, owner_client):
    order = factories.place_order(shop)
    ship(owner_client, order, tracking_number="620")
    answer = ship(owner_client, order, tracking_number="620", carrier="DPD")
    assert MailMessage.objects.filter(message_type="order.shipped").count() == 1
    assert toasts(answer)[-1] == "Saved. No message is sent."
    order.refresh_from_db()
    assert order.carrier == "DPD"


@pytest.mark.parametrize(
    "values, told",
    [
        ({"tracking_url": ""}, "This field is required."),
        ({"tracking_url": "javascript:alert(1)"}, "Enter the whole link"),
        ({"tracking_url": "inpost.example/1"}, "Enter the whole link"),
        ({"tracking_url": "https://x.example/" + "x" * 600}, "at most 500 characters"),
        ({"tracking_number": "6" * 61}, "at most 60 characters"),
        ({"tracking_number": "6\0"}, "Null characters are not allowed"),
    ],
)
def test_a_wrong_link_is_refused_beside_its_field(shop, owner_client, values, told):
    order = factories.place_order(shop)
    answer = ship(owner_client, order, **values)
    assert answer.status_code == 422
    form = answer.context["ship_form"]
    [field] = form.errors
    assert field in values and told in form.errors[field][0]
    assert 'aria-invalid="true"' in answer.text
    order.refresh_from_db()
    assert order.tracking_url == ""
    assert not MailMessage.objects.filter(message_type="order.shipped").exists()
    # The head of the page and the parcel's card still show the order as it is.
    assert "javascript:alert" not in answer.text.replace('value="javascript:alert(1)"', "")


def test_marking_paid_sends_nothing_while_the_message_is_off(shop, owner_client):
    order = factories.place_order(shop)
    answer = owner_client.post(order_url(order, "order_paid"))
    order.refresh_from_db()
    assert order.payment_state == "paid"
    assert MailMessage.objects.get(message_type="order.paid").state == State.NOT_SENT
    assert "(Not sent)" in toasts(answer)[0]
    page = owner_client.get(order_url(order)).text
    assert order_url(order, "order_paid") not in page


def test_a_refunded_order_cannot_be_marked_paid(shop, owner_client):
    order = factories.place_order(shop, payment_state="refunded")
    owner_client.post(order_url(order, "order_paid"))
    order.refresh_from_db()
    assert order.payment_state == "refunded"


def test_a_note_is_sent_once_however_often_the_button_is_clicked(shop, owner_client):
    order = factories.place_order(shop)
    values = {"text": "Rama przyjedzie w środę.\n<b>OK?</b>", "token": new_token()}
    first = owner_client.post(order_url(order, "order_note"), values)
    second = owner_client.post(order_url(order, "order_note"), values)
    message = MailMessage.objects.get(message_type="note")
    assert message.context["text"].startswith("Rama przyjedzie w środę.")
    assert "queued" in toasts(first)[0]
    assert toasts(second)[-1] == "This note was sent already."


@pytest.mark.parametrize(
    "values, field",
    [
        ({"text": " "}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"text": "a\0"}, "text"),
        ({"token": "../x"}, "token"),
        ({"token": ""}, "token"),
    ],
)
def test_a_note_that_cannot_be_sent_is_shown_again(shop, owner_client, values, field):
    order = factories.place_order(shop)
    data = {"text": "Dzień dobry", "token": new_token(), **values}
    answer = owner_client.post(order_url(order, "order_note"), data)
    assert list(answer.context["note_form"].errors) == [field]
    assert not MailMessage.objects.filter(message_type="note").exists()


# The timeline that follows


def end_all(state):
    Delivery.objects.update(state=state, ended_at=datetime.now(UTC))
    MailMessage.objects.update(state=state)


def test_the_page_asks_every_second_while_something_waits_and_then_stops(shop, owner_client):
    order = factories.place_order(shop)
    page = owner_client.get(order_url(order))
    assert 'hx-trigger="every 1s"' in page.text
    url, query = order_url(order, "order_mail"), {"seen": page.context["seen"]}
    assert owner_client.get(url, query).status_code == 204
    end_all(State.SENT)
    news = owner_client.get(url, query)
    assert news.status_code == 200
    assert "Accepted" in news.text
    assert "every" not in news.text
    assert "<html" not in news.text


def test_the_page_says_when_a_worker_has_a_message_in_hand(shop, owner_client):
    order = factories.place_order(shop)
    lease = datetime.now(UTC) + timedelta(minutes=1)
    Delivery.objects.update(state=State.CLAIMED, lease_until=lease)
    assert "Sending" in owner_client.get(order_url(order, "order_mail")).text
    assert "Sending" in owner_client.get(orders_url(shop)).text


def test_the_page_asks_seldom_for_what_waits_long(shop, owner_client):
    order = factories.place_order(shop)
    MailMessage.objects.update(created_at=datetime.now(UTC) - timedelta(minutes=10))
    assert 'hx-trigger="every 15s"' in owner_client.get(order_url(order)).text


# Strangers


@pytest.mark.parametrize("name", ["order", "order_mail", "order_preview"])
def test_an_order_of_another_shop_is_not_there(shop, other_shop, owner_client, name):
    foreign = factories.place_order(other_shop)
    url = reverse(f"shops:{name}", args=[shop.slug, foreign.pk])
    assert owner_client.get(url).status_code == 404


@pytest.mark.parametrize("name", ["order_ship", "order_paid", "order_note"])
def test_nothing_can_be_done_to_an_order_of_another_shop(shop, other_shop, owner_client, name):
    foreign = factories.place_order(other_shop)
    url = reverse(f"shops:{name}", args=[shop.slug, foreign.pk])
    data = {"tracking_url": LINK, "text": "x", "token": new_token()}
    assert owner_client.post(url, data).status_code == 404
    foreign.refresh_from_db()
    assert (foreign.tracking_url, foreign.payment_state) == ("", "unpaid")


def test_customers_of_two_shops_may_have_one_address(shop, other_shop):
    for each in (shop, other_shop):
        factories.make_customer(each, email="anna@klient.example")
    assert Customer.objects.filter(email="anna@klient.example").count() == 2
