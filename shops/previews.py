"""What order pages say about mail. Apps to the right fill it in ``AppConfig.ready()``.

The shop knows orders and nothing of messages; its pages still tell staff beforehand what a click
will send, and afterwards what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain

from django.utils import timezone

from shops.facts import OrderLike
from shops.models.shop import Shop

QUICK, SLOW = 1, 15  # seconds between two looks at a message that is under way
WATCHED_CLOSELY = timedelta(minutes=2)


class Deed(StrEnum):
    """What staff are about to do to an order; named as the signal that it will raise."""

    PAID = "order_paid"
    SHIPPED = "order_shipped"
    TRACKING = "tracking_changed"
    NOTE = "note_written"


@dataclass(frozen=True, slots=True)
class Preview:
    """One message that a deed would cause. ``text`` says so in words; or why nothing will leave."""

    sends: bool
    text: str


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message about an order, as lists and timelines show it.

    ``tone`` is one of the panel's (ok, warn, bad, idle, hol); ``is_moving`` says that its state
    will change by itself; ``left`` is False for one that was only logged.
    """

    id: str
    name: str
    to: str
    state: str
    tone: str
    at: datetime
    url: str
    reason: str = ""
    channel: str = "email"
    is_moving: bool = False
    left: bool = True


# deed, order, parcel (the number or link that is being typed) → what would be sent
type Previewer = Callable[[Deed, OrderLike, str], Iterable[Preview]]

previewers: list[Previewer] = []
# Every message about one order, oldest first.
message_lists: list[Callable[[Shop, str], Iterable[SentMessage]]] = []
# The newest message that left (or will) for each of these order numbers.
newest_messages: list[Callable[[Shop, Sequence[str]], dict[str, SentMessage]]] = []


def preview(deed: Deed, order: OrderLike, parcel: str = "") -> list[Preview]:
    """What would be sent if staff did ``deed`` now; empty if nobody listens to it."""
    return list(chain.from_iterable(look(deed, order, parcel) for look in previewers))


def order_messages(shop: Shop, number: str) -> list[SentMessage]:
    """Every message about the order, oldest first."""
    found = chain.from_iterable(look(shop, number) for look in message_lists)
    return sorted(found, key=lambda message: message.at)


def newest_by_order(shop: Shop, numbers: Sequence[str]) -> dict[str, SentMessage]:
    """Order number → its newest message; one query for each channel, however many orders."""
    newest: dict[str, SentMessage] = {}
    for look in newest_messages:
        for number, message in look(shop, numbers).items():
            if number not in newest or message.at > newest[number].at:
                newest[number] = message
    return newest


def seconds_to_next_look(messages: Iterable[SentMessage]) -> int:
    """How long a page may wait before it asks again; 0 if nothing will change by itself."""
    moving = [message.at for message in messages if message.is_moving]
    if not moving:
        return 0
    return QUICK if timezone.now() - max(moving) < WATCHED_CLOSELY else SLOW
