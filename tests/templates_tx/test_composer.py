from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, transaction

from mailaccounts.models import SenderAccount
from maillog.loading import render_missing
from maillog.mime import Attachment
from maillog.models import AttachmentFile, MailMessage
from maillog.session import Session
from maillog.states import Reason, Role, State
from shops import signals
from shops.models import Order, ResetMark, Shop
from templates_tx import composer
from templates_tx.context import full_context
from templates_tx.models import MessageTemplate, TemplateAssignment, TemplateVersion
from templates_tx.notify import notify
from tests import factories
from tests.smtp import sink

pytestmark = pytest.mark.django_db


def sent_for(order: Order, code: str = "order.placed") -> MailMessage:
    return MailMessage.objects.get(order_number=order.number, message_type=code)


@pytest.mark.promise("S2.1", "S2.4")
def test_a_placed_order_is_confirmed_to_its_buyer_in_their_language(shop: Shop) -> None:
    order = factories.place_order(shop)
    message = sent_for(order)
    assert message.state == State.QUEUED
    assert message.language == "pl" and order.number in message.subject
    assert message.deliveries.get().address == order.customer.email


@pytest.mark.parametrize(
    ("language", "expected"), [("pl", "pl"), ("en", "en"), ("cs", "cs"), ("sk", "pl")]
)
def test_the_customers_language_decides_then_the_shops(
    shop: Shop, language: str, expected: str
) -> None:
    customer = factories.make_customer(shop, language=language)
    assert sent_for(factories.place_order(shop, customer)).language == expected


@pytest.mark.promise("S0.1")
def test_each_shop_writes_from_its_own_account_as_it_decided_itself(
    shop: Shop, other_shop: Shop
) -> None:
    mine = SenderAccount.objects.get(shop=shop, is_main=True)
    TemplateAssignment.objects.create(
        shop=shop, message_type="order.placed", account=mine, copy_to_owner=True, delay_minutes=60
    )
    for number, each in enumerate((other_shop, shop, other_shop)):
        order = factories.place_order(each, number=f"shop-{number}")
        message = sent_for(order)
        account = SenderAccount.objects.get(shop=each, is_main=True)
        assert (message.account, message.from_address) == (account, account.from_address)
        assert message.deliveries.count() == (2 if each == shop else 1)


def test_english_is_the_last_resort(other_shop: Shop) -> None:
    other_shop.language = "sk"
    other_shop.save()
    customer = factories.make_customer(other_shop, language="sk")
    assert sent_for(factories.place_order(other_shop, customer)).language == "en"


def test_a_paid_order_says_so_only_where_the_shop_wants_it(shop: Shop) -> None:
    first = factories.place_order(shop)
    first.mark_paid()
    quiet = sent_for(first, "order.paid")
    assert (quiet.state, quiet.reason) == (State.NOT_SENT, Reason.OFF)
    TemplateAssignment.objects.create(shop=shop, message_type="order.paid", is_on=True)
    second = factories.place_order(shop)
    second.mark_paid()
    second.mark_paid()
    assert sent_for(second, "order.paid").state == State.QUEUED


def test_a_tracking_link_is_mailed_once(shop: Shop) -> None:
    order = factories.place_order(shop)
    assert order.ship("https://inpost.example/track/6842", "6842", "InPost")
    assert not order.ship("https://inpost.example/track/6842", "6842", "InPost")
    message = sent_for(order, "order.shipped")
    render_missing([message])
    assert "https://inpost.example/track/6842" in message.body.text


def test_a_note_reaches_the_customer_once_a_click(shop: Shop) -> None:
    order = factories.place_order(shop)
    for _click in range(2):
        order.write_note("Rama jest gotowa.\n\nZapraszamy <w piątek>.", occurrence="token1")
    message = sent_for(order, "note")
    render_missing([message])
    assert "Rama jest gotowa." in message.body.text
    assert "&lt;w piątek&gt;" in message.body.html


