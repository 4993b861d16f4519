"""What is written about one order to one address leaves in the order in which it was written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog import claims
from maillog.models import Delivery, MailMessage, Suppression
from maillog.outbox import Recipient, queue
from maillog.states import Role, State
from tests import factories
from tests.maillog.test_session import make_draft, send_all
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(shop: Any) -> SenderAccount:
    return factories.make_account(shop)


def about(account: SenderAccount, order: str = "1234", **values: Any) -> Delivery:
    message = queue(make_draft(account, order_number=order, **values))
    assert message is not None
    return message.deliveries.get(role=Role.MAIN)


def claimed(account: SenderAccount) -> set[Any]:
    return {row.delivery_id for row in claims.claim(account, "tests:1", 100)}


def put(delivery: Delivery, state: State) -> None:
    lease = timezone.now() + timedelta(minutes=1) if state == State.CLAIMED else None
    reason = "approval" if state == State.HELD else ""
    rows = Delivery.objects.filter(pk=delivery.pk)
    rows.update(state=state, lease_until=lease, reason=reason, due_at=timezone.now())
    if state == State.DEFERRED:
        rows.update(due_at=timezone.now() + timedelta(hours=1))


@pytest.mark.parametrize("state", [State.QUEUED, State.CLAIMED, State.DEFERRED])
def test_a_later_message_waits_while_an_earlier_one_has_not_left(
    account: SenderAccount, state: State
) -> None:
    first, second = about(account), about(account)
    assert second.after == first.pk and first.after is None
    put(first, state)
    assert second.pk not in claimed(account)
    put(first, State.SENT)
    assert second.pk in claimed(account)


@pytest.mark.parametrize(
    "state", [State.SENT, State.HELD, State.FAILED, State.UNKNOWN, State.CANCELLED]
)
def test_what_is_held_failed_or_has_left_holds_nothing_up(
    account: SenderAccount, state: State
) -> None:
    first, second = about(account), about(account)
    put(first, state)
    assert claimed(account) == {second.pk}
    assert about(account).after == second.pk


def test_a_later_message_passes_after_ten_minutes(account: SenderAccount) -> None:
    first, second = about(account), about(account)
    put(first, State.DEFERRED)
    Delivery.objects.filter(pk=second.pk).update(due_at=timezone.now() - timedelta(minutes=9))
    assert claimed(account) == set() and claims.due_accounts() == []
    Delivery.objects.filter(pk=second.pk).update(due_at=timezone.now() - timedelta(minutes=11))
    assert claims.due_accounts() == [account]
    assert claimed(account) == {second.pk}


def test_a_message_that_is_to_leave_days_later_holds_up_nothing(account: SenderAccount) -> None:
    review = about(account, due_in=timedelta(days=14))
    placed = about(account)
    assert placed.after is None and claimed(account) == {placed.pk}
    assert about(account, due_in=timedelta(days=15)).after == placed.pk
    put(placed, State.SENT)
    # Its time has come, and the server has put it off.
    rows = Delivery.objects.filter(pk=review.pk)
    rows.update(due_at=timezone.now() - timedelta(seconds=1))
    assert claimed(account) == {review.pk}
    rows.update(state=State.DEFERRED, lease_until=None, due_at=timezone.now() + timedelta(hours=1))
    assert about(account).after == review.pk


def test_what_has_passed_an_earlier_one_does_not_wait_for_it_again(account: SenderAccount) -> None:
    first, second = about(account), about(account)
    put(first, State.DEFERRED)
    Delivery.objects.filter(pk=second.pk).update(due_at=timezone.now() - timedelta(minutes=11))
    assert claimed(account) == {second.pk}
    # Greylisted, and due again.
    put(second, State.DEFERRED)
    just_now = timezone.now() - timedelta(seconds=1)
    Delivery.objects.filter(pk=second.pk).update(due_at=just_now)
    assert claims.due_accounts() == [account]
    assert claimed(account) == {second.pk}


def test_an_account_whose_mail_waits_for_its_turn_is_not_looked_at(account: SenderAccount) -> None:
    first, _second = about(account), about(account)
    assert claims.due_accounts() == [account]
    put(first, State.CLAIMED)
    assert claims.due_accounts() == []


def test_another_order_address_or_shop_goes_its_own_way(
    account: SenderAccount, other_shop: Any
) -> None:
    about(account)
    theirs = factories.make_account(other_shop)
    assert about(account, "1235").after is None
    assert about(account, to="ewa@klient.example").after is None
    assert about(theirs).after is None
    assert about(account, "").after is None and about(account, "").after is None


def test_the_address_is_the_same_however_it_is_written(account: SenderAccount) -> None:
    first = about(account, to="Anna@Klient.Example")
    assert about(account, to="anna@klient.example").after == first.pk


def test_each_waits_for_the_newest_before_it(account: SenderAccount) -> None:
    first, second, third = (about(account) for _each in range(3))
    assert [each.after for each in (first, second, third)] == [None, first.pk, second.pk]
    assert claimed(account) == {first.pk}


def test_only_the_customers_own_delivery_waits(account: SenderAccount) -> None:
    copied = (Recipient("anna@klient.example"), Recipient("szef@sklep.example", role=Role.COPY))
    about(account, recipients=copied)
    second = about(account, recipients=copied)
    assert second.after is not None
    assert second.message.deliveries.get(role=Role.COPY).after is None


def test_what_is_not_queued_waits_for_nothing(account: SenderAccount, shop: Any) -> None:
    about(account)
    Suppression.objects.create(shop=shop, address="anna@klient.example", reason="hard")
    second = about(account)
    assert (second.state, second.after) == (State.SUPPRESSED, None)


def test_the_look_for_an_earlier_message_is_no_statement_of_its_own(account: SenderAccount) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("on PostgreSQL it goes past Django's list of statements")
    about(account)
    counts = []
    for order in ("", "1234"):
        with CaptureQueriesContext(connection) as context:
            about(account, order)
        counts.append(len(context))
    assert counts[0] == counts[1]


def test_two_messages_about_one_order_arrive_in_their_order() -> None:
    with sink() as server:
        account = factories.make_account(factories.make_shop(), port=server.port)
        placed = about(account)
        shipped = about(account)
        Delivery.objects.filter(pk=shipped.pk).update(priority=1)
        send_all(account)
        send_all(account)
        arrived = [each.message_id for each in server.store.received]
    ids = [placed.message_id, shipped.message_id]
    assert arrived == [MailMessage.objects.get(pk=pk).message_id for pk in ids]


def test_the_log_says_what_a_message_waits_for(
    account: SenderAccount, owner_client: Any, shop: Any
) -> None:
    about(account)
    second = about(account)
    page = owner_client.get(f"/s/{shop.slug}/log/{second.message_id}/").content.decode()
    assert "an earlier message about this order goes first" in page
