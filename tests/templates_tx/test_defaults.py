"""The built-in messages, in every language, as a customer gets them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from templates_tx import defaults
from templates_tx.rendering import Rendered, render_all
from templates_tx.samples import sample_of

ALL = list(defaults.every())


def mail(code: str, language: str, **changes: Any) -> Rendered:
    """Render a default with its sample; `order={...}` and the like change single values."""
    context: dict[str, Any] = sample_of(code, language)
    for key, change in changes.items():
        if isinstance(change, dict):
            context[key] |= change
        else:
            context[key] = change
    return render_all(defaults.load(code, language).parts, context)


@pytest.mark.parametrize(("code", "language"), ALL)
def test_every_default_renders_with_its_sample(code: str, language: str) -> None:
    message = mail(code, language)
    assert message.subject
    assert "Rowerownia" in message.html
    assert "sklep@rowerownia.pl" in message.text
    for part in (message.html, message.text, message.subject):
        assert "{{" not in part
        assert "{%" not in part
    assert f'<html lang="{language}">' in message.html


@pytest.mark.parametrize(("code", "language"), ALL)
def test_every_default_renders_with_everything_optional_empty(code: str, language: str) -> None:
    empty = {
        "payment_method": "", "payment_state": "", "shipping_method": "", "pickup_point": "",
        "delivery_address": [], "billing_address": [], "note": "", "url": "", "invoice_url": "",
        "carrier": "", "tracking_number": "", "discount": "0.00", "tax_total": "0.00",
    }  # fmt: skip
    shop = dict.fromkeys(["email", "phone", "address", "logo_url", "accent", "accent_text"], "")
    changes: dict[str, Any] = {"shop": shop | {"note": ""}}
    for name, change in (("customer", {"first_name": ""}), ("order", empty)):
        if name in sample_of(code, language):
            changes[name] = change
    message = mail(code, language, **changes)
    assert 'href=""' not in message.html
    assert "<img" not in message.html or code.startswith(("order.", "stock."))
    assert "\n\n\n\n" not in message.text


@pytest.mark.parametrize("code", defaults.CODES)
def test_what_staff_edit_is_one_source_without_our_placeholders(code: str) -> None:
    for language in defaults.languages_of(code):
        template = defaults.load(code, language)
        for source in (template.subject, template.body, template.text, template.html):
            assert not re.search(r"\{\{ (t|part)\.", source)


def test_both_languages_have_the_same_words() -> None:
    for code in (None, *defaults.CODES):
        english, polish = (defaults._words(code, language) for language in ("en", "pl"))
        assert english.keys() == polish.keys()
        assert all(english.values()) and all(polish.values())


def test_there_is_no_default_for_an_unknown_type() -> None:
    with pytest.raises(LookupError):
        defaults.load("order.lost", "pl")
    with pytest.raises(LookupError):
        defaults.load("order.placed", "xx")


@pytest.mark.promise("S3.16")
@pytest.mark.parametrize("code", ["order.placed", "order.paid"])
def test_a_confirmation_says_all_that_was_promised(code: str) -> None:
    message = mail(code, "en", shop={"note": "Join our ride\non Saturday"})
    assert 'src="https://rowerownia.pl/logo.png"' in message.html
    assert "10482" in message.html and "10482" in message.subject
    assert "Join our ride<br />" in message.html
    assert "KRA01M, ul. Zabłocie 20, Kraków" in message.html
    for fact in ("Helmet Giro Register MIPS", "Size M, olive", "2&nbsp;×", "€11.50", "€962.40"):
        assert fact in message.html
    assert 'href="https://rowerownia.pl/f/10482/4mP7sLwX"' in message.html
    assert "sklep@rowerownia.pl" in message.html and "12 345 67 80" in message.html
    for fact in ("10482", "Join our ride", "KRA01M", "Helmet", "€962.40", "/f/10482/4mP7sLwX"):
        assert fact in message.text


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


@pytest.mark.promise("S3.1")
@pytest.mark.parametrize("language", defaults.languages_of("order.shipped"))
def test_a_parcels_mail_has_the_tracking_link(language: str) -> None:
    message = mail("order.shipped", language)
    link = "https://inpost.pl/sledzenie?number=620999680123456789012345"
    assert f'href="{link}"' in message.html
    assert link in message.text


@pytest.mark.promise("S2.2")
@pytest.mark.parametrize("language", defaults.languages_of("customer.password_reset"))
def test_a_password_mail_has_the_link_and_when_it_expires(language: str) -> None:
    message = mail("customer.password_reset", language)
    assert 'href="https://rowerownia.pl/haslo/9vXr2LqTz7"' in message.html
    assert "https://rowerownia.pl/haslo/9vXr2LqTz7" in message.text
    assert "60" in message.html and "60" in message.text


def test_a_note_keeps_paragraphs_and_escapes_what_was_typed() -> None:
    message = mail("note", "en", text="One <b>\n\nTwo")
    assert re.search(r"One &lt;b&gt;<br />\s*<br />\s*Two", message.html)
    assert "One <b>\n\nTwo" in message.text


def test_a_note_needs_no_order() -> None:
    context = {key: value for key, value in sample_of("note", "pl").items() if key != "order"}
    message = render_all(defaults.load("note", "pl").parts, context)
    assert message.subject == "Wiadomość od Rowerownia"


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
    assert len(message.html.encode()) < 4_300
    assert len(message.text.encode()) < 1_100
