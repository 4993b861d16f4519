"""What an account's mail costs in a month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog import costs
from maillog.models import Delivery
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.states import Role, State
from shops.models import Shop
from tests import factories

pytestmark = pytest.mark.django_db

NOVEMBER = date(2026, 11, 25)


def freshmail(shop: Shop, **values: Any) -> SenderAccount:
    return factories.make_account(
        shop, **{"kind": "freshmail", "host": "", "password": "token", **values}
    )


def accepted(
    account: SenderAccount,
    at: datetime,
    state: State = State.SENT,
    role: Role = Role.MAIN,
    count: int = 1,
) -> None:
    for n in range(count):
        message = queue(
            Draft(
                message_type="note",
                shop=account.shop,
                account=account,
                recipients=(Recipient(f"a{n}@klient.example"),),
                expires_in=timedelta(days=900),
                subject="x",
                body=Body(text="x"),
            )
        )
        assert message is not None
        Delivery.objects.filter(message=message).update(
            state=state, role=role, dot_at=at, ended_at=at, account=account
        )


@pytest.mark.promise("S0.15")
def test_ten_messages_over_freshmail_cost_three_grosze(shop: Shop) -> None:
    account = freshmail(shop)
    accepted(account, datetime(2026, 11, 3, 12, tzinfo=UTC), count=10)
    cost = costs.monthly_cost(account, NOVEMBER)
    assert cost is not None
    assert (cost.count, cost.amount, cost.currency) == (10, Decimal("0.030"), "PLN")
    shown = Template("{% load panel %}{% money cost.amount cost.currency %}").render(
        Context({"cost": cost, "shop": shop})
    )
    assert shown.replace("\xa0", " ") == "0,03 zł"


@pytest.mark.promise("S0.15")
def test_the_price_can_be_set_for_each_account_of_any_type(shop: Shop) -> None:
    dear = freshmail(shop, price_per_message=Decimal("0.0125"), price_currency="EUR")
    other = factories.make_account(shop, price_per_message=Decimal("0.1"))
    for account in (dear, other):
        accepted(account, datetime(2026, 11, 3, tzinfo=UTC), count=4)
    found = [(c.amount, c.currency) for c in costs.shop_costs(shop, NOVEMBER)]
    assert sorted(found) == [(Decimal("0.0500"), "EUR"), (Decimal("0.4"), "PLN")]


def test_an_account_without_a_price_has_no_cost(shop: Shop) -> None:
    assert costs.monthly_cost(factories.make_account(shop), NOVEMBER) is None
    assert costs.shop_costs(shop, NOVEMBER) == []


def test_what_the_provider_took_counts_and_nothing_else(shop: Shop) -> None:
    account, day = freshmail(shop), datetime(2026, 11, 3, tzinfo=UTC)
    for state in (State.SENT, State.BOUNCED, State.COMPLAINED):
        accepted(account, day, state)
    for state in (State.FAILED, State.UNKNOWN, State.CANCELLED, State.EXPIRED):
        accepted(account, day, state)
    accepted(account, day, role=Role.IMAP)
    cost = costs.monthly_cost(account, NOVEMBER)
    assert cost is not None and cost.count == 3


def test_the_month_is_the_shops_own(shop: Shop) -> None:
    # Warsaw is an hour ahead of UTC in winter.
    account = freshmail(shop)
    for at in (
        datetime(2026, 10, 31, 22, 59, tzinfo=UTC),
        datetime(2026, 10, 31, 23, 0, tzinfo=UTC),
        datetime(2026, 11, 30, 22, 59, tzinfo=UTC),
        datetime(2026, 11, 30, 23, 0, tzinfo=UTC),
    ):
        accepted(account, at)
    counts = [
        costs.monthly_cost(account, month).count  # type: ignore[union-attr]
        for month in (date(2026, 10, 1), date(2026, 11, 30), date(2026, 12, 31))
    ]
    assert counts == [1, 2, 1]


def test_other_shops_do_not_count(shop: Shop, other_shop: Shop) -> None:
    accepted(freshmail(other_shop), datetime(2026, 11, 3, tzinfo=UTC))
    freshmail(shop)
    assert [cost.count for cost in costs.shop_costs(shop, NOVEMBER)] == [0]


@pytest.mark.promise("S0.15")
def test_the_page_of_accounts_reports_this_month_and_the_last(owner_client, shop):
    page = reverse("mailaccounts:accounts", args=[shop.slug])
    assert "What sending costs" not in owner_client.get(page).content.decode()
    accepted(freshmail(shop), timezone.now(), count=10)
    seen = owner_client.get(page).content.decode()
    assert "What sending costs" in seen
    lines = owner_client.get(page).context["costs"]
    assert [(line.count, str(line.amount), line.currency) for line in lines] == [
        (10, "0.030", "PLN"),
        (0, "0.000", "PLN"),
    ]
