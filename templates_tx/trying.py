"""What the shop's messages would make of its latest orders, as the list of messages shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.functional import Promise

from shops.models import Order, Shop
from templates_tx.catalogue import Catalogue, MessageRow
from templates_tx.dry_run import COUNT, Failure, try_all_on_orders
from templates_tx.problems import PART_NAMES


@dataclass(slots=True)
class Fault:
    """One thing that is wrong, with the orders that it hits: number → row, if it is there."""

    part: str
    line: int | None
    message: str
    orders: dict[str, int | None] = field(default_factory=dict)

    @property
    def part_name(self) -> Promise | str:
        return PART_NAMES.get(self.part, self.part)


@dataclass(frozen=True, slots=True)
class TriedRow:
    row: MessageRow
    tried: int
    failed: int
    faults: list[Fault]

    @property
    def passed(self) -> int:
        return self.tried - self.failed


@dataclass(frozen=True, slots=True)
class TriedAll:
    """``orders``: how many there were to try with."""

    orders: int
    rows: list[TriedRow]

    @property
    def failing(self) -> list[TriedRow]:
        return [each for each in self.rows if each.failed]

    @property
    def fine(self) -> list[TriedRow]:
        return [each for each in self.rows if each.tried and not each.failed]

    @property
    def untried(self) -> list[TriedRow]:
        """Without words, or later than the time for a whole run."""
        return [each for each in self.rows if not each.tried]


def try_all(shop: Shop, catalogue: Catalogue) -> TriedAll:
    """Every message about orders that is on, with the words in use; takes seconds."""
    runs = try_all_on_orders(shop, COUNT)
    known = _numbers(shop, (each for run in runs.values() for each in run.failures))
    rows = [
        TriedRow(catalogue.row(code), run.tried, len(run.failures), _faults(run.failures, known))
        for code, run in runs.items()
    ]
    orders = len(Order.objects.for_shop(shop).order_by()[:COUNT].values_list("pk"))
    return TriedAll(orders, rows)


def _numbers(shop: Shop, failures: Iterable[Failure]) -> dict[str, int]:
    numbers = {each.order_number for each in failures}
    rows = Order.objects.for_shop(shop).filter(number__in=numbers).order_by()
    return dict(rows.values_list("number", "pk"))


def _faults(failures: list[Failure], known: dict[str, int]) -> list[Fault]:
    found: dict[tuple[str, int | None, str], Fault] = {}
    for each in failures:
        key = (each.part, each.line, each.message)
        fault = found.setdefault(key, Fault(*key))
        fault.orders[each.order_number] = known.get(each.order_number)
    return list(found.values())
