"""Which messages are sent at all: the rules, before a message is made and before it leaves."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from maillog.loading import render_missing
from maillog.models import Delivery, MailMessage
from maillog.states import Reason, State
from shops.facts import OrderFacts, Party
from shops.models.order_states import PaymentState
from templates_tx.built_in import sync
from templates_tx.condition_words import delay_in_words, in_words, stored_in_words
from templates_tx.conditions import BadRule, Change, Rule, Then, can_hold, hold, read
from templates_tx.models import TemplateAssignment
from templates_tx.notify import notify
from templates_tx.renderer import parts_of, render
from tests import factories
from tests.maillog.test_session import send_all
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)

PAID = Rule(Then.SEND, "payment_state", "", "paid")
SHIPPED = Rule(Then.SEND, "delivery_state", "", "shipped")
NEVER_CANCELLED = Rule(Then.NOTHING, "state", "", "cancelled")
PENDING_TO_PAID = Rule(Then.SEND, "payment_state", "pending", "paid")
NOT_NEW_ANY_MORE = Rule(Then.SEND, "state", "new", "")
NEVER_BACK_TO_NEW = Rule(Then.NOTHING, "state", "on_hold", "new")


NOBODY = Party("", "")
FACTS = OrderFacts(
    number="10482",
    placed_at=timezone.now(),
    imported_at=timezone.now(),
    currency="PLN",
    language="pl",
    buyer=NOBODY,
    payer=NOBODY,
    recipient=NOBODY,
    lines=(),
    total=Decimal(0),
)


@pytest.mark.promise("S0.33")
@pytest.mark.parametrize(
    ("rules", "states", "change", "sent"),
    [
        ([], {}, None, True),
        ([PAID], {}, None, False),
        ([PAID], {"payment_state": "paid"}, None, True),
        ([PAID, SHIPPED], {"delivery_state": "shipped"}, None, True),
        ([PAID, SHIPPED], {}, None, False),
        ([NEVER_CANCELLED], {}, None, True),
        ([NEVER_CANCELLED], {"state": "cancelled"}, None, False),
        ([PAID, NEVER_CANCELLED], {"payment_state": "paid", "state": "cancelled"}, None, False),
        ([PAID, NEVER_CANCELLED], {"payment_state": "paid"}, None, True),
        # From → to: what it was before is known only where a change is told.
        ([PENDING_TO_PAID], {"payment_state": "paid"}, None, False),
        (
            [PENDING_TO_PAID],
            {"payment_state": "paid"},
            Change("payment_state", "pending", "paid"),
            True,
        ),
        (
            [PENDING_TO_PAID],
            {"payment_state": "paid"},
            Change("payment_state", "unpaid", "paid"),
            False,
        ),
        ([PENDING_TO_PAID], {"payment_state": "paid"}, Change("state", "new", "accepted"), False),
        # It was paid at the change, and is refunded by now.
        (
            [PENDING_TO_PAID],
            {"payment_state": "refunded"},
            Change("payment_state", "pending", "paid"),
            False,
        ),
        ([NOT_NEW_ANY_MORE], {"state": "accepted"}, Change("state", "new", "accepted"), True),
        ([NOT_NEW_ANY_MORE], {"state": "accepted"}, Change("state", "on_hold", "accepted"), False),
        ([NEVER_BACK_TO_NEW], {"state": "new"}, Change("state", "on_hold", "new"), False),
        ([NEVER_BACK_TO_NEW], {"state": "new"}, Change("state", "accepted", "new"), True),
        ([NEVER_BACK_TO_NEW], {"state": "new"}, None, True),
    ],
)
def test_what_is_sent(rules, states, change, sent):
    assert hold(rules, replace(FACTS, **states), change) is sent
    # They mean the same once they are stored and read.
    assert read([rule.stored() for rule in rules]) == rules


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"then": "send", "field": "colour", "after": "red"},
        {"then": "perhaps", "field": "state", "after": "new"},
        {"then": "send", "field": "state", "after": "paid"},
        {"then": "send", "field": "state", "before": "paid"},
        {"then": "send", "field": "state"},
        {"then": "send", "field": ["state"], "after": "new"},
        {"then": "send", "field": "state", "after": ["new"]},
    ],
)
def test_a_rule_that_means_nothing_is_refused(stored):
    with pytest.raises(BadRule):
        read([stored])
    assert stored_in_words([stored]) == "conditions that cannot be read"


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([], ""),
        (
            [PAID, NEVER_CANCELLED],
            "Sent only when the payment is “Paid”. Never when the order is “Cancelled”.",
        ),
        (
            [PAID, SHIPPED, PAID],
            "Sent only when the payment is “Paid” or the parcel is “Shipped”.",
        ),
        (
            [PENDING_TO_PAID],
            "Sent only when the payment has changed from “Payment pending” to “Paid”.",
        ),
        ([NOT_NEW_ANY_MORE], "Sent only when the order is not “New” any more."),
    ],
)
def test_rules_are_told_in_sentences(rules, words):
    with translation.override("en"):
        assert in_words(rules) == words


NEW = Rule(Then.SEND, "state", "", "new")
NEVER_NEW = Rule(Then.NOTHING, "state", "", "new")
NEVER_ANY_PAYMENT = [Rule(Then.NOTHING, "payment_state", "", each) for each in PaymentState.values]


@pytest.mark.parametrize(
    ("rules", "is_ever_sent"),
    [
        ([], True),
        ([NEW], True),
        ([NEVER_NEW], True),
        ([NEW, NEVER_NEW], False),
        ([NEW, NEVER_NEW, PAID], True),
        ([NEW, NEVER_CANCELLED], True),
        (NEVER_ANY_PAYMENT, False),
        ([NEW, *NEVER_ANY_PAYMENT[1:]], True),
        ([PAID, *NEVER_ANY_PAYMENT], False),
        ([PENDING_TO_PAID, Rule(Then.NOTHING, "payment_state", "", "paid")], False),
        ([PENDING_TO_PAID, Rule(Then.NOTHING, "payment_state", "pending", "")], False),
        ([PAID, Rule(Then.NOTHING, "payment_state", "pending", "")], True),
        ([NOT_NEW_ANY_MORE, NEVER_BACK_TO_NEW], True),
    ],
)
def test_conditions_that_leave_nothing_to_send_say_so(rules, is_ever_sent):
    assert can_hold(rules) == is_ever_sent
    with translation.override("en"):
        assert ("it is never sent" in in_words(rules)) != is_ever_sent


def test_conditions_that_contradict_each_other_are_saved_with_a_word(shop, owner_client):
    rules = [NEW.stored(), NEVER_NEW.stored()]
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", conditions=rules)
    page = owner_client.get(reverse("templates_tx:type_settings", args=[shop.slug, "order.placed"]))
    assert "No order can meet all of these: it is never sent." in page.content.decode()


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "at once"),
        (1, "after 1 minute"),
        (90, "after 90 minutes"),
        (180, "after 3 hours"),
        (2880, "after 2 days"),
    ],
)
def test_a_delay_is_told_in_the_largest_unit_that_fits(minutes, words):
    with translation.override("en"):
        assert delay_in_words(minutes) == words


def set_up(shop, code="order.placed", **values):
    TemplateAssignment.objects.create(
        shop=shop, message_type=code, conditions=[PAID.stored(), NEVER_CANCELLED.stored()], **values
    )


def confirmation(order):
    return MailMessage.objects.get(order_number=order.number, message_type="order.placed")


@pytest.mark.promise("S0.33")
def test_an_order_that_does_not_meet_the_conditions_is_logged_and_not_written_about(shop):
    sync()
    factories.make_account(shop)
    set_up(shop)
    unpaid = confirmation(factories.place_order(shop))
    assert (unpaid.state, unpaid.reason) == (State.NOT_SENT, Reason.CONDITION)
    paid = confirmation(factories.place_order(shop, payment_state="paid"))
    assert paid.state == State.QUEUED


def wait_over(message):
    Delivery.objects.filter(message=message).update(due_at=message.created_at)


def test_what_waits_is_asked_again_when_its_time_has_come(shop):
    sync()
    with sink() as server:
        account = factories.make_account(shop, port=server.port)
        set_up(shop, delay_minutes=60)
        orders = [factories.place_order(shop, payment_state="paid") for _each in range(2)]
        kept, cancelled = (confirmation(order) for order in orders)
        assert kept.deliveries.get().due_at > kept.created_at
        orders[1].state = "cancelled"
        orders[1].save(update_fields=["state"])
        wait_over(kept)
        wait_over(cancelled)
        send_all(account)
    for message in (kept, cancelled):
        message.refresh_from_db()
    assert kept.state == State.SENT
    assert (cancelled.state, cancelled.reason) == (State.CANCELLED, Reason.CONDITION)
    assert "no longer meets the conditions" in cancelled.detail
    assert server.store.count == 1


def off(shop):
    TemplateAssignment.objects.filter(shop=shop).update(is_on=False)


def never_when_unpaid(shop):
    rule = Rule(Then.NOTHING, "payment_state", "", "unpaid")
    TemplateAssignment.objects.filter(shop=shop).update(conditions=[rule.stored()])


def nothing(shop):
    pass


@pytest.mark.promise("S0.33")
@pytest.mark.parametrize(
    ("decides", "state", "reason", "told"),
    [
        (off, State.CANCELLED, Reason.OFF, "switched off while it waited"),
        (never_when_unpaid, State.CANCELLED, Reason.CONDITION, "no longer meets the conditions"),
        (nothing, State.SENT, "", ""),
    ],
)
def test_what_a_shop_decides_while_a_message_waits_counts(shop, decides, state, reason, told):
    """It had no conditions when it was made."""
    sync()
    with sink() as server:
        account = factories.make_account(shop, port=server.port)
        TemplateAssignment.objects.create(shop=shop, message_type="order.placed", delay_minutes=60)
        message = confirmation(factories.place_order(shop))
        decides(shop)
        wait_over(message)
        send_all(account)
    message.refresh_from_db()
    assert (message.state, message.reason) == (state, reason)
    assert told in message.detail
    assert server.store.count == (1 if state == State.SENT else 0)


def test_a_type_of_the_shops_own_that_is_withdrawn_while_its_message_waits_is_not_sent(shop):
    row = factories.make_own_type(shop)
    factories.make_template(shop, row.code)
    TemplateAssignment.objects.create(shop=shop, message_type=row.code, delay_minutes=60)
    with sink() as server:
        account = factories.make_account(shop, port=server.port)
        message = notify(row.code, shop=shop, to="anna@klient.example")
        row.is_withdrawn = True
        row.save()
        wait_over(message)
        send_all(account)
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.CANCELLED, Reason.OFF)
    assert server.store.count == 0


def test_only_what_waits_is_asked_about_again(shop):
    sync()
    factories.make_account(shop)
    at_once = confirmation(factories.place_order(shop))
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", delay_minutes=60)
    waiting = confirmation(factories.place_order(shop))
    # What goes past Django's cursor on PostgreSQL is not seen by Django.
    asked_again = 1 if connection.vendor == "sqlite" else 0
    for message, queries in ((at_once, 0), (waiting, asked_again)):
        assert message.shop  # the worker has it at hand
        parts_of(message.template_version)
        with CaptureQueriesContext(connection) as asked:
            render(message)
        assert len(asked) == queries


def test_the_log_says_that_a_message_is_asked_about_again(shop, owner_client):
    sync()
    factories.make_account(shop)
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", delay_minutes=60)
    message = confirmation(factories.place_order(shop))
    page = owner_client.get(reverse("maillog:message", args=[shop.slug, message.pk]))
    assert "are looked at again before it leaves" in page.content.decode()


def test_what_waits_longer_than_it_is_worth_trying_does_not_expire_before_it_is_due(shop):
    """A confirmation is worth five days of trying, counted from when it is due."""
    sync()
    factories.make_account(shop, copy_to="archiwum@rowerownia.example")
    TemplateAssignment.objects.create(
        shop=shop, message_type="order.placed", delay_minutes=30 * 24 * 60, copy_to_owner=True
    )
    message = confirmation(factories.place_order(shop))
    deliveries = list(message.deliveries.all())
    assert len(deliveries) == 3
    for each in deliveries:
        assert each.expires_at > each.due_at
    assert message.expires_at > message.deliveries.get(role="main").due_at


def test_a_note_is_what_the_message_says_and_only_in_its_language(shop):
    sync()
    factories.make_account(shop)
    TemplateAssignment.objects.create(
        shop=shop, message_type="order.placed", notes={"pl": "Zapraszamy <b>w sobotę</b>!"}
    )
    polish = confirmation(factories.place_order(shop))
    english = confirmation(
        factories.place_order(shop, factories.make_customer(shop, language="en"))
    )
    render_missing([polish, english])
    assert "Zapraszamy <b>w sobotę</b>!" in polish.body.text
    assert "Zapraszamy &lt;b&gt;w sobotę&lt;/b&gt;!" in polish.body.html
    assert "Zapraszamy" not in english.body.text + english.body.html
