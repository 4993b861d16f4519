"""What the outbox knows of accounts, for their list in the panel."""

from __future__ import annotations

from collections.abc import Sequence

from mailaccounts.costs import price_of
from mailaccounts.figures import Figures
from mailaccounts.models import SenderAccount
from maillog import costs, limits, sent_folder


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
