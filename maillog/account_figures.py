"""What the outbox knows of accounts, for their list in the panel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from mailaccounts.costs import price_of
from mailaccounts.figures import CostLine, Figures
from mailaccounts.models import SenderAccount
from maillog import costs, limits, sent_folder
from shops.models import Shop


def cost_report(shop: Shop) -> list[CostLine]:
    """This month's and the last one's costs of the shop's accounts that have a price."""
    this = costs.this_month(shop)
    months = (this, (this - timedelta(days=1)).replace(day=1))
    return [
        CostLine(month, cost.account, cost.count, cost.amount, cost.currency)
        for month in months
        for cost in costs.shop_costs(shop, month)
    ]


def fill_in(accounts: Sequence[SenderAccount], figures: dict[int, Figures]) -> None:
    """A ``mailaccounts.figures.Source``: what was sent in the last 24 hours, against the limit."""
    for pk, usage in limits.usage(accounts).items():
        mine = figures[pk]
        mine.used, mine.most, mine.soft = usage.today, usage.per_day, usage.soft
        mine.next_free_at = usage.next_free_at
    for pk, status in sent_folder.statuses(accounts).items():
        figures[pk].sent_folder_up_to = status.up_to
        figures[pk].sent_folder_waiting = status.waiting
    for account in accounts:
        if price_of(account) is None:
            continue
        cost = costs.monthly_cost(account, costs.this_month(account.shop))
        figures[account.pk].cost = (cost.amount, cost.currency) if cost else None
