"""What queueing an order's message costs the shop, against one ORM insert: commits per second.

`python -m bench.queue [--json] [--rounds N] [--batch N]`: one process, PostgreSQL with fsync. By
turns so many transactions that each insert one small row by the ORM (a customer), and so many that
each compose and queue one order confirmation; its wake-up runs after the commit, as in a shop
whose workers are busy. Medians of all rounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import _ground

if TYPE_CHECKING:
    from shops.models import Order, Shop


class Turns:
    """What is measured, transaction by transaction."""

    def __init__(self, shop: Shop, orders: list[Order]) -> None:
        self._shop = shop
        self._orders = orders
        self._inserted = self._queued = 0

    def insert(self) -> None:
        """The reference."""
        from django.db import transaction

        from shops.models import Customer

        self._inserted += 1
        email = f"k{self._inserted}@poczta.example"
        with transaction.atomic():
            Customer.objects.create(shop=self._shop, email=email, first_name="Anna")

    def queue(self) -> None:
        from django.db import transaction

        from templates_tx.composer import Cause, send_for_order

        self._queued += 1
        order = self._orders[self._queued % len(self._orders)]
        with transaction.atomic():
            message = send_for_order("order.placed", order, Cause(f"bench:{self._queued}"))
        if message is None:
            raise RuntimeError("an order's message was not queued")


def measure(rounds: int, batch: int) -> dict[str, Any]:
    from django.db import connection

    from shops.models import Order

    shop, _account = _ground.make_shop(port=9, connections=2)
    for number in range(1, 41):
        _ground.place_order(shop, number)
    # With their lines, as at the moment when an order is placed.
    orders = list(Order.objects.select_related("customer", "shop").prefetch_related("lines"))
    turns = Turns(shop, orders)
    rates: dict[str, list[float]] = {"insert": [], "queue": []}
    for _each in range(rounds + 1):  # the first warms up and is not counted
        for name, turn in (("insert", turns.insert), ("queue", turns.queue)):
            rates[name].append(_rate(turn, batch))
    per_s = {name: round(median(found[1:]), 1) for name, found in rates.items()}
    ratios = [
        queued / inserted
        for inserted, queued in zip(rates["insert"][1:], rates["queue"][1:], strict=True)
    ]
    return {
        "rounds": rounds,
        "batch": batch,
        "insert_per_s": per_s["insert"],
        "queue_per_s": per_s["queue"],
        "ratio": round(median(ratios), 3),
        "ratios": [round(each, 3) for each in ratios],
        "database": connection.vendor,
    }


def _rate(turn: Callable[[], None], times: int) -> float:
    began = time.perf_counter()
    for _each in range(times):
        turn()
    return times / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./postroom bench queue", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=200)
    options = parser.parse_args()
    _ground.on_postgresql("bench.queue")
    figures = measure(options.rounds, options.batch)
    _ground.tell(figures, as_json=options.json)


if __name__ == "__main__":
    main()
