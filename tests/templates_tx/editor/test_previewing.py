"""The preview: with whose values, what it shows before a fault, and the policy of its frame."""

from __future__ import annotations

from time import thread_time

import pytest
from django.contrib.staticfiles import finders

from shops.conf import conf
from shops.models import Customer
from templates_tx.assignments import Edit, decide
from templates_tx.editor.showing import shows_outside_pictures
from templates_tx.models import TemplateAssignment
from templates_tx.samples import sample_of, with_pictures
from templates_tx.saving import set_in_use
from tests import factories
from tests.templates_tx.editor.desks import check, own, url, words, wrong


def frame(client, shop, query="", **place):
    return client.get(url(shop, "preview", **place) + query)


@pytest.mark.promise("S5.6")
@pytest.mark.parametrize("language", ["pl", "en", "nb", "fr", "cs", "de"])
def test_an_order_is_shown_in_every_language_as_html_and_as_text(
    shop, owner, owner_client, account, language
):
    own(shop, owner, language)
    order = factories.place_order(shop)
    query = f"?order={order.number}"
    page = owner_client.get(url(shop, language=language) + query)
    html = frame(owner_client, shop, query, language=language).text
    assert order.number in html
    assert f'<html lang="{language}"' in html
    assert "Kask Giro Register MIPS" in html
    text = page.text.partition('id="part-mail_text"')[2].partition("</pre>")[0]
    assert order.number in text
    assert "Kask Giro Register MIPS" in text
    assert f"{account.from_name} &lt;{account.from_address}&gt; to {order.email}" in page.text


def test_without_an_order_there_are_sample_values_and_the_real_shop(shop, owner_client, account):
    html = frame(owner_client, shop).text
    assert "10482" in html
    assert shop.contact_email in html
    assert "sklep@rowerownia.pl" not in html


def test_the_shops_note_is_in_the_preview(shop, owner, owner_client):
    decide(shop, {"order.placed": Edit({"is_on": False})}, owner)
    TemplateAssignment.objects.for_shop(shop).update(notes={"pl": "Wpadnij na jazdę!"})
    assert "Wpadnij na jazdę!" in frame(owner_client, shop).text
    assert "Wpadnij na jazdę!" not in frame(owner_client, shop, language="en").text


def test_another_shops_order_is_not_shown(shop, other_shop, owner_client):
    theirs = factories.place_order(other_shop, number="THEIRS-1")
    page = owner_client.get(url(shop) + f"?order={theirs.number}")
    assert "There is no order THEIRS-1 here: these are sample values." in page.text
    assert theirs.email not in page.text
    assert theirs.number not in frame(owner_client, shop, "?order=THEIRS-1").text


def test_orders_are_found_by_number_and_by_name(shop, other_shop, owner_client):
    anna = factories.place_order(shop, number="10482")
    jan = Customer.objects.create(shop=shop, email="j@k.example", first_name="Jan", last_name="Żak")
    factories.place_order(shop, jan, number="20001")
    factories.place_order(other_shop, number="10482-THEIRS")
    found = owner_client.get(url(shop, "preview_orders") + "?q=1048").text
    assert f"Order {anna.number}, Anna Wiśniewska" in found
    assert "20001" not in found
    assert "THEIRS" not in found
    assert "Order 20001, Jan Żak" in owner_client.get(url(shop, "preview_orders") + "?q=zak").text
    assert "No order is found." in owner_client.get(url(shop, "preview_orders") + "?q=nobody").text


def test_a_message_with_a_personal_link_is_shown_with_sample_values_only(shop, owner_client):
    order = factories.place_order(shop)
    place = {"code": "customer.password_reset"}
    page = owner_client.get(url(shop, **place) + f"?order={order.number}").text
    assert "Sample values: it holds a personal link" in page
    assert order.email not in page
    assert order.number not in owner_client.get(url(shop, "preview_orders", **place)).text


@pytest.mark.parametrize("query", ["?order=%00", "?q=%00", "?order=1%00", "?q=%ED%A0%80"])
def test_what_no_order_could_be_called_finds_none(shop, owner_client, account, query):
    for name in ("template", "preview", "preview_orders"):
        assert owner_client.get(url(shop, name) + query).status_code == 200
    page = owner_client.post(url(shop, "send_me"), {"order": "\x00"}, follow=True)
    assert "Sent to" in page.text


@pytest.mark.parametrize(
    ("code", "can_be_chosen"),
    [
        ("order.placed", True),
        ("note", True),
        ("contact.form", False),
        ("staff.low_stock", False),
        ("stock.back", False),
        ("document.invoice", False),
        ("customer.password_reset", False),
    ],
)
def test_an_order_can_be_chosen_where_the_message_is_about_one(
    shop, owner_client, code, can_be_chosen
):
    order = factories.place_order(shop)
    page = owner_client.get(url(shop, code=code) + f"?order={order.number}").text
    assert ('id="order-label"' in page) is can_be_chosen
    found = owner_client.get(url(shop, "preview_orders", code=code)).text
    assert (order.number in found) is can_be_chosen
    assert "Sample values" in found


# Before the fault


