"""What happens in the foreign shop. ``tests/test_foreign_shop.py`` runs this under its settings."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.dispatch import receiver
from django.utils import timezone
from store.models import Customer, Order, OrderItem

from demo.sink import Options, in_thread
from maillog.deliver import Deliverer
from maillog.models import MailMessage
from maillog.states import State
from shops import hooks, signals
from shops.models import AnnouncedOrder, Shop
from templates_tx.models import TemplateAssignment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def shop(db: None) -> Shop:
    shop = Shop.objects.create(
        name="Foreign", slug="foreign", domain="foreign.example", contact_email="us@foreign.example"
    )
    TemplateAssignment.objects.create(shop=shop, message_type="order.paid", is_on=True)
    return shop


@pytest.fixture
def customer() -> Customer:
    return Customer.objects.create(email="anna@klient.example", given="Anna", family="Nowak")


def check_out(customer: Customer, **values: Any) -> Order:
    """As shops do it: the order, then its lines, in one transaction."""
    with transaction.atomic():
        order = Order.objects.create(customer=customer, **values)
        order.reference = f"F{order.pk}"
        order.save()
        add_items(order)
    return order


def add_items(order: Order) -> None:
    OrderItem.objects.bulk_create(
        [
            OrderItem(order=order, title="Pompka", price="49.90"),
            OrderItem(order=order, title="Dętka", amount=3, price="19.00"),
        ]
    )


def log() -> list[tuple[str, str]]:
    return list(MailMessage.objects.order_by("id").values_list("message_type", "order_number"))


def test_it_knows_nothing_of_our_own_project() -> None:
    assert "config" not in sys.modules


def test_a_new_order_is_written_about_once_with_all_its_lines(customer: Customer) -> None:
    order = check_out(customer)
    message = MailMessage.objects.get()
    assert (message.message_type, message.state) == ("order.placed", State.QUEUED)
    assert (message.order_number, message.to_text) == (order.reference, "anna@klient.example")
    assert message.context is not None
    assert message.context["customer"]["name"] == "Anna Nowak"
    assert [item["name"] for item in message.context["order"]["items"]] == ["Pompka", "Dętka"]
    assert message.context["order"]["total"] == "106.90"


def test_an_order_that_is_rolled_back_leaves_no_trace(customer: Customer) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        check_out(customer)
        raise ZeroDivisionError
    assert not Order.objects.exists()
    assert not MailMessage.objects.exists()
    assert not AnnouncedOrder.objects.exists()


def test_an_order_whose_savepoint_is_rolled_back_leaves_no_trace(customer: Customer) -> None:
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            check_out(customer)
            raise ZeroDivisionError
        kept = check_out(customer)
    assert log() == [("order.placed", kept.reference)]


def test_it_is_announced_before_the_commit_so_that_a_lost_database_loses_both(
    customer: Customer,
) -> None:
    @receiver(signals.order_placed, weak=False, dispatch_uid="test.lost")
    def lose_the_database(**kwargs: Any) -> None:
        assert connection.in_atomic_block
        raise OperationalError("the connection is gone")

    try:
        with pytest.raises(OperationalError):
            check_out(customer)
    finally:
        signals.order_placed.disconnect(dispatch_uid="test.lost")
    assert not Order.objects.exists()
    assert not MailMessage.objects.exists()
    check_out(customer)
    assert len(log()) == 1


def test_an_order_saved_again_unchanged_says_nothing(customer: Customer) -> None:
    order = check_out(customer)
    order.shelf = "B7"
    order.save()
    Order.objects.get(pk=order.pk).save()
    with transaction.atomic():
        order.save()
        order.save(update_fields=["shelf"])
    assert len(log()) == 1


def test_paid_and_shipped_are_each_said_once(customer: Customer) -> None:
    order = check_out(customer)
    number = order.reference
    order.status = "P"
    order.save()
    order.parcel_link = "https://parcel.example/1"
    order.save()
    order.save()
    assert log()[1:] == [("order.paid", number), ("order.shipped", number)]
    order.parcel_link = "https://parcel.example/2"
    order.save(update_fields=["parcel_link"])
    assert log()[3:] == [("order.shipped", number)]


def test_a_payment_that_is_rolled_back_is_not_said_and_can_come_again(customer: Customer) -> None:
    order = check_out(customer)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        order.status = "P"
        order.save()
        raise ZeroDivisionError
    assert len(log()) == 1
    order.save()
    assert log()[1:] == [("order.paid", order.reference)]


def test_an_order_that_arrives_paid_and_shipped_says_all_of_it(customer: Customer) -> None:
    order = check_out(customer, status="P", parcel_link="https://parcel.example/1")
    kinds = ("order.placed", "order.paid", "order.shipped")
    assert log() == [(kind, order.reference) for kind in kinds]


def test_a_change_of_state_is_told_with_what_was_before(customer: Customer) -> None:
    order = check_out(customer)
    seen: list[tuple[str, str, str]] = []

    def note(field: str, before: str, after: str, **kwargs: Any) -> None:
        seen.append((field, before, after))

    signals.order_changed.connect(note)
    order.status = "X"
    order.save()
    signals.order_changed.disconnect(note)
    assert seen == [("payment_state", "unpaid", "failed")]


def test_a_parcel_is_told_with_the_state_that_it_had_before(customer: Customer) -> None:
    seen: list[str] = []

    def note(before: str, **kwargs: Any) -> None:
        seen.append(before)

    signals.order_shipped.connect(note)
    order = check_out(customer)
    for number in (1, 2):
        order.parcel_link = f"https://parcel.example/{number}"
        order.save()
    check_out(customer, parcel_link="https://parcel.example/3")
    signals.order_shipped.disconnect(note)
    assert seen == ["none", "shipped", ""]


def test_what_update_changed_is_said_when_the_shop_calls_changed(customer: Customer) -> None:
    orders = [check_out(customer) for _ in range(3)]
    paid = Order.objects.filter(pk__in=[order.pk for order in orders[:2]])
    with transaction.atomic():
        paid.update(status="P")
        assert hooks.changed(Order.objects.all()) == 2
    assert log()[3:] == [("order.paid", order.reference) for order in orders[:2]]
    assert hooks.changed(Order.objects.all()) == 0
    assert len(log()) == 5


def test_a_bulk_update_that_is_rolled_back_is_not_said(customer: Customer) -> None:
    order = check_out(customer)
    order.status = "P"
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Order.objects.bulk_update([order], ["status"])
        assert hooks.changed(Order.objects.filter(pk=order.pk)) == 1
        raise ZeroDivisionError
    assert len(log()) == 1


def test_orders_of_a_bulk_create_are_said_when_the_shop_calls_placed(customer: Customer) -> None:
    orders = [Order(reference=f"B{number}", customer=customer) for number in range(2)]
    with transaction.atomic():
        Order.objects.bulk_create(orders)
        for order in orders:
            add_items(order)
        assert hooks.placed(*orders) == 2
    assert hooks.placed(*orders) == 0
    assert log() == [("order.placed", "B0"), ("order.placed", "B1")]


def test_an_order_from_before_says_only_what_happens_from_now_on(customer: Customer) -> None:
    Order.objects.bulk_create([Order(reference="OLD", customer=customer, status="N")])
    Order.objects.bulk_create([Order(reference="OLDER", customer=customer, status="P")])
    for order in Order.objects.all():
        order.status = "P"
        order.save()
    assert log() == [("order.paid", "OLD")]


def test_update_of_orders_from_before_is_silent_the_first_time(customer: Customer) -> None:
    Order.objects.bulk_create([Order(reference="OLD", customer=customer, status="P")])
    assert hooks.changed(Order.objects.all()) == 0
    assert log() == []


def test_without_a_transaction_it_waits_for_the_lines(customer: Customer) -> None:
    order = Order.objects.create(reference="LOOSE", customer=customer)
    add_items(order)
    order.save()
    assert hooks.catch_up() == 0, "more lines may come"
    assert log() == []
    ago = timezone.now() - hooks.LINES_COME_WITHIN - timedelta(seconds=1)
    AnnouncedOrder.objects.update(created_at=ago)
    assert hooks.catch_up() == 1
    message = MailMessage.objects.get()
    assert message.context is not None
    assert len(message.context["order"]["items"]) == 2
    assert hooks.catch_up() == 0


def test_without_a_transaction_the_shop_may_say_when_the_order_is_complete(
    customer: Customer,
) -> None:
    order = Order.objects.create(reference="LOOSE", customer=customer)
    add_items(order)
    assert hooks.placed(order) == 1
    assert log() == [("order.placed", "LOOSE")]


def test_an_error_in_composing_keeps_the_order_and_shows_a_held_message(
    customer: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    order = check_out(customer, status="?")
    assert Order.objects.filter(pk=order.pk).exists()
    message = MailMessage.objects.get()
    assert (message.state, message.reason) == (State.HELD, "template")
    assert "StoreOrder.payment_state: “?” is not one of" in message.detail
    assert "Say in payment_states what it stands for" in message.detail


def test_an_adapter_that_names_no_shop_of_ours_keeps_the_order(
    customer: Customer, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    Shop.objects.update(slug="renamed")
    order = check_out(customer)
    assert Order.objects.filter(pk=order.pk).exists()
    assert "StoreOrder.shop: there is no shop “foreign”" in caplog.text
    Shop.objects.update(slug="foreign")
    AnnouncedOrder.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert hooks.catch_up() == 1, "it is announced as soon as it can be"


def test_fixtures_and_deleted_orders_say_nothing(customer: Customer, tmp_path: Any) -> None:
    order = check_out(customer)
    kept = tmp_path / "orders.json"
    call_command("dumpdata", "store", output=str(kept), verbosity=0)
    order.delete()
    assert not AnnouncedOrder.objects.exists()
    call_command("loaddata", str(kept), verbosity=0)
    assert len(log()) == 1


def test_it_really_leaves_over_smtp(customer: Customer, settings: Any) -> None:
    with in_thread(Options()) as sink:
        settings.SYSTEM_SENDER_URL = f"smtp://127.0.0.1:{sink.port}"
        order = check_out(customer)
        Deliverer().run(once=True)
        (received,) = sink.store.received
    assert received.rcpt_to == ("anna@klient.example",)
    message = MailMessage.objects.get(order_number=order.reference)
    assert (message.state, message.message_id.strip("<>")) == (
        State.SENT,
        received.message_id.strip("<>"),
    )


@pytest.mark.django_db
def test_in_a_test_that_never_commits_it_runs_with_the_captured_callbacks(
    customer: Customer, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        check_out(customer)
    assert len(log()) == 1
