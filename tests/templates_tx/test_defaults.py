"""The built-in messages, in every language, as a customer gets them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from babel.dates import format_date
from babel.numbers import format_currency

from templates_tx import defaults, message_types
from templates_tx.contract import Kind
from templates_tx.rendering import render_all
from tests.built_in_mail import mail, shown, unbroken

ALL = list(defaults.every())
LANGUAGES = {"en", "pl", "nb", "fr", "cs", "de"}
IN_SIX_LANGUAGES = (
    "order.placed", "order.paid", "order.shipped", "customer.password_reset", "note",
    "booking.confirmed", "contact.form", "business.requested", "business.approved",
    "customer.registered", "document.invoice", "subscription.confirm", "term.expiring",
)  # fmt: skip
SAME_AS_IN_ENGLISH = {
    "pl": {"E-mail"},
    "fr": {"E-mail", "Date", "Total", "Contact"},
    "cs": {"E-mail"},
}
AMOUNTS_AND_DATES = {
    "en": ("€962.40", "November 20, 2026"),
    "pl": ("4 218,00 zł", "20 listopada 2026"),
    "nb": ("10 918,00 kr", "20. november 2026"),
    "fr": ("962,40 €", "20 novembre 2026"),
    "cs": ("24 467,00 Kč", "20. listopadu 2026"),
    "de": ("962,40 €", "20. November 2026"),
}


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
    barest = message_types.get(code).contract.barest(language)
    message = render_all(defaults.load(code, language).parts, barest)
    assert message.subject.strip(" :,") == message.subject
    assert "<img" not in message.html
    assert 'href=""' not in message.html and 'href="#"' not in message.html
    assert not re.search(r"<(td|p|small|b|h1)\b[^>]*>\s*</\1>", idle_cells_left_out(message.html))
    assert "\n\n\n" not in message.text
    assert not re.search(r"[:,(]\s*$", message.text.partition("\n--\n")[0])


def idle_cells_left_out(html: str) -> str:
    """Leave out what stands empty on purpose: a picture's place, a line below articles."""
    return re.sub(r'<td height="\d+"></td>|<p class="line"[^>]*></p>', "", html)


@pytest.mark.parametrize("code", defaults.CODES)
def test_what_staff_edit_is_one_source_without_our_placeholders(code: str) -> None:
    for language in defaults.languages_of(code):
        template = defaults.load(code, language)
        for source in (template.subject, template.body, template.text, template.html):
            assert not re.search(r"\{\{ (t|part)\.", source)


@pytest.mark.promise("S4.4")
@pytest.mark.parametrize("code", IN_SIX_LANGUAGES)
def test_what_most_shops_send_is_there_in_six_languages(code: str) -> None:
    assert set(defaults.languages_of(code)) == LANGUAGES


@pytest.mark.parametrize(("code", "language"), ALL)
def test_all_languages_have_the_same_words(code: str, language: str) -> None:
    english, words = (defaults._words(code, each) for each in ("en", language))
    assert english.keys() == words.keys()
    assert all(words.values())
    assert words["preheader"]


@pytest.mark.parametrize(("code", "language"), [pair for pair in ALL if pair[1] != "en"])
def test_no_word_is_left_in_english(code: str, language: str) -> None:
    english, words = (defaults._words(code, each) for each in ("en", language))
    same = {words[key] for key in words if words[key] == english[key] and is_prose(words[key])}
    assert same <= SAME_AS_IN_ENGLISH.get(language, set())


def is_prose(words: str) -> bool:
    return re.search(r"[A-Za-z]", re.sub(r"\{[{%].*?[%}]\}", "", words)) is not None


@pytest.mark.parametrize(("code", "language"), [pair for pair in ALL if pair[1] == "fr"])
def test_french_signs_stand_behind_a_space_that_does_not_break(code: str, language: str) -> None:
    message = mail(code, language, shop={"note": ""})
    own = re.sub(r"https?://\S+|\d\d:\d\d", "", f"{message.subject}\n{message.text}")
    assert not re.search(r"[^\u00a0][:;!?»](?:\s|$)|«[^\u00a0]", sample_left_out(own))


def sample_left_out(text: str) -> str:
    """Leave out what customers typed in the samples."""
    return text.replace("Quelle taille choisir ?", "").replace("l'expédier jeudi ?", "")


def test_there_is_no_default_for_an_unknown_type() -> None:
    with pytest.raises(LookupError):
        defaults.load("order.lost", "pl")
    with pytest.raises(LookupError):
        defaults.load("order.placed", "xx")


# What every one of them says


@pytest.mark.parametrize(("code", "language"), ALL)
def test_the_text_says_all_that_the_page_says(code: str, language: str) -> None:
    message = mail(code, language)
    text = unbroken(message.text)
    links = {unescape(link) for link in re.findall(r'href="(https?:[^"]*)"', message.html)}
    assert [link for link in links if link not in text] == []
    assert numbers_in(shown(message.html)) - numbers_in(text) == set()


def numbers_in(text: str) -> set[str]:
    """Return every word that has a digit: amounts, days, hours, numbers of things."""
    return {word.rstrip(".,:") for word in re.findall(r"[\w−€.,:/-]*\d[\w.,:/-]*", text)}


def must_appear(code: str, language: str) -> Iterator[str]:
    """What of the sample has to be in the message, as it is written there."""
    contract = message_types.get(code).contract
    sample = contract.sample(language)
    for path in contract.must_appear:
        value: Any = sample
        for name in path.split("."):
            value = value[name]
        if path in contract.lists():
            yield from (row["name"] for row in value)
        elif contract.fields()[path].kind in (Kind.DATE, Kind.MOMENT):
            day = dt.date.fromisoformat(value[:10])
            yield format_date(day, "long", locale=language)
        elif contract.fields()[path].kind == Kind.MONEY:
            yield format_currency(value, sample["currency"], locale=language)
        else:
            yield str(value)


@pytest.mark.parametrize(("code", "language"), ALL)
def test_what_must_appear_is_in_page_and_text(code: str, language: str) -> None:
    message = mail(code, language)
    page, text = f"{shown(message.html)} {unescape(message.html)}", unbroken(message.text)
    for fact in must_appear(code, language):
        assert unbroken(fact) in page and unbroken(fact) in text, fact


@pytest.mark.parametrize("code", ["order.placed", "order.paid"])
@pytest.mark.parametrize("language", AMOUNTS_AND_DATES)
def test_amounts_and_dates_are_written_as_the_language_does(code: str, language: str) -> None:
    message = mail(code, language)
    for fact in AMOUNTS_AND_DATES[language]:
        assert fact in shown(message.html) and fact in unbroken(message.text)


@pytest.mark.promise("S4.6")
@pytest.mark.parametrize(("code", "language"), ALL)
def test_none_asks_to_unsubscribe(code: str, language: str) -> None:
    message = mail(code, language)
    hints = r"unsub|opt.?out|wypis|avmeld|désinscr|désabonn|odhlá|abbestell|abmeld"
    assert not re.search(hints, f"{message.html} {message.text}", re.IGNORECASE)


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
    assert message.html.count('href="https://rowerownia.pl/haslo/9vXr2LqTz7"') == 2
    assert "https://rowerownia.pl/haslo/9vXr2LqTz7" in shown(message.html)
    assert "https://rowerownia.pl/haslo/9vXr2LqTz7" in message.text
    assert "60" in message.html and "60" in message.text