def test_a_password_mail_is_sensitive_and_goes_first(shop: Shop) -> None:
    signals.password_reset_requested.send(
        Shop,
        shop=shop,
        to="anna@klient.example",
        name="Anna",
        language="pl",
        link="https://rowerownia.example/haslo/abc",
        valid_minutes=60,
        occurrence="customer:1/reset:1",
    )
    message = MailMessage.objects.get(message_type="customer.password_reset")
    assert message.sensitive and message.critical and message.unknown_policy == "repeat_now"
    assert message.deliveries.get().priority == 1


def test_the_owner_gets_the_customers_own_message_where_the_switch_is_on(shop: Shop) -> None:
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", copy_to_owner=True)
    message = sent_for(factories.place_order(shop))
    assert message.deliveries.get(role=Role.COPY).address == shop.contact_email


def test_the_chosen_account_sends_and_the_main_one_where_it_cannot(shop: Shop) -> None:
    main = factories.make_account(shop)
    other = factories.make_account(shop, from_address="zamowienia@rowerownia.example")
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", account=other)
    assert sent_for(factories.place_order(shop)).from_address == "zamowienia@rowerownia.example"
    SenderAccount.objects.filter(pk=other.pk).update(state="disabled")
    assert sent_for(factories.place_order(shop)).account == main


@pytest.fixture
def broken_template(shop: Shop) -> MessageTemplate:
    template = MessageTemplate.objects.create(shop=shop, message_type="order.placed", language="pl")
    template.current = TemplateVersion.objects.create(
        template=template, number=1, subject="{{ order.nummer }}", html="x", text="x"
    )
    template.save()
    return template


@pytest.mark.promise("S4.33")
def test_an_error_in_the_text_never_breaks_the_order(
    shop: Shop, broken_template: MessageTemplate
) -> None:
    order = factories.place_order(shop)
    message = sent_for(order)
    assert Order.objects.filter(pk=order.pk).exists()
    assert (message.state, message.reason) == (State.HELD, Reason.TEMPLATE)
    assert "nummer" in message.detail and message.to_text == order.customer.email


def test_what_could_not_be_composed_can_be_said_once_it_is_mended(
    shop: Shop, broken_template: MessageTemplate
) -> None:
    order = factories.place_order(shop)
    MessageTemplate.objects.filter(pk=broken_template.pk).update(in_use=False)
    signals.order_placed.send(Order, order=order)
    signals.order_placed.send(Order, order=order)
    states = MailMessage.objects.filter(order_number=order.number).values_list("state", flat=True)
    assert sorted(states) == [State.HELD, State.QUEUED]


def test_what_fails_again_is_held_once_and_shows_the_mistake_of_now(
    shop: Shop, broken_template: MessageTemplate
) -> None:
    order = factories.place_order(shop)
    factories.new_version(broken_template, subject="{{ order.anders }}")
    signals.order_placed.send(Order, order=order)
    message = sent_for(order)
    assert message.state == State.HELD and "anders" in message.detail
    other = factories.place_order(shop)
    assert sent_for(other).state == State.HELD, "another order's is another message"


