from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog.clock import db_now
from maillog.models import Delivery, MailMessage, SentKey
from maillog.outbox import Draft, Recipient, key_text, queue
from maillog.registry import Body
from maillog.states import Reason, Role, State
from shops.models import ResetMark, Shop
from tests import factories

pytestmark = pytest.mark.django_db


def make_draft(shop: Shop, **values: Any) -> Draft:
    facts: dict[str, Any] = {
        "message_type": "order.placed",
        "shop": shop,
        "account": SenderAccount.objects.main_of(shop),
        "recipients": (Recipient("anna@klient.example", "Anna"),),
        "expires_in": timedelta(hours=1),
        "occurrence": "order:1/placed",
        "subject": "Zamówienie 1",
        "body": Body(text="Dziękujemy\n"),
    }
    return Draft(**{**facts, **values})


def queued(draft: Draft) -> MailMessage:
    message = queue(draft)
    assert message is not None
    return message


def test_it_says_one_occurrence_once(shop: Shop) -> None:
    assert queue(make_draft(shop)) is not None
    assert queue(make_draft(shop)) is None
    assert MailMessage.objects.count() == 1


def test_it_says_it_once_whatever_the_address_and_the_template_are(shop: Shop) -> None:
    queue(make_draft(shop))
    other = make_draft(shop, recipients=(Recipient("b@klient.example"),), template_version=None)
    assert queue(other) is None


def test_two_shops_may_have_the_same_occurrence(shop: Shop, other_shop: Shop) -> None:
    assert queue(make_draft(shop)) and queue(make_draft(other_shop))


def test_a_message_that_is_switched_off_takes_no_key(shop: Shop) -> None:
    message = queued(make_draft(shop, born=State.NOT_SENT, reason=Reason.OFF))
    assert (message.state, message.reason) == (State.NOT_SENT, Reason.OFF)
    assert not SentKey.objects.exists()
    assert queued(make_draft(shop)).state == State.QUEUED


def test_a_rolled_back_order_leaves_nothing(shop: Shop) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue(make_draft(shop))
        raise RuntimeError
    assert not MailMessage.objects.exists() and not SentKey.objects.exists()


def test_a_long_occurrence_is_kept_as_its_digest() -> None:
    assert key_text("order:1/placed") == "order:1/placed"
    assert key_text("x" * 201).startswith("sha256:") and len(key_text("x" * 201)) == 71


def test_an_order_without_an_address_is_logged_as_not_sent(shop: Shop) -> None:
    message = queued(make_draft(shop, recipients=(Recipient(""),)))
    assert (message.state, message.reason) == (State.NOT_SENT, Reason.NO_ADDRESS)


@pytest.mark.parametrize(
    "address", ["anna", "a@b", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example"]
)
def test_a_bad_address_fails_and_says_which(shop: Shop, address: str) -> None:
    message = queued(make_draft(shop, recipients=(Recipient(address),)))
    assert (message.state, message.reason) == (State.FAILED, Reason.BAD_ADDRESS)
    assert message.failed_recipients == 1 and message.detail


def test_an_order_under_a_reset_mark_is_born_cancelled(shop: Shop) -> None:
    now = timezone.now()
    ResetMark.objects.create(shop=shop, parameter="order.placed", imported_until=now)
    old = queued(make_draft(shop, imported_at=now, occurrence="1"))
    new = queued(make_draft(shop, imported_at=now + timedelta(seconds=1), occurrence="2"))
    other = queued(make_draft(shop, imported_at=now, message_type="order.paid", occurrence="1"))
    assert (old.state, old.reason) == (State.CANCELLED, Reason.RESET)
    assert new.state == other.state == State.QUEUED


def test_copies_go_to_every_copy_address_of_the_account(shop: Shop) -> None:
    account = factories.make_account(shop, copy_to="a@sklep.example, b@sklep.example,")
    message = queued(make_draft(shop, account=account))
    copies = message.deliveries.filter(role=Role.COPY).values_list("address", flat=True)
    assert set(copies) == {"a@sklep.example", "b@sklep.example"}
    assert message.recipient_count == 1


def test_copies_of_sensitive_messages_are_withheld_and_the_log_says_so(shop: Shop) -> None:
    account = factories.make_account(shop, copy_to="a@sklep.example")
    message = queued(make_draft(shop, account=account, sensitive=True))
    assert not message.deliveries.filter(role=Role.COPY).exists()
    assert message.notes == ["copy_withheld"]


def test_a_shop_without_an_account_holds_its_mail(shop: Shop) -> None:
    message = queued(make_draft(shop, account=None))
    assert (message.state, message.reason) == (State.HELD, Reason.NO_ACCOUNT)


def test_in_test_mode_hold_everything_waits_for_approval(shop: Shop) -> None:
    shop.test_mode = "hold"
    shop.save()
    message = queued(make_draft(shop))
    assert (message.state, message.reason) == (State.HELD, Reason.APPROVAL)


def test_search_finds_polish_letters_without_them(shop: Shop) -> None:
    message = queued(make_draft(shop, subject="Zażółć GĘŚLĄ", order_number="A-7"))
    assert "zazolc gesla" in message.search and "a-7" in message.search


def test_wake_ups_are_coalesced(
    shop: Shop, django_capture_on_commit_callbacks: Any, django_assert_num_queries: Any
) -> None:
    from django_q.models import OrmQ

    for number in range(5):
        with django_capture_on_commit_callbacks(execute=True):
            queue(make_draft(shop, occurrence=str(number)))
    assert OrmQ.objects.count() == 1
    assert Delivery.objects.filter(state=State.QUEUED).count() == 5


def test_mail_is_stored_although_the_task_queue_is_down(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("broker away")

    monkeypatch.setattr("django_q.tasks.async_task", broken)
    with django_capture_on_commit_callbacks(execute=True):
        message = queued(make_draft(shop))
    assert message.state == State.QUEUED
    assert not SenderAccount.objects.get(pk=message.account_id).wake


@pytest.mark.parametrize("count", [1, 20, 21, 60])
def test_however_many_recipients_each_has_a_delivery_that_is_due(shop: Shop, count: int) -> None:
    recipients = tuple(Recipient(f"k{number}@klient.example") for number in range(count))
    message = queued(make_draft(shop, recipients=recipients, due_in=timedelta(minutes=-1)))
    deliveries = message.deliveries.all()
    assert len(deliveries) == message.recipient_count == count
    assert not deliveries.exclude(due_at__lt=db_now()).exists()
    life = {round((each.expires_at - each.due_at) / timedelta(minutes=1)) for each in deliveries}
    assert life == {61}
    assert queue(make_draft(shop, recipients=recipients)) is None


def test_a_snapshot_may_be_any_mapping(shop: Shop) -> None:
    message = queued(make_draft(shop, body=None, context=OrderedDict(a=[1, "ż"]), tags={"x": "y"}))
    message.refresh_from_db()
    assert (message.context, message.tags) == ({"a": [1, "ż"]}, {"x": "y"})
