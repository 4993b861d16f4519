"""How long after the shop's commit a server has accepted the message, on an idle system.

`python -m bench.latency [--json] [--messages N]`: two deliver processes that wait, PostgreSQL with
fsync, postfix's smtp-sink. One order after the other, with a random pause: from the end of its
commit to the time of the accepted attempt. The reference is `smtplib` that connects, sends one
mail and quits, in the same run. Milliseconds.
"""

from __future__ import annotations

import argparse
import random
import smtplib
import sys
import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from bench import _ground, _postfix

if TYPE_CHECKING:
    from shops.models import Shop

PROCESSES = 2
LONGEST = 30.0  # seconds that one message may take
PAUSES = (0.0, 0.5)  # seconds


def measure(messages: int) -> dict[str, Any]:
    rng = random.Random(11)
    waits: list[float] = []
    bare: list[float] = []
    with _postfix.unpacked() as tools, _postfix.sink(tools) as sink:
        shop, _account = _ground.make_shop(sink.port, connections=2)
        with _ground.deliverers(PROCESSES):
            for number in range(1, messages + 1):
                time.sleep(rng.uniform(*PAUSES))
                waits.append(_one(shop, number))
                bare.append(_bare(sink.port))
    return {
        "messages": messages,
        "processes": PROCESSES,
        "smtplib_ms": _figures(bare),
        "commit_to_accepted_ms": _figures(waits),
    }


def _one(shop: Shop, number: int) -> float:
    """Places an order; returns the seconds from its commit to the accepted attempt."""
    from django.db import transaction

    from maillog.models import Attempt
    from tests.faults import until

    committed: list[float] = []
    with transaction.atomic():
        # The first hook: it runs before the wake-up.
        transaction.on_commit(lambda: committed.append(time.time()))
        _ground.place_order(shop, number)
    accepted = Attempt.objects.filter(
        answer="sent", delivery__message__shop=shop, delivery__message__order_number=str(number)
    )
    if not until(accepted.exists, LONGEST, every=0.01):
        raise RuntimeError(f"order {number} was not accepted within {LONGEST:.0f} s")
    return accepted.get().at.timestamp() - committed[0]


def _bare(port: int) -> float:
    began = time.perf_counter()
    with smtplib.SMTP(_postfix.HOST, port) as server:
        server.sendmail("a@shop.example", ["b@poczta.example"], b"Subject: x\r\n\r\n" + b"x" * 5000)
    return time.perf_counter() - began


def _figures(seconds: list[float]) -> dict[str, float]:
    cuts = quantiles(seconds, n=100, method="inclusive")
    found = {"median": median(seconds), "p95": cuts[94], "max": max(seconds)}
    return {name: round(value * 1000, 1) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./postroom bench latency", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    parser.add_argument("--messages", type=int, default=100)
    options = parser.parse_args()
    _ground.on_postgresql("bench.latency")
    try:
        figures = measure(options.messages)
    except _postfix.ToolsMissing as missing:
        sys.exit(str(missing))
    _ground.tell(figures, as_json=options.json)


if __name__ == "__main__":
    main()