def test_one_that_kept_its_facts_is_held_beside_one_that_could_not_read_them(
    shop: Shop, broken_template: MessageTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(composer, "full_context", lambda *args: 1 / 0)
        order = factories.place_order(shop)
        signals.order_placed.send(Order, order=order)
    signals.order_placed.send(Order, order=order)
    signals.order_placed.send(Order, order=order)
    held = MailMessage.objects.filter(order_number=order.number).order_by("created_at")
    assert [each.template_version is not None for each in held] == [False, True]


def test_an_error_of_ours_never_breaks_the_order(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composer, "full_context", lambda *args: 1 / 0)
    order = factories.place_order(shop)
    assert sent_for(order).reason == Reason.TEMPLATE


def test_a_query_that_fails_while_composing_does_not_spoil_the_orders_transaction(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a savepoint PostgreSQL would refuse everything that follows."""

    def failing(*args: Any) -> None:
        factories.make_shop(slug=shop.slug)

    monkeypatch.setattr(composer, "full_context", failing)
    order = factories.place_order(shop)
    assert Order.objects.filter(pk=order.pk).exists()
    assert sent_for(order).reason == Reason.TEMPLATE


def test_a_lost_database_is_the_callers_business(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*args: Any) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(composer, "full_context", lost)
    with pytest.raises(OperationalError), transaction.atomic():
        factories.place_order(shop)


def test_an_order_that_is_rolled_back_leaves_no_message(shop: Shop) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        factories.place_order(shop)
        raise RuntimeError
    assert not MailMessage.objects.exists()


def test_a_message_keeps_the_words_it_was_made_with(shop: Shop) -> None:
    template = MessageTemplate.objects.create(shop=shop, message_type="order.placed", language="pl")
    first = TemplateVersion.objects.create(
        template=template, number=1, subject="Raz", html="<p>raz</p>", text="raz"
    )
    template.current = first
    template.save()
    message = sent_for(factories.place_order(shop))
    template.current = TemplateVersion.objects.create(
        template=template, number=2, subject="Dwa", html="<p>dwa</p>", text="dwa"
    )
    template.save()
    render_missing([message])
    assert (message.subject, message.body.text) == ("Raz", "raz")


def test_what_customers_type_is_never_a_template(shop: Shop) -> None:
    customer = factories.make_customer(shop, first_name="{{ shop.email }}", last_name="<b>{%")
    message = sent_for(factories.place_order(shop, customer, note="{{ order.total }} <script>"))
    render_missing([message])
    assert "{{ shop.email }}" in message.body.text
    assert "<script>" not in message.body.html and "<b>{%" not in message.body.html


def test_names_with_nul_and_half_characters_do_not_stop_an_order(shop: Shop) -> None:
    draft = factories.order_draft(shop)
    lines = factories.some_lines()
    Order.place(draft, lines)
    lines[0].name = "Kask\x00 \ud83d"
    facts = draft.facts()
    context = full_context(shop, facts, "pl")
    assert "\x00" not in str(context)


def test_a_marked_order_stays_silent_for_that_message_only(shop: Shop) -> None:
    order = factories.place_order(shop)
    ResetMark.objects.create(shop=shop, parameter="order.shipped", imported_until=order.imported_at)
    order.ship("https://inpost.example/1")
    assert sent_for(order, "order.shipped").reason == Reason.RESET
    order.write_note("Dzień dobry", occurrence="1")
    assert sent_for(order, "note").state == State.QUEUED


def test_notify_says_an_occurrence_once_and_names_what_is_not_plain(shop: Shop) -> None:
    def ask(**context: Any) -> MailMessage | None:
        return notify(
            "customer.password_reset",
            shop=shop,
            to="anna@klient.example",
            language="pl",
            context={"link": "https://rowerownia.example/x", "valid_minutes": 60, **context},
            occurrence="reset:7",
        )

    assert ask() is not None and ask() is None
    with pytest.raises(ValueError, match="extra"):
        ask(extra=object())


def test_files_of_a_message_that_is_switched_off_are_not_kept(shop: Shop) -> None:
    factories.make_account(shop)
    TemplateAssignment.objects.create(shop=shop, message_type="document.invoice", is_on=False)
    file = Attachment("faktura.pdf", "application/pdf", factories.PDF)
    message = notify("document.invoice", shop=shop, to="anna@klient.example", attachments=(file,))
    assert message is not None and message.state == State.NOT_SENT
    assert not message.has_files and not message.attachments.exists()
    assert not AttachmentFile.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise("S2.1")
def test_an_order_becomes_a_mail_that_arrives(
    shop: Shop, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with sink() as server:
        account = factories.make_account(shop, port=server.port)
        order = factories.place_order(shop)
        Session(account, "tests:1", threading.Event()).run()
    [received] = server.store.received
    assert received.rcpt_to == (order.customer.email,)
    assert sent_for(order).state == State.SENT
