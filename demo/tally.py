"""What ``demo --once`` does with Django: one shop, many orders, and the count at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.core.management import call_command
from django.db import OperationalError, connection

from demo.catalogue import BICYCLES
from demo.load import make_order, make_shop_of
from maillog import reaper
from maillog.models import Delivery, MailMessage
from maillog.states import WAITING, State
from shops.models import Order, Shop

COUNTED = (State.SENT, State.FAILED, State.UNKNOWN, State.HELD)
# Seen only where something else is at work, but then they must be in the sum.
RARE = (State.EXPIRED, State.CANCELLED, State.SUPPRESSED, State.NOT_SENT)


@dataclass(frozen=True, slots=True)
class Tally:
    """States of the messages by Message-ID, and how often each arrived (None: nobody knows)."""

    states: dict[str, State]
    ever_unknown: int
    arrived: Counter[str] | None

    def figures(self) -> dict[str, int | None]:
        found = Counter(self.states.values())
        return {
            "queued": len(self.states),
            **{state.value: found[state] for state in COUNTED},
            "ever_unknown": self.ever_unknown,
            **{state.value: found[state] for state in RARE if found[state]},
            "waiting": sum(found[state] for state in WAITING),
            "sink_received": None if self.arrived is None else self.arrived.total(),
            "duplicates": None
            if self.arrived is None
            else self.arrived.total() - len(self.arrived),
        }

    def agrees(self, orders: int) -> bool:
        """One message for each order; every sent one arrived, and nothing that was not sent."""
        if len(self.states) != orders:
            return False
        if self.arrived is None:
            return True
        here = set(self.arrived)
        sent = {key for key, state in self.states.items() if state == State.SENT}
        perhaps = {key for key, state in self.states.items() if state == State.UNKNOWN}
        return sent <= here <= sent | perhaps


def make_shop(smtp: str, workers: int) -> Shop:
    """Migrates and makes the shop; its account writes no copies."""
    call_command("migrate", verbosity=0, interactive=False)
    shop = make_shop_of(BICYCLES, smtp, copies=False)
    shop.sender_accounts.filter(is_main=True).update(concurrency=min(16, 2 * workers))
    return shop


def place(shop: Shop, orders: int) -> None:
    people = BICYCLES.people
    for number in range(1, orders + 1):
        person = people[number % len(people)]
        order, lines = make_order(shop, BICYCLES, person, str(number), [number, number + 1])
        Order.place(order, lines)


def has_ended() -> bool:
    """As ``reaper.has_ended``; a database that is away for a moment has not ended anything."""
    try:
        return reaper.has_ended()
    except OperationalError:
        connection.close()
        return False


def count(arrived: Counter[str] | None) -> Tally:
    rows = MailMessage.objects.values_list("message_id", "state")
    return Tally(
        states={message_id: State(state) for message_id, state in rows},
        ever_unknown=Delivery.objects.filter(ever_unknown=True).count(),
        arrived=arrived,
    )
