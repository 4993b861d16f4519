"""The log's filter: each field, their combination, days on the shop's calendar, pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import QueryDict

from maillog.filters import PAGE, LogFilter, page_of, read_id
from maillog.models import MailMessage
from maillog.outbox import Recipient
from maillog.states import Reason, Role, State
from shops.models import Shop
from tests import factories
from tests.maillog.logged import at, end, logged, many

pytestmark = [pytest.mark.django_db, pytest.mark.promise("S2.9")]


def found(shop: Shop, query: str) -> list[str]:
    """Subjects of what the filter lets through, newest first."""
    wanted = LogFilter.from_query(QueryDict(query), shop)
    rows = wanted.apply(MailMessage.objects.for_shop(shop))
    return [message.subject for message in page_of(rows).messages]


@pytest.fixture
def three(shop: Shop) -> None:
    factories.make_account(shop)
    other = factories.make_account(shop, label="Serwis", from_address="serwis@rowerownia.example")
    logged(shop, "anna.nowak@klient.example", subject="Twój rower gotów", order_number="77")
    end(logged(shop, "ewa@poczta.example", subject="Łańcuch wysłany"), State.SENT, "sent")
    logged(
        shop, "jan@poczta.example", subject="Faktura 9", account=other, message_type="order.paid"
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Faktura 9", "Łańcuch wysłany", "Twój rower gotów"]),
        ("q=rower", ["Twój rower gotów"]),
        ("q=NOWAK", ["Twój rower gotów"]),
        ("q=77", ["Twój rower gotów"]),
        ("q=lancuch", ["Łańcuch wysłany"]),
        ("q=ŁAŃCUCH+ewa", ["Łańcuch wysłany"]),
        ("q=rower+ewa", []),
        ("subject=lancuch", ["Łańcuch wysłany"]),
        ("subject=łańcuch", ["Łańcuch wysłany"]),
        ("subject=ewa", []),
        ("subject=77", []),
        ("recipient=nowak", ["Twój rower gotów"]),
        ("recipient=ANNA.NOWAK@klient.example", ["Twój rower gotów"]),
        ("recipient=rower", []),
        ("type=order.paid", ["Faktura 9"]),
        ("type=never.heard", []),
        ("state=sent", ["Łańcuch wysłany"]),
        ("state=waiting", ["Faktura 9", "Twój rower gotów"]),
        ("state=trouble", []),
        ("recipient=poczta&state=waiting", ["Faktura 9"]),
        ("q=faktura&type=note", []),
        ("q=%25", []),
        ("q=_", []),
    ],
)
def test_each_field_narrows_the_list(shop: Shop, three: None, query: str, expected: list[str]):
    assert found(shop, query) == expected


def test_the_sender_is_an_account(shop: Shop, three: None):
    account = shop.sender_accounts.get(label="Serwis")
    assert found(shop, f"sender={account.pk}") == ["Faktura 9"]


def test_a_deleted_account_can_still_be_asked_for(shop: Shop, three: None):
    account = shop.sender_accounts.get(label="Serwis")
    shop.sender_accounts.filter(pk=account.pk).update(state="deleted", is_main=False)
    assert found(shop, f"sender={account.pk}") == ["Faktura 9"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("since=2026-03-10", ["late", "noon", "midnight"]),
        ("until=2026-03-10", ["late", "noon", "midnight", "eve"]),
        ("since=2026-03-10&until=2026-03-10", ["late", "noon", "midnight"]),
        ("since=2026-03-09&until=2026-03-09", ["eve"]),
        ("since=2026-03-11", []),
    ],
)
def test_both_days_count_whole_on_the_shops_clock(shop: Shop, query: str, expected: list[str]):
    # Warsaw is one hour ahead of UTC in early March: its 10 March begins at 23:00 on the 9th.
    for subject, day, hour, minute in (
        ("eve", 9, 22, 59),
        ("midnight", 9, 23, 0),
        ("noon", 10, 11, 0),
        ("late", 10, 22, 59),
    ):
        at(logged(shop, subject=subject), datetime(2026, 3, day, hour, minute, tzinfo=UTC))
    assert found(shop, query) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=yesterday", "since"),
        ("until=2026-13-45", "until"),
        ("since=2026-03-10&until=2026-03-09", "until"),
        ("state=gone", "state"),
        ("sender=abc", "sender"),
        ("sender=99999999", "sender"),
        ("q=" + "x" * 201, "q"),
        ("recipient=a%00b", "recipient"),
    ],
)
def test_what_makes_no_sense_is_named_at_its_field_and_left_out(
    shop: Shop, three: None, query: str, field: str
):
    wanted = LogFilter.from_query(QueryDict(query), shop)
    assert list(wanted.form.errors) == [field]
    assert len(found(shop, query)) == 3


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "9999-12-31"])
def test_a_day_outside_of_all_mail_breaks_nothing(shop: Shop, three: None, day: str):
    for field in ("since", "until"):
        assert found(shop, f"{field}={day}") is not None


def test_what_was_not_to_be_sent_shows_only_when_asked_for(shop: Shop):
    logged(shop, subject="off", born=State.NOT_SENT, reason=Reason.OFF)
    assert found(shop, "") == []
    assert found(shop, "state=not_sent") == ["off"]


def test_only_operators_reach_the_installations_own_mail(shop: Shop):
    wanted = LogFilter.from_query(QueryDict("own=1"), shop)
    assert not wanted.own
    assert LogFilter.from_query(QueryDict("own=1"), shop, own_allowed=True).own


def test_the_filter_says_in_words_what_it_is(shop: Shop, three: None):
    wanted = LogFilter.from_query(QueryDict("recipient=nowak&state=sent"), shop)
    assert wanted.in_words() == ["Recipient: nowak", "State: Accepted"]
    assert wanted.is_set and not LogFilter.from_query(QueryDict(""), shop).is_set


def test_types_are_those_in_the_log(shop: Shop, other_shop: Shop, three: None):
    logged(other_shop, message_type="order.shipped")
    choices: Any = LogFilter.from_query(QueryDict(""), shop).form.fields["type"]
    assert [code for code, _ in choices.choices] == ["", "note", "order.paid"]


def test_pages_follow_one_another_without_gap_or_repeat(shop: Shop):
    many(shop, 2 * PAGE + 7)
    rows = MailMessage.objects.for_shop(shop)
    seen, before = [], None
    while True:
        page = page_of(rows, before=before)
        seen += [message.pk for message in page.messages]
        if page.older is None:
            break
        before = page.older
    assert seen == list(rows.newest_first().values_list("pk", flat=True))


def test_one_can_go_back_to_newer_messages(shop: Shop):
    many(shop, 2 * PAGE)
    rows = MailMessage.objects.for_shop(shop)
    first = page_of(rows)
    second = page_of(rows, before=first.older)
    back = page_of(rows, after=second.newer)
    assert [each.pk for each in back.messages] == [each.pk for each in first.messages]
    assert back.newer is None and second.older is None


@pytest.mark.parametrize("text", ["", None, "x", "0" * 31, "{}"])
def test_an_id_that_is_none_leads_to_the_first_page(text: str | None):
    assert read_id(text) is None


def test_a_message_to_many_is_found_by_each_visible_recipient(shop: Shop):
    logged(shop, recipients=(Recipient("a@x.example"), Recipient("b@y.example", role=Role.CC)))
    assert found(shop, "recipient=y.example") == ["Zamówienie 10482 przyjęte"]


def test_a_type_with_nul_is_no_choice_and_never_reaches_the_database(shop):
    wanted = LogFilter.from_query(QueryDict("type=order.placed%00"), shop)
    assert wanted.value("type") is None and "type" in wanted.form.errors