def test_before_the_fault_the_last_words_in_order_are_shown(shop, owner_client, template):
    check(owner_client, shop, words(template, subject="Good {{ order.number }}"))
    bad = words(template, subject="Bad {{ order.number }}", html=wrong(template))
    seen = template.draft.saved_at.isoformat()
    answer = check(owner_client, shop, {**bad, "seen": seen}).json()
    assert "Good 10482" in answer["parts"]["envelope"]
    assert "before the error" in answer["parts"]["envelope"]
    page = owner_client.get(url(shop)).text
    assert "Good 10482" in page
    assert "Bad 10482" not in page


def test_where_the_draft_never_was_in_order_the_last_version_is_shown(
    shop, owner, owner_client, template
):
    answer = check(owner_client, shop, words(template, html=wrong(template))).json()
    assert "Zamówienie 10482" in answer["parts"]["envelope"]
    assert "before the error" in answer["parts"]["envelope"]


def test_the_frame_has_another_address_only_for_another_mail(shop, owner_client, template):
    first = check(owner_client, shop, words(template, subject="A {{ order.number }}")).json()
    same = check(owner_client, shop, words(template, subject="B {{ order.number }}")).json()
    html = words(template)["html"] + "<p>More</p>"
    other = check(owner_client, shop, words(template, html=html)).json()
    assert first["frame"] == same["frame"] != other["frame"]
    assert ">More</p>" in owner_client.get(other["frame"]).text


def test_what_fails_only_for_the_chosen_order_is_said_with_its_number(shop, owner_client, template):
    order = factories.place_order(shop, note="x" * 1200)
    grow = "{% assign t = order.note %}" + "{% assign t = t | append: t %}" * 12
    typed = words(template, text=words(template)["text"] + grow, order=order.number)
    bar = check(owner_client, shop, typed).json()["parts"]["bar"]
    assert f"With order {order.number}:" in bar
    assert check(owner_client, shop, typed | {"order": ""}).json()["parts"]["bar"].strip() == ""


# The frame


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def test_the_frame_runs_nothing_and_loads_nothing_from_elsewhere(shop, owner_client, template):
    order = factories.place_order(shop, note=EVIL, shipping_method=EVIL)
    html = words(template)["html"] + EVIL + "{{ order.note }}"
    check(owner_client, shop, words(template, html=html))
    answer = frame(owner_client, shop, f"?order={order.number}")
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; form-action 'none'; base-uri 'none'; sandbox;")
    assert "script-src" not in policy
    assert "https:" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Cache-Control"] == "no-store, private"
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text  # the customer's own words
    page = owner_client.get(url(shop) + f"?order={order.number}").text
    assert '<iframe id="frame" name="frame" sandbox referrerpolicy="no-referrer"' in page
    assert EVIL not in page


def test_pictures_from_elsewhere_come_only_when_asked_for(shop, owner_client):
    assert "Show pictures" in owner_client.get(url(shop)).text
    policy = frame(owner_client, shop, "?pictures=1")["Content-Security-Policy"]
    assert "img-src data: http: https:;" in policy


def test_words_that_are_not_in_use_are_previewed_all_the_same(shop, owner, owner_client, template):
    check(owner_client, shop, words(template, html=words(template)["html"] + "<p>Own</p>"))
    set_in_use(template, False, owner)
    assert "Own" in frame(owner_client, shop).text


def test_what_is_at_a_line_is_said_before_what_is_missing(shop, owner_client, template):
    text = "{{ order.totl }}"  # and neither number nor articles
    bar = check(owner_client, shop, words(template, text=text)).json()["parts"]["bar"]
    assert bar.index("“order.totl” is not known here.") < bar.index("The message must show")
    assert "Insert it" in bar


def test_pictures_of_the_sample_are_there_to_be_seen():
    seen = with_pictures(sample_of("order.placed", "pl"))
    addresses = [item["image_url"] for item in seen["order"]["items"]]
    assert len(set(addresses)) == 3
    for address in addresses:
        assert address.startswith(conf.PUBLIC_URL)
        assert finders.find(address.split("/static/")[1])


PICTURES = {
    "of another site": ('<p>x</p><img alt="" src="https://elsewhere.example/a.png">', True),
    "without quotes": ("<IMG src=http://elsewhere.example/a.png>", True),
    "a bracket before": ('<img alt="a < b" src="https://elsewhere.example/a.png">', True),
    "a tag in a text": ('<img alt="<img" src="https://elsewhere.example/a.png">', True),
    "its own": ('<img src="/media/a.png"><img src="data:image/png;base64,AA==">', False),
    "a link": ('<img src="cid:a"><a href="https://elsewhere.example/">src="https:"</a>', False),
    "none": ('src="https://elsewhere.example/a.png"', False),
}


@pytest.mark.parametrize(("html", "outside"), PICTURES.values(), ids=PICTURES)
def test_pictures_of_other_sites_are_told_from_its_own(html, outside):
    assert shows_outside_pictures(html) is outside


def test_pictures_that_are_never_closed_make_nobody_wait(shop, owner_client, template):
    html = '{{ text }}<p title="' + "<img " * 20_000 + '">x</p>'
    started = thread_time()
    assert check(owner_client, shop, words(template, html=html)).status_code == 200
    assert not shows_outside_pictures(html)
    assert thread_time() - started < 5
