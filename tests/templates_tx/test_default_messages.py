"""What single built-in messages say, in the languages they are there in."""

from __future__ import annotations

import re

import pytest

from templates_tx import defaults, message_types
from templates_tx.rendering import render_all
from templates_tx.samples import sample_of
from tests.built_in_mail import mail, shown, unbroken

LANGUAGES = ("en", "pl", "nb", "fr", "cs", "de")
WHEN_BOOKED = {
    "en": "Thursday, December 3, 2026, 17:30–19:00",
    "pl": "czwartek, 3 grudnia 2026, 17:30–19:00",
    "nb": "torsdag 3. desember 2026, 17:30–19:00",
    "fr": "jeudi 3 décembre 2026, 17:30–19:00",
    "cs": "čtvrtek 3. prosince 2026, 17:30–19:00",
    "de": "Donnerstag, 3. Dezember 2026, 17:30–19:00",
}


@pytest.mark.promise("S4.4")
@pytest.mark.parametrize("language", WHEN_BOOKED)
def test_a_booking_says_when_where_and_how_to_cancel(language: str) -> None:
    message = mail("booking.confirmed", language)
    for part in (shown(message.html), unbroken(message.text)):
        assert WHEN_BOOKED[language] in part
        assert "ul. Zabłocie 23, Kraków" in part
    cancel = "https://rowerownia.pl/r/2041/anuluj"
    assert f'href="{cancel}"' in message.html and cancel in message.text


def test_a_booking_of_several_days_says_both() -> None:
    booking = {"ends_at": "2026-12-05T11:00:00+01:00"}
    text = unbroken(mail("booking.confirmed", "en", booking=booking).text)
    assert "December 3, 2026, 17:30 – Saturday, December 5, 2026, 11:00" in text


FOR_THE_SHOP = [
    pytest.param(code, address, marks=pytest.mark.promise(promise))
    for code, address, promise in (
        ("contact.form", "anna.wisniewska@wp.pl", "S2.3"),
        ("business.requested", "biuro@wisniewska.example", "S2.5"),
    )
]


@pytest.mark.parametrize(("code", "address"), FOR_THE_SHOP)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shops_people_read_whom_their_answer_reaches(
    code: str, address: str, language: str
) -> None:
    message = mail(code, language)
    words = defaults._words(code, language)
    answer = re.sub(r"\{\{.*?\}\}", address, words["answer"])
    assert unbroken(answer) in shown(message.html) and unbroken(answer) in unbroken(message.text)
    for part in (message.html, message.text):
        assert words["questions"] not in part


@pytest.mark.promise("S2.3")
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_shopper_typed_into_the_form_stays_text(language: str) -> None:
    typed = "One <b>\n\nTwo {{ shop.name }}"
    sender = {"name": "<i>", "email": '"><script>@x.example'}
    message = mail("contact.form", language, text=typed, sender=sender)
    assert "One &lt;b&gt;" in message.html and "<script" not in message.html
    assert typed in message.text


@pytest.mark.promise("S2.6")
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_approved_company_is_told_and_signs_in_with_its_own_password(language: str) -> None:
    message = mail("business.approved", language)
    contract = message_types.get("business.approved").contract
    assert not [path for path in contract.fields() if "password" in path]
    for part in (shown(message.html), message.text):
        assert "Wiśniewska Design" in part and "anna.wisniewska@wp.pl" in part
    assert 'href="https://rowerownia.pl/konto"' in message.html
    without = mail("business.approved", language, login_url="")
    assert 'class="button"' not in without.html
    assert "https://rowerownia.pl/konto" not in without.text


@pytest.mark.promise("S4.4")
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_invoice_is_linked_or_said_to_be_attached(language: str) -> None:
    words = defaults._words("document.invoice", language)
    linked = mail("document.invoice", language)
    attached = mail("document.invoice", language, document={"url": ""})
    for message, said, other in ((linked, "here", "attached"), (attached, "attached", "here")):
        for part in (message.html, message.text):
            assert words[said] in part and words[other] not in part
    assert 'href="https://rowerownia.pl/f/10482/4mP7sLwX"' in linked.html
    assert 'class="button"' not in attached.html


