"""How fast order confirmations leave: two deliver processes against smtp-source, the C ceiling.

`python -m bench.send [--json] [--messages N] [--processes N] [--connections N] [--runs N]`: queues
order confirmations on PostgreSQL with fsync while the account may not send, lets it send, and
takes the time until every message has ended. Before each run `smtp-source` sends to the same sink:
the ceiling. Medians of all runs. CPU is that of the deliver processes; `steps_us` comes last, from
one more drain in one thread that takes the time of each step.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import _ground, _postfix

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount
    from shops.models import Shop

LONGEST = 300.0  # seconds that a drain may take
STEPPED = 500  # messages of the drain that takes the time of each step


@dataclass(frozen=True, slots=True)
class Drain:
    """One drain: what was sent, how long it took, what it cost."""

    ceiling: float
    messages: int
    seconds: float
    cpu: float
    postgres_cpu: float
    received: int

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def ratio(self) -> float:
        return self.rate / self.ceiling


class Post:
    """The shop whose mail is drained, and its account."""

    def __init__(self, port: int, connections: int) -> None:
        self.shop: Shop
        self.account: SenderAccount
        self.shop, self.account = _ground.make_shop(port, connections)
        self._orders = 0

    def queue(self, messages: int) -> None:
        """Places orders while the account may not send."""
        from django.db import connection, transaction
        from django.utils import timezone

        self.hold_until(timezone.now() + timedelta(days=1))
        with transaction.atomic():  # filled by one commit: this is not what is measured
            for _each in range(messages):
                self._orders += 1
                _ground.place_order(self.shop, self._orders)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def hold_until(self, moment: datetime | None) -> None:
        """Sends nothing before ``moment``; None lets everything go."""
        from mailaccounts.models import SenderAccount

        SenderAccount.objects.filter(pk=self.account.pk).update(next_try_at=moment)

    def bytes_of_a_mail(self) -> int:
        """The size of what is sent, the mean of some stored messages."""
        from maillog.models import Delivery
        from maillog.pipeline import EmailChannel

        channel = EmailChannel()
        rows = Delivery.objects.select_related("message__shop", "message__body")[:50]
        sizes = [len(channel.build(each).content) for each in rows]
        return round(sum(sizes) / len(sizes))


def drain(
    post: Post, sink: _postfix.Sink, tools: _postfix.Tools, options: argparse.Namespace
) -> Drain:
    """One run: the ceiling first, then the queue is filled and drained."""
    from maillog.models import Delivery
    from maillog.states import DUE, State
    from tests.faults import until

    ceiling = _postfix.ceiling(tools, sink.port)
    post.queue(options.messages)
    before = sink.received()
    waiting = Delivery.objects.filter(state__in=(*DUE, State.CLAIMED))
    with _ground.deliverers(options.processes) as processes:
        cpu, postgres = processes.cpu_seconds(), _ground.postgres_cpu_seconds()
        began = time.perf_counter()
        post.hold_until(None)
        if not until(lambda: not waiting.exists(), LONGEST):
            raise RuntimeError(f"after {LONGEST:.0f} s {waiting.count()} messages still wait")
        seconds = time.perf_counter() - began
        cpu = processes.cpu_seconds() - cpu
        postgres = _ground.postgres_cpu_seconds() - postgres
    return Drain(ceiling, options.messages, seconds, cpu, postgres, sink.received() - before)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All runs; returns the figures, the ratio's median and range among them."""
    from maillog.models import MailMessage

    with _postfix.unpacked() as tools, _postfix.sink(tools) as sink:
        post = Post(sink.port, options.connections)
        runs = [drain(post, sink, tools, options) for _each in range(options.runs)]
        figures = {
            "messages": options.messages,
            "bytes": post.bytes_of_a_mail(),
            "processes": options.processes,
            "connections": options.connections,
            "runs": options.runs,
            "sent": MailMessage.objects.filter(state="sent").count(),
            "received": sum(each.received for each in runs),
            "msg_per_s": round(median(each.rate for each in runs), 1),
            "ceiling_per_s": round(median(each.ceiling for each in runs)),
            "ratio_to_ceiling": round(median(each.ratio for each in runs), 4),
            "ratios": [round(each.ratio, 4) for each in runs],
            "cpu_s_per_1000": _per_1000(runs, "cpu"),
            "postgres_cpu_s_per_1000": _per_1000(runs, "postgres_cpu"),
        }
        if options.steps:
            from bench import _steps

            post.queue(STEPPED)
            figures["steps_us"] = _steps.measure(post.account, STEPPED)
        return figures


def _per_1000(runs: list[Drain], what: str) -> float:
    costs: list[float] = [getattr(each, what) / each.messages * 1000 for each in runs]
    return round(median(costs), 3)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./postroom bench send", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-steps", dest="steps", action="store_false")
    return parser.parse_args()


def main() -> None:
    options = parse()
    _ground.on_postgresql("bench.send")
    try:
        figures = measure(options)
    except _postfix.ToolsMissing as missing:
        sys.exit(str(missing))
    _ground.tell(figures, as_json=options.json)


if __name__ == "__main__":
    main()
