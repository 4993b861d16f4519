"""What an account's mail costs: deliveries accepted in a month, times the price of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone

from mailaccounts.costs import price_of
from mailaccounts.models import SenderAccount
from maillog.models import Delivery
from maillog.states import Role, State
from shops.models import Shop

# Accepted by the provider, whatever came of it later: that is what it charges for.
ACCEPTED = (State.SENT, State.BOUNCED, State.COMPLAINED)


@dataclass(frozen=True, slots=True)
class Cost:
    """``amount`` in ``currency``: ``count`` × ``price``, not rounded."""

    account: SenderAccount
    count: int
    price: Decimal
    amount: Decimal
    currency: str


def monthly_cost(account: SenderAccount, month: date) -> Cost | None:
    """The cost of the month that ``month`` lies in, on the shop's clock.

    None where the account has no price. What nobody knows the outcome of is not counted.
    """
    price = price_of(account)
    if price is None:
        return None
    begins, ends = month_bounds(month, account.shop)
    count = Delivery.objects.filter(
        account=account,
        state__in=ACCEPTED,
        dot_at__gte=begins,
        dot_at__lt=ends,
        ended_at__gte=begins,
    )
    number = count.exclude(role=Role.IMAP).count()
    return Cost(account, number, price.amount, number * price.amount, price.currency)


def shop_costs(shop: Shop, month: date) -> list[Cost]:
    """One line for each account of the shop that has a price, deleted ones too if they cost."""
    accounts = SenderAccount.objects.filter(shop=shop)
    costs = [cost for each in accounts if (cost := monthly_cost(each, month))]
    return [cost for cost in costs if cost.count or cost.account.state != "deleted"]


def this_month(shop: Shop | None) -> date:
    """The month now, where the shop is."""
    return timezone.now().astimezone(_zone(shop)).date().replace(day=1)


def month_bounds(month: date, shop: Shop | None) -> tuple[datetime, datetime]:
    """The first moment of the month and of the next one."""
    first = month.replace(day=1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    zone = _zone(shop)
    begins, ends = (datetime.combine(day, time(), zone) for day in (first, following))
    return begins, ends


def _zone(shop: Shop | None) -> ZoneInfo:
    return shop.zone if shop is not None else ZoneInfo("UTC")
