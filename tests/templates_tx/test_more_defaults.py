"""The built-in messages about changes, money, parcels, returns and papers, and those for staff."""

from __future__ import annotations

import re
from typing import Any

import pytest

from templates_tx import defaults, message_types
from templates_tx.contract import Contract, Field, Group, Kind
from templates_tx.rendering import Rendered, render_all

CODES = (
    "order.changed",
    "order.on_hold",
    "order.preparing",
    "order.cancelled",
    "payment.failed",
    "payment.reminder",
    "order.partly_shipped",
    "order.tracking_changed",
    "delivery.out_for_delivery",
    "delivery.delivered",
    "delivery.ready_for_pickup",
    "return.received",
    "return.state_changed",
    "withdrawal.received",
    "refund.paid",
    "refund.partial",
    "document.credit_note",
    "document.sent",
    "customer.verify_address",
    "business.declined",
    "stock.back",
    "staff.new_order",
    "staff.low_stock",
)
ALL = [(code, language) for code in CODES for language in ("en", "pl")]
every_type = pytest.mark.parametrize(("code", "language"), ALL)
both_languages = pytest.mark.parametrize("language", ["en", "pl"])


def contract_of(code: str) -> Contract:
    return message_types.get(code).contract


def render(code: str, language: str, context: dict[str, Any]) -> Rendered:
    return render_all(defaults.load(code, language).parts, context)


def mail(code: str, language: str, **changes: Any) -> Rendered:
    """Render with the sample; `order={...}` and the like change single values."""
    context = contract_of(code).sample(language)
    for key, change in changes.items():
        context[key] = context[key] | change if isinstance(change, dict) else change
    return render(code, language, context)


def barest(code: str, language: str, **changes: Any) -> Rendered:
    """Render with everything empty that may be, but for the changes."""
    context = contract_of(code).barest(language)
    for key, change in changes.items():
        context[key] = context[key] | change if isinstance(change, dict) else change
    return render(code, language, context)


def words_of(html: str) -> str:
    """What is read of an HTML part, on one line."""
    seen = re.sub(r"<style\b.*?</style>|<[^>]*>", " ", html.replace("&nbsp;", " "), flags=re.DOTALL)
    return re.sub(r"\s+", " ", seen)


def body_of(html: str) -> str:
    """The HTML part without its preheader, which nobody sees in the opened message."""
    return re.sub(r'<div style="display:none.*?</div>', "", html, flags=re.DOTALL)


@every_type
def test_it_renders_with_its_sample(code: str, language: str) -> None:
    message = mail(code, language)
    assert message.subject
    assert f'<html lang="{language}">' in message.html
    for part in (message.html, message.text, message.subject):
        assert "{{" not in part and "{%" not in part
    assert "sklep@rowerownia.pl" in message.html and "sklep@rowerownia.pl" in message.text
    assert len(message.html.encode()) < 4_600


@every_type
def test_it_reads_well_with_everything_optional_empty(code: str, language: str) -> None:
    message = barest(code, language)
    assert 'href="#"' not in message.html and 'href=""' not in message.html
    assert 'src="' not in message.html
    assert "<table></table>" not in message.html
    assert "\n\n\n" not in message.text and message.text == message.text.lstrip()
    assert not re.search(r"<(b|p|small|a)\b[^>]*>\s*</\1>|</small>(?:<br>|\s)*</p>", message.html)
    for part in (message.subject, message.text):
        # No label, bracket or comma whose value is missing.
        assert not re.search(r"\w [,.:;]|\(\s*\)|: *[.,]|, *[.,]|:\n\n|: +$|,$", part, re.MULTILINE)


@every_type
def test_its_text_part_has_one_empty_line_between_paragraphs(code: str, language: str) -> None:
    text = mail(code, language).text
    assert "\n\n\n" not in text
    heading, empty, intro = text.split("\n")[:3]
    assert heading and not empty and intro
    assert "\n\n--\nRowerownia\n" in text


@every_type
def test_it_renders_where_nobody_handed_in_what_is_optional(code: str, language: str) -> None:
    """A change of an order's state brings the order alone, without the type's own values."""
    contract = contract_of(code)
    context = contract.sample(language)
    for entry in contract.entries:
        if not isinstance(entry, Group) and entry.may_be_empty:
            del context[entry.name]
    assert render(code, language, context).subject


@every_type
def test_what_must_appear_appears_in_both_parts(code: str, language: str) -> None:
    contract = contract_of(code)
    fields = contract.fields()
    for number, path in enumerate(contract.must_appear):
        field = fields[path]
        probe = _probe(field, number)
        message = mail(code, language, **_nested(path, probe))
        seen = _as_seen(field, probe)
        assert seen in body_of(message.html), path
        assert seen in message.text, path


