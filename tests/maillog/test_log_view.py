"""The list of the e-mail log: who sees what, how it is found, and at what cost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from maillog.backends import draft_from
from maillog.filters import PAGE
from maillog.mime import Attachment
from maillog.models import MailMessage
from maillog.moves import roll_up
from maillog.outbox import Recipient, queue
from maillog.states import Reason, State
from shops.models import Shop
from tests import factories
from tests.maillog.logged import end, logged, many, plenty

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def log_url(shop: Shop, query: str = "") -> str:
    return f"{reverse('maillog:log', args=[shop.slug])}?{query}"


def get(client: Client, shop: Shop, query: str = "", **headers: str) -> str:
    response = client.get(log_url(shop, query), headers=headers)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.promise("S2.8")
def test_every_message_of_the_shop_is_in_its_log(shop, owner_client):
    factories.place_order(shop)
    logged(shop, subject="Notatka")
    page = get(owner_client, shop)
    assert "Notatka" in page and "Zamówienie" in page
    assert "Order confirmation" in page and "Waiting" in page


def queries_about_types(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return sum("templates_tx_ownmessagetype" in each["sql"] for each in queries)


def test_a_type_that_the_shop_has_made_goes_by_the_name_that_the_shop_gave_it(
    shop, other_shop, owner_client
):
    factories.make_own_type(shop, name="Punkty za zakupy")
    factories.make_own_type(other_shop, name="Poeng")
    logged(shop, message_type="own.points")
    page = get(owner_client, shop)
    [row] = re.findall(r'<a class="it".*?</a>', page, re.DOTALL)
    assert "Punkty za zakupy" in row and "own.points" not in row
    assert "Poeng" not in page


def test_a_type_that_nobody_knows_any_more_goes_by_its_code(shop, owner_client):
    logged(shop, message_type="own.gone")
    assert "· own.gone" in get(owner_client, shop)


def test_names_of_types_are_looked_up_once_for_the_whole_list(shop, owner_client):
    for code in ("own.a", "own.b", "own.c"):
        factories.make_own_type(shop, code)
        logged(shop, message_type=code)
    # Once for the list, once for the choice of types in the filter.
    assert queries_about_types(owner_client, log_url(shop)) == 2


def test_names_of_types_are_looked_up_once_for_the_page_of_an_order(shop, owner_client):
    order = factories.place_order(shop)
    for code in ("own.a", "own.b"):
        factories.make_own_type(shop, code, name=f"Punkty {code}")
        logged(shop, message_type=code, order_number=order.number)
    page = reverse("shops:order", args=[shop.slug, order.pk])
    assert "Punkty own.b" in owner_client.get(page).text
    assert queries_about_types(owner_client, page) == 1
    assert queries_about_types(owner_client, reverse("shops:orders", args=[shop.slug])) == 1


def test_another_shops_mail_is_never_in_it(shop, other_shop, owner_client):
    logged(other_shop, subject="Hemmelig")
    assert "Hemmelig" not in get(owner_client, shop)
    assert owner_client.get(log_url(other_shop)).status_code == 404


def test_a_stranger_and_a_visitor_stay_outside(shop, stranger):
    assert client_of(stranger).get(log_url(shop)).status_code == 404
    assert "/accounts/login/" in Client().get(log_url(shop)).headers["Location"]


@pytest.mark.promise("S2.8")
def test_the_installations_own_mail_is_for_operators(shop, owner_client, operator):
    queue(draft_from(EmailMessage("Zaproszenie", "Link", to=["nowy@staff.example"])))
    assert "Zaproszenie" not in get(owner_client, shop)
    assert "Zaproszenie" not in get(owner_client, shop, "own=1")
    assert "Zaproszenie" in get(client_of(operator), shop, "own=1")
    assert "Zaproszenie" not in get(client_of(operator), shop)


@pytest.mark.promise("S2.10")
def test_the_filter_is_a_form_whose_address_can_be_shared(shop, owner_client):
    logged(shop, "ewa@x.example", subject="Jeden")
    logged(shop, "jan@x.example", subject="Dwa")
    page = get(owner_client, shop, "recipient=ewa&state=waiting")
    assert "Jeden" in page and "Dwa" not in page
    assert 'method="get"' in page and 'value="ewa"' in page and ">Filter</button>" in page
    assert '<option value="waiting" selected>' in page


def test_htmx_gets_the_list_alone(shop, owner_client):
    logged(shop, subject="Jeden")
    part = get(owner_client, shop, "", **{"HX-Request": "true", "HX-Target": "log-list"})
    assert "Jeden" in part and "<html" not in part


def test_a_list_that_has_not_changed_is_not_sent_again(shop, owner_client):
    message = logged(shop)
    seen = re.search(r'"X-Seen": "(\w+)"', get(owner_client, shop))
    assert seen
    headers = {"HX-Target": "log-list", "X-Seen": seen[1]}
    assert owner_client.get(log_url(shop), headers=headers).status_code == 204
    end(message, State.SENT, "sent")
    assert owner_client.get(log_url(shop), headers=headers).status_code == 200


def test_the_list_asks_again_only_while_something_waits(shop, owner_client):
    message = logged(shop)
    assert "every 2s" in get(owner_client, shop)
    end(message, State.SENT, "sent")
    assert "every 2s" not in get(owner_client, shop)


@pytest.mark.parametrize("count", [100, 100_000])
def test_the_page_costs_the_same_queries_however_long_the_log_is(
    shop, owner_client, django_assert_num_queries, count
):
    plenty(shop, count)
    assert MailMessage.objects.count() == count
    get(owner_client, shop)  # the session is warm
    for query in ("", "q=note&state=sent&type=note&since=2020-01-01"):
        with django_assert_num_queries(9):
            get(owner_client, shop, query)


def test_no_query_counts_the_log_or_reads_the_snapshots(
    shop, owner_client, django_assert_max_num_queries
):
    many(shop, 60)
    with django_assert_max_num_queries(9) as caught:
        get(owner_client, shop)
    ours = [each["sql"] for each in caught.captured_queries if "maillog_mailm" in each["sql"]]
    assert not any("COUNT(" in sql for sql in ours)
    assert not any('"context"' in sql or '"search"' in sql for sql in ours)


def test_the_pages_lead_to_all_messages(shop, owner_client):
    many(shop, PAGE + 3)
    first = get(owner_client, shop, "state=sent")
    older = re.search(r'href="\?(state=sent&amp;before=[\w-]+)"', first)
    assert older and first.count('class="it"') == PAGE
    second = get(owner_client, shop, older[1].replace("&amp;", "&"))
    assert second.count('class="it"') == 3 and "after=" in second


@pytest.mark.parametrize("query", ["before=x", "after=%00", "open=1", "before=" + "f" * 32])
def test_a_broken_address_shows_a_list(shop, owner_client, query):
    get(owner_client, shop, query)


def test_a_bad_date_is_named_at_its_field(shop, owner_client):
    logged(shop, subject="Jeden")
    page = get(owner_client, shop, "since=wczoraj")
    assert "From: Enter a valid date." in page and "Jeden" in page


@pytest.mark.promise("S2.13", "S2.14")
def test_failed_recipients_are_counted_in_red_only_where_there_are_any(shop, owner_client):
    end(logged(shop, subject="Dobrze"), State.SENT, "sent")
    assert "fails" not in get(owner_client, shop)
    three = tuple(Recipient(f"{name}@x.example") for name in "abc")
    message = end(logged(shop, recipients=three), State.SENT, "sent")
    for delivery in message.deliveries.all()[:2]:
        delivery.state = State.FAILED
        delivery.save()
    roll_up([message.pk])
    page = get(owner_client, shop)
    assert "2 of 3 recipients did not get it" in page and page.count("bad-t num fails") == 1


def test_a_file_is_marked_with_a_paper_clip(shop, owner_client):
    logged(shop, attachments=(Attachment("f.pdf", "application/pdf", b"x"),))
    logged(shop)
    assert get(owner_client, shop).count('aria-label="With attachment"') == 1


def test_what_was_not_sent_is_one_click_away_and_says_why(shop, owner_client):
    logged(shop, subject="Wyłączone", born=State.NOT_SENT, reason=Reason.OFF)
    page = get(owner_client, shop)
    assert "Wyłączone" not in page and "Show what was not sent, and why" in page
    page = get(owner_client, shop, "state=not_sent")
    assert "Wyłączone" in page and "This message is switched off" in page


def test_an_empty_log_says_what_will_be_here(shop, owner_client):
    assert "Every e-mail of the shop will appear here" in get(owner_client, shop)


def test_an_empty_result_says_the_filter_in_words(shop, owner_client):
    page = get(owner_client, shop, "recipient=nikt&state=sent")
    assert "Recipient: nikt · State: Accepted" in page and "Clear the filter" in page


def test_a_message_named_in_the_address_is_open_beside_the_list(shop, owner_client, other_shop):
    message = logged(shop, subject="Otwarta")
    page = get(owner_client, shop, f"open={message.pk}")
    assert "<h2>Otwarta</h2>" in page and 'aria-current="true"' in page
    foreign = logged(other_shop)
    assert owner_client.get(log_url(shop, f"open={foreign.pk}")).status_code == 404


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.mark.parametrize("field", ["q", "subject", "recipient", "type", "state", "since", "own"])
def test_a_hostile_filter_is_shown_as_text(shop, owner_client, field):
    response = owner_client.get(reverse("maillog:log", args=[shop.slug]), {field: HOSTILE})
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()
    assert "<img src=x" not in response.content.decode()


def test_a_hostile_message_is_shown_as_text(shop, owner_client):
    values: dict[str, Any] = {"subject": HOSTILE, "message_type": HOSTILE[:80]}
    message = logged(shop, **values)
    MailMessage.objects.filter(pk=message.pk).update(to_text=HOSTILE)
    page = get(owner_client, shop)
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_the_page_is_not_kept_by_the_browser(shop, owner_client):
    response = owner_client.get(log_url(shop))
    assert "no-store" in response["Cache-Control"] and "HX-Target" in response["Vary"]