@pytest.mark.promise("S4.4")
@pytest.mark.parametrize("language", LANGUAGES)
def test_double_opt_in_has_its_link_twice_and_says_how_long_it_works(language: str) -> None:
    message = mail("subscription.confirm", language)
    link = "https://rowerownia.pl/zapis/7pQd4Rk1Xs"
    assert message.html.count(f'href="{link}"') == 2 and link in shown(message.html)
    assert "48" in shown(message.html) and "48" in message.text
    words = defaults._words("subscription.confirm", language)
    not_you = unbroken(words["not_you"])
    assert not_you in shown(message.html) and not_you in unbroken(message.text)
    assert "48" not in mail("subscription.confirm", language, valid_hours="").text


def test_a_customers_note_is_repeated_in_the_confirmation() -> None:
    message = mail("order.placed", "fr")
    assert "Votre remarque" in message.html and "Merci de sonner deux fois." in message.html
    assert "Merci de sonner deux fois." in message.text
    assert "Your note" not in mail("order.placed", "en").html


def test_delivery_and_another_billing_address_are_shown() -> None:
    message = mail("order.placed", "pl")
    assert message.html.count("ul. Lipowa 14/6") == 1
    other = mail("order.placed", "pl", order={"billing_address": ["Firma", "ul. Inna 1"]})
    assert "ul. Inna 1" in other.html and "ul. Inna 1" in other.text


def test_discount_and_tax_only_where_there_are_any() -> None:
    assert "Rabat" not in mail("order.placed", "pl").html
    discounted = mail("order.placed", "pl", order={"discount": "20.00"})
    assert "Rabat" in discounted.html and "−20,00" in discounted.text
    assert "788,73" in discounted.html
    assert "podatek" not in mail("order.placed", "pl", order={"tax_total": "0.00"}).html


def test_a_note_keeps_paragraphs_and_escapes_what_was_typed() -> None:
    message = mail("note", "en", text="One <b>\n\nTwo")
    assert re.search(r"One &lt;b&gt;<br />\s*<br />\s*Two", message.html)
    assert "One <b>\n\nTwo" in message.text


def test_a_note_needs_no_order() -> None:
    context = {key: value for key, value in sample_of("note", "pl").items() if key != "order"}
    message = render_all(defaults.load("note", "pl").parts, context)
    assert message.subject == "Wiadomość ze sklepu Rowerownia"
    assert "10482" not in message.html + message.text


def test_hostile_data_stays_data() -> None:
    attack = '"><script>alert(1)</script>{{ shop.name }}'
    message = mail(
        "order.placed",
        "pl",
        shop={"name": attack, "accent": "red;background:url(x)", "logo_url": "javascript:x"},
        customer={"first_name": attack},
        order={"url": "javascript:alert(1)", "invoice_url": attack, "number": attack},
    )
    assert "<script" not in message.html
    assert "javascript:" not in message.html
    assert "url(x)" not in message.html
    assert "{{ shop.name }}" in message.html


@pytest.mark.parametrize("language", defaults.languages_of("order.placed"))
def test_the_shops_colours_are_used(language: str) -> None:
    html = mail("order.placed", language, shop={"accent": "#a01b2c"}).html
    assert "background:#a01b2c" in html


def test_dark_mode_and_phones_are_thought_of() -> None:
    html = mail("order.placed", "pl").html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme:" in html
    assert "@media (max-width:" in html
    assert "<!--[if mso]>" in html


def test_an_order_mail_stays_small() -> None:
    message = mail("order.placed", "pl")
    assert len(message.html.encode()) < 4_550
    assert len(message.text.encode()) < 1_100