def _probe(field: Field, number: int) -> str:
    """A value that no template would say by chance."""
    return {
        Kind.MONEY: f"{7137 + number}.00",
        Kind.NUMBER: f"{7137 + number}",
        Kind.MOMENT: "2031-07-13T11:59:00+00:00",
        Kind.LINK: f"https://probe.example/{number}",
    }.get(field.kind, f"Qx{number}Z")


def _as_seen(field: Field, probe: str) -> str:
    return {Kind.MONEY: probe[1:-3], Kind.MOMENT: "13:59"}.get(field.kind, probe)


def _nested(path: str, value: str) -> dict[str, Any]:
    group, _, name = path.rpartition(".")
    return {group: {name: value}} if group else {name: value}


@pytest.mark.parametrize("code", CODES)
def test_both_languages_have_the_same_words_and_none_is_empty(code: str) -> None:
    english, polish = (defaults._words(code, language) for language in ("en", "pl"))
    assert english.keys() == polish.keys()
    assert all(english.values()) and all(polish.values())


@every_type
def test_the_line_beside_the_subject_adds_to_it(code: str, language: str) -> None:
    html = mail(code, language).html
    found = re.search(r'<div style="display:none[^"]*">(.*?)</div>', html, re.DOTALL)
    assert found is not None
    preheader = found[1]
    assert 10 < len(preheader) < 90 and "\n" not in preheader
    assert preheader.rstrip(".?") != mail(code, language).subject


@every_type
def test_links_that_are_no_links_are_not_followed(code: str, language: str) -> None:
    contract = contract_of(code)
    links = [path for path, field in contract.fields().items() if field.kind == Kind.LINK]
    for path in links:
        message = mail(code, language, **_nested(path, "javascript:alert(1)"))
        assert "javascript:" not in message.html
        assert "javascript:" not in message.text


@every_type
def test_what_customers_typed_stays_text(code: str, language: str) -> None:
    attack = '"><script>alert(1)</script>{{ shop.name }}'
    contract = contract_of(code)
    typed = [
        path
        for path, field in contract.fields().items()
        if field.kind in {Kind.TEXT, Kind.MULTILINE, Kind.EMAIL}
        and path not in {"locale", "currency", "time_zone"}
    ]
    for path in typed:
        assert "<script" not in mail(code, language, **_nested(path, attack)).html


@pytest.mark.promise("S5.21")
@pytest.mark.parametrize(
    ("language", "moment"),
    [("en", "November 28, 2026, 21:14"), ("pl", "28 listopada 2026, 21:14")],
)
def test_a_withdrawal_is_acknowledged_with_its_content_date_and_time(
    language: str, moment: str
) -> None:
    statement = "I withdraw from the contract.\nBoth <b>helmets</b>."
    withdrawal = {"statement": statement, "received_at": "2026-11-28T20:14:05+00:00"}
    message = mail("withdrawal.received", language, withdrawal=withdrawal)
    html = body_of(message.html)
    assert moment in html and f"{moment} (Europe/Warsaw)" in message.text
    assert "Europe/Warsaw" in html
    assert "I withdraw from the contract.<br />" in html
    assert "Both &lt;b&gt;helmets&lt;/b&gt;." in html
    assert statement in message.text
    assert "10482" in message.subject
    for fact in ("O-77", "Giro Register MIPS", "10482"):
        assert fact in html and fact in message.text


@pytest.mark.promise("S5.21")
@both_languages
def test_a_withdrawal_late_at_night_has_the_date_of_the_shops_clock(language: str) -> None:
    received = {"received_at": "2026-11-28T23:30:00+00:00"}
    message = mail("withdrawal.received", language, withdrawal=received)
    day = {"en": "November 29, 2026, 00:30", "pl": "29 listopada 2026, 00:30"}[language]
    assert day in body_of(message.html) and day in message.text


@pytest.mark.promise("S5.21")
@both_languages
def test_a_withdrawal_with_nothing_optional_still_has_content_date_and_time(language: str) -> None:
    message = barest("withdrawal.received", language)
    declared = {"en": "I withdraw from the contract", "pl": "Odstępuję od umowy"}[language]
    for part in (body_of(message.html), message.text):
        assert declared in part and "2026, 21:14" in part and "14" in part


@both_languages
def test_a_new_order_has_lines_amounts_customer_and_link(language: str) -> None:
    message = mail("staff.new_order", language, order={"note": "Ring twice"})
    total = {"en": "€962.40", "pl": "4 218,00 zł"}[language]
    for part in (words_of(message.html), message.text.replace("\xa0", " ")):
        for fact in ("GKE-40", "Giro Register MIPS", "2 ×", "Anna Wiśniewska", "Ring twice"):
            assert fact in part
        assert total in part.replace("\xa0", " ")
    assert total in message.subject.replace("\xa0", " ")
    assert 'href="https://rowerownia.pl/z/10482/8Kq2ZrTn"' in message.html
    assert 'href="mailto:anna.wisniewska@wp.pl"' in message.html


