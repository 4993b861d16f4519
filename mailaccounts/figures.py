"""What the list of accounts shows of things that only apps to the right know.

They fill ``sources`` in ``AppConfig.ready()``; each is asked once for all accounts of a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount
    from shops.models import Shop


@dataclass(slots=True)
class Figures:
    """One account's figures.

    ``used`` are deliveries of the last 24 hours, ``most`` the limit they count against (``soft``:
    beyond it mail still leaves), ``sent_folder_up_to`` how far IMAP synchronisation has come,
    ``cost`` this month's sum with its currency.
    """

    used: int = 0
    most: int | None = None
    soft: bool = False
    next_free_at: datetime | None = None
    waiting: int = 0
    sent_folder_up_to: datetime | None = None
    sent_folder_waiting: int = 0
    cost: tuple[Decimal, str] | None = None

    @property
    def tone(self) -> str:
        """``warn`` from four fifths of the limit on."""
        return "warn" if self.most and self.used * 5 >= self.most * 4 else ""


@dataclass(frozen=True, slots=True)
class CostLine:
    """What an account's mail cost in the month that begins on ``month``."""

    month: date
    account: SenderAccount
    count: int
    amount: Decimal
    currency: str


# Each returns a shop's lines, the latest month first; for the page of accounts.
cost_reports: list[Callable[[Shop], list[CostLine]]] = []

Source = Callable[[Sequence["SenderAccount"], dict[int, Figures]], None]
# Each writes what it knows into the figures of these accounts, by primary key.
sources: list[Source] = []


def figures_of(accounts: Sequence[SenderAccount]) -> dict[int, Figures]:
    """The figures of ``accounts``, by primary key."""
    found = {account.pk: Figures() for account in accounts}
    for source in sources:
        source(accounts, found)
    return found
