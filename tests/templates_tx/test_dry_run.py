"""Words are tried on the shop's latest real orders before they are used."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic, thread_time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from maillog.models import MailMessage
from shops.documents.keeping import revoke
from shops.models import Order, Shop
from templates_tx import dry_run, message_types
from templates_tx.contract_check import Sources
from templates_tx.dry_run import DryRun, try_all_on_orders, try_on_orders
from templates_tx.models import MessageTemplate, TemplateAssignment, TemplateVersion
from templates_tx.notify import notify
from templates_tx.rendering import TemplateError, render_part
from tests import factories

pytestmark = pytest.mark.django_db

ORDER = message_types.get("order.placed")
WORDS = Sources(
    subject="{{ order.number }}",
    html_source="<p>{{ order.number }}</p>",
    text="{{ order.number }}\n{{ order.total | money }}",
)
# Fails where the customer has written a note that is no number.
FAILS = "{% if order.note %}{{ order.note | append: '' | money }}{% endif %}"


@pytest.fixture
def orders(shop: Shop) -> list[Order]:
    """Sixty orders, oldest first; three of the latest fifty have a note."""
    customer = factories.make_customer(shop)
    return [
        factories.place_order(
            shop,
            customer,
            number=f"Z{number:02}",
            note="Proszę dzwonić" if number in (5, 15, 33, 59) else "",
        )
        for number in range(60)
    ]


FAILS_NOW = "{{ order.nothing }}{% endif %}x"


def failed(run: DryRun) -> list[str]:
    return [each.order_number for each in run.failures]


@pytest.mark.promise("S5.5")
def test_one_that_fails_for_three_of_fifty_orders_names_exactly_those(
    shop: Shop, orders: list[Order]
) -> None:
    run = try_on_orders(replace(WORDS, text=WORDS.text + "\n" + FAILS), ORDER, shop)
    assert run.tried == 50
    assert failed(run) == ["Z59", "Z33", "Z15"]
    assert {(each.part, each.line) for each in run.failures} == {("text", 3)}
    assert run.failures[0].message == "“Proszę dzwonić” is not a number."


@pytest.mark.parametrize("part", ["subject", "preheader", "html_source", "text", "sms"])
def test_a_failure_names_its_part_and_its_line_in_what_was_written(
    shop: Shop, orders: list[Order], part: str
) -> None:
    words = replace(WORDS, **{part: f"x\n{FAILS}"})
    run = try_on_orders(words, ORDER, shop, "pl", count=1)
    [failure] = run.failures
    assert (failure.part, failure.line) == (part.removesuffix("_source"), 2)


def test_words_that_fail_for_nobody_have_no_failure(shop: Shop, orders: list[Order]) -> None:
    assert try_on_orders(WORDS, ORDER, shop) == DryRun(50, [])
    assert try_on_orders(WORDS, ORDER, shop, count=7).tried == 7


def test_only_the_shops_own_orders_are_tried(shop: Shop, other_shop: Shop) -> None:
    factories.place_order(other_shop)
    assert try_on_orders(WORDS, ORDER, shop).tried == 0


def test_each_order_is_written_in_its_own_language_or_in_the_one_asked_for(shop: Shop) -> None:
    for language in ("pl", "en"):
        factories.place_order(shop, factories.make_customer(shop, language=language))
    words = replace(
        WORDS, text="{% if locale == 'en' %}{{ order.number | append: 'x' | money }}{% endif %}"
    )
    assert len(try_on_orders(words, ORDER, shop).failures) == 1
    assert len(try_on_orders(words, ORDER, shop, "en").failures) == 2
    assert len(try_on_orders(words, ORDER, shop, "pl").failures) == 0


@pytest.mark.promise("S4.22")
def test_a_template_loops_over_the_lines_of_each_order(shop: Shop) -> None:
    order = factories.place_order(shop)
    loop = "{% for item in order.items %}{{ item.name }};{% endfor %}"
    [case] = dry_run.cases_of_orders(ORDER, shop, [order.facts()])
    assert render_part(loop, "text", case.context) == (
        "Kask Giro Register MIPS;Bidon Elite Fly 750 ml;"
    )
    assert try_on_orders(replace(WORDS, text=loop), ORDER, shop) == DryRun(1, [])


def test_what_an_order_does_not_have_comes_from_the_sample(shop: Shop) -> None:
    factories.place_order(shop)
    reminder = message_types.get("payment.reminder")
    words = replace(WORDS, text="{{ amount_due | money }} {{ order.number }}")
    assert try_on_orders(words, reminder, shop) == DryRun(1, [])


def test_merge_tags_are_tried_as_liquid(shop: Shop) -> None:
    factories.place_order(shop)
    words = replace(WORDS, text="*|ORDER_NUMBER|* *|order.lost|*")
    assert len(try_on_orders(words, ORDER, shop).failures) == 0
    words = replace(WORDS, text="*|VOUCHER|*")
    assert [each.message for each in try_on_orders(words, ORDER, shop).failures] == [
        "“VOUCHER” is not known here."
    ]


def test_html_that_cannot_be_compiled_is_said(shop: Shop) -> None:
    with pytest.raises(TemplateError):
        try_on_orders(replace(WORDS, html_source="<mj-foo>x</mj-foo>"), ORDER, shop)


def test_what_is_about_no_order_is_tried_with_the_log(shop: Shop) -> None:
    reset = message_types.get("customer.password_reset")
    words = Sources("x", "", "{{ link }}{% if valid_minutes == 5 %}{{ nothing }}{% endif %}")
    assert try_on_orders(words, reset, shop).tried == 0
    for minutes in (5, 60):
        notify(
            "customer.password_reset",
            shop=shop,
            to=f"anna{minutes}@klient.example",
            context={"link": "https://rowerownia.example/x", "valid_minutes": minutes},
        )
    run = try_on_orders(words, reset, shop)
    assert run.tried == 2
    [failure] = run.failures
    assert "anna5@klient.example" in failure.order_number


def test_a_snapshot_that_is_older_than_a_value_of_its_contract_does_not_fail(shop: Shop) -> None:
    product = {"name": "Kask", "variant": "M", "price": "", "url": "", "image_url": ""}
    message = notify(
        "stock.back", shop=shop, to="anna@klient.example", context={"product": product}
    )
    assert message is not None and message.context is not None
    del message.context["product"]["variant"]
    message.save(update_fields=["context"])
    words = Sources("x", "", "{{ product.name }}{{ product.variant }}")
    assert try_on_orders(words, message_types.get("stock.back"), shop) == DryRun(1, [])


def test_it_asks_the_database_four_times_at_most_and_is_quick(
    shop: Shop, orders: list[Order]
) -> None:
    try_on_orders(WORDS, ORDER, shop)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        started = thread_time()
        try_on_orders(WORDS, ORDER, shop)
        taken = thread_time() - started
    assert len(queries) <= 4
    assert taken < 0.3  # about 0.05 on a machine that does nothing else


def test_a_template_that_never_ends_is_stopped(
    shop: Shop, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run, "LONGEST", 0.5)
    slow = "{% for a in (1..9999) %}{{ 'x' | append: 'y' | upcase | size }}{% endfor %}" * 15
    started = monotonic()
    run = try_on_orders(replace(WORDS, text=slow), ORDER, shop)
    assert monotonic() - started < 10
    assert 0 < run.tried < 50
    assert len(run.failures) == run.tried


def own(shop: Shop, code: str, language: str, text: str) -> MessageTemplate:
    template = MessageTemplate.objects.create(shop=shop, message_type=code, language=language)
    template.current = TemplateVersion.objects.create(
        template=template, number=1, subject="x", text=text
    )
    template.save()
    return template


def test_every_message_that_is_on_is_tried_with_the_words_in_use(shop: Shop) -> None:
    TemplateAssignment.objects.create(shop=shop, message_type="order.paid", is_on=True)
    TemplateAssignment.objects.create(shop=shop, message_type="order.shipped", is_on=False)
    pole = factories.place_order(shop)
    factories.place_order(shop, factories.make_customer(shop, language="en"))
    own(shop, "order.paid", "pl", "{{ order.nothing }}")
    runs = try_all_on_orders(shop)
    assert "order.shipped" not in runs
    assert runs["order.placed"] == DryRun(2, [])
    assert runs["order.paid"].tried == 2
    assert failed(runs["order.paid"]) == [pole.number]


def test_words_are_tried_in_the_language_that_they_are_in(shop: Shop) -> None:
    factories.place_order(shop, factories.make_customer(shop, language="cs"))
    MessageTemplate.objects.filter(message_type="order.placed", language="cs").delete()
    own(shop, "order.placed", "pl", "{% if locale != 'pl' %}{{ order.nothing }}{% endif %}x")
    assert try_all_on_orders(shop)["order.placed"] == DryRun(1, [])


def test_words_that_are_not_in_use_are_not_tried(shop: Shop) -> None:
    factories.place_order(shop)
    template = own(shop, "order.placed", "pl", "{{ order.nothing }}")
    assert failed(try_all_on_orders(shop)["order.placed"]) != []
    MessageTemplate.objects.filter(pk=template.pk).update(in_use=False)
    assert failed(try_all_on_orders(shop)["order.placed"]) == []


def test_another_shops_words_are_not_tried(shop: Shop, other_shop: Shop) -> None:
    factories.place_order(shop)
    own(other_shop, "order.placed", "pl", "{{ order.nothing }}")
    assert failed(try_all_on_orders(shop)["order.placed"]) == []


def test_all_messages_together_are_quick(shop: Shop, orders: list[Order]) -> None:
    for each in message_types.all_types():
        TemplateAssignment.objects.create(shop=shop, message_type=each.code, is_on=True)
    try_all_on_orders(shop)
    with CaptureQueriesContext(connection) as queries:
        started = thread_time()
        runs = try_all_on_orders(shop)
        taken = thread_time() - started
    assert len(queries) <= 8
    assert all(run.tried in (0, 50) for run in runs.values())
    assert taken < 4  # under 2 on a machine that does nothing else


def test_invoices_of_orders_cost_one_query_however_many_there_are(shop: Shop) -> None:
    customer = factories.make_customer(shop)

    def queries(orders: int) -> int:
        for _each in range(orders):
            order = factories.place_order(shop, customer)
            factories.make_document(order, f"FV/{order.number}")
        with CaptureQueriesContext(connection) as caught:
            try_all_on_orders(shop)
        return len(caught)

    assert queries(10) == queries(1)


def test_the_address_of_an_invoice_is_tried_as_the_order_has_it(shop: Shop) -> None:
    order = factories.place_order(shop)
    words = replace(WORDS, text="{% if order.invoice_url != '' %}{{ order.nothing }}{% endif %}x")
    revoke(factories.make_document(order, "FV/1"), None)
    factories.make_document(order, "PF/1", kind="pro_forma", content=factories.PDF + b"1")
    factories.make_document(factories.place_order(shop), "FV/2", content=factories.PDF + b"2")
    order.refresh_from_db()
    assert order.facts().invoice_url == ""
    assert order.number not in failed(try_on_orders(words, ORDER, shop))
    open_one = factories.make_document(order, "FV/3", content=factories.PDF + b"3")
    newest = factories.make_document(order, "FV/4", content=factories.PDF + b"4")
    order.refresh_from_db()
    assert order.facts().invoice_url == newest.link != open_one.link
    assert order.number in failed(try_on_orders(words, ORDER, shop))
    at_once = replace(WORDS, text=f"{{% if order.invoice_url == '{newest.link}' %}}{FAILS_NOW}")
    assert failed(try_on_orders(at_once, ORDER, shop)) == [order.number]


def test_a_dry_run_writes_and_sends_nothing(shop: Shop) -> None:
    factories.place_order(shop)
    before = MailMessage.objects.count()
    try_on_orders(WORDS, ORDER, shop)
    try_all_on_orders(shop)
    assert MailMessage.objects.count() == before