@both_languages
@pytest.mark.parametrize("code", ["staff.new_order", "staff.low_stock"])
def test_staff_are_neither_thanked_nor_asked_to_write_to_themselves(
    code: str, language: str
) -> None:
    message = mail(code, language)
    for part in (message.subject, message.html, message.text):
        for word in ("Thank", "Dziękuj", "Questions?", "Pytania?"):
            assert word not in part


@pytest.mark.parametrize(("state", "words"), [("paid", "Card, paid"), ("unpaid", "not paid yet")])
def test_a_new_order_says_whether_it_is_paid(state: str, words: str) -> None:
    message = mail("staff.new_order", "en", order={"payment_state": state})
    assert words in message.html and words in message.text


@pytest.mark.parametrize(
    ("language", "sent", "to_come"),
    [("en", "In this parcel", "Still to come"), ("pl", "W tej paczce", "Wyślemy później")],
)
def test_a_part_of_an_order_lists_what_left_and_what_is_to_come(
    language: str, sent: str, to_come: str
) -> None:
    message = mail("order.partly_shipped", language)
    for part in (words_of(message.html), message.text):
        first, _, second = part.partition(to_come)
        assert "Giro Register" in first.partition(sent)[2] and "Giro Register" not in second
        assert "Kross Esker" in second and "Elite Fly" in second
        assert "Kross Esker" not in first
    bare = barest("order.partly_shipped", language)
    for part in (bare.html, bare.text):
        assert sent not in part and to_come not in part


@both_languages
def test_a_reminder_has_amount_day_account_and_a_button(language: str) -> None:
    message = mail("payment.reminder", language)
    day = {"en": "December 4, 2026", "pl": "4 grudnia 2026"}[language]
    amount = {"en": "€962.40", "pl": "4 218,00 zł"}[language]
    for part in (body_of(message.html), message.text):
        part = part.replace("\xa0", " ").replace("&nbsp;", " ")
        for fact in (day, amount, "PL61 1090 1014", "https://rowerownia.pl/p/10482/8Kq2ZrTn"):
            assert fact in part
    by_bank = barest("payment.reminder", language, bank_account="PL61 1090")
    assert 'class="button"' not in by_bank.html and "rowerownia.pl/p/" not in by_bank.html
    assert "PL61 1090" in by_bank.html and "PL61 1090" in by_bank.text


@both_languages
def test_a_pick_up_says_where_until_when_with_which_code(language: str) -> None:
    point = {"pickup_point": "ul. Rynek 1"}
    message = mail("delivery.ready_for_pickup", language, order=point)
    hours = {"en": "Mon–Fri 9–17", "pl": "pn.–pt. 9–17"}[language]
    for part in (body_of(message.html), message.text):
        for fact in ("ul. Rynek 1", "4471", hours, "2026"):
            assert fact in part


def test_a_pick_up_in_the_shop_itself_is_at_the_shops_address() -> None:
    message = mail("delivery.ready_for_pickup", "en", order={"pickup_point": ""})
    assert "Where: Rowerownia Sp. z o.o., ul. Zabłocie 23" in message.text


@both_languages
def test_an_address_is_verified_by_a_button_and_by_the_written_link(language: str) -> None:
    message = mail("customer.verify_address", language, valid_minutes=45)
    link = "https://rowerownia.pl/adres/3kLm8Vw2Pq"
    assert f'href="{link}"' in message.html
    assert link in words_of(message.html)
    assert link in message.text
    assert "45 min" in words_of(body_of(message.html)) and "45 min" in message.text


def test_only_who_has_paid_is_told_of_money_that_comes_back() -> None:
    assert "return the money" in mail("order.cancelled", "en").text
    unpaid = mail("order.cancelled", "en", order={"payment_state": "unpaid"})
    assert "return the money" not in unpaid.text and "return the money" not in unpaid.html


def test_a_return_without_a_number_of_its_own_does_not_repeat_the_orders() -> None:
    message = mail("return.received", "en", **{"return": {"number": "10482"}})
    assert message.text.count("10482") == 1


@pytest.mark.parametrize(("left", "heading"), [("2", "is running out"), ("0", "is sold out")])
def test_low_stock_says_when_nothing_is_left(left: str, heading: str) -> None:
    assert heading in mail("staff.low_stock", "en", product={"left": left}).html


def test_a_document_without_a_link_is_said_to_be_attached() -> None:
    linked, attached = (
        mail("document.sent", "en"),
        mail("document.sent", "en", document={"url": ""}),
    )
    assert "download" in linked.text and "attached" not in linked.text
    assert "attached" in attached.text and "ownload" not in attached.text
