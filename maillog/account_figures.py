"""What the outbox knows of accounts, for their list in the panel."""

from __future__ import annotations

from collections.abc import Sequence

from mailaccounts.figures import Figures
from mailaccounts.models import SenderAccount
from maillog import limits


def fill_in(accounts: Sequence[SenderAccount], figures: dict[int, Figures]) -> None:
    """A ``mailaccounts.figures.Source``: what was sent in the last 24 hours, against the limit."""
    for pk, usage in limits.usage(accounts).items():
        mine = figures[pk]
        mine.used, mine.most, mine.soft = usage.today, usage.per_day, usage.soft
        mine.next_free_at = usage.next_free_at
