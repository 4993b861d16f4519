"""How far the mail about an order is: waiting, sending, accepted, and the letter beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.formats import number_format

from demo.mailbox import Letter, Side, letters
from maillog.models import Delivery, MailMessage
from maillog.states import WAITING, Role, State
from shops.models import Order

TURN = (State.QUEUED, State.CLAIMED, State.SENT)


@dataclass(frozen=True, slots=True)
class Stage:
    """``mark``: "done", "now" or "to come". ``since``: when the message was made."""

    state: State
    mark: str
    at: datetime | None
    since: datetime

    @property
    def label(self) -> str:
        return str(self.state.label)

    @property
    def current(self) -> str:
        """For ``aria-current``."""
        return "step" if self.mark == "now" else "false"

    @property
    def after(self) -> str:
        """Seconds since the message was made; empty where a time of day says more."""
        seconds = (self.at - self.since).total_seconds() if self.at else 0
        return number_format(seconds, 1) if 0 < seconds < 60 else ""


@dataclass(frozen=True, slots=True)
class Progress:
    """One message about an order. ``letter`` is the customer's copy, once it has arrived."""

    message: MailMessage
    delivery: Delivery
    letter: Letter | None

    @property
    def is_moving(self) -> bool:
        return self.delivery.state in WAITING or (
            self.delivery.state == State.SENT and self.letter is None
        )

    @property
    def goes_well(self) -> bool:
        return self.delivery.state in TURN

    @property
    def stages(self) -> list[Stage]:
        delivery = self.delivery
        here = TURN.index(State(delivery.state)) if self.goes_well else 0
        times = (self.message.created_at, delivery.dot_at if here else None, delivery.ended_at)
        return [
            Stage(state, _mark(place, here), at, self.message.created_at)
            for place, (state, at) in enumerate(zip(TURN, times, strict=True))
        ]


def _mark(place: int, here: int) -> str:
    if place < here or here == len(TURN) - 1:
        return "done"
    return "now" if place == here else "to come"


def progress_of(order: Order) -> list[Progress]:
    """What was and is being said to the customer since this order, in its order."""
    arrived = {letter.message_id: letter for letter in letters(Side.CUSTOMERS)}
    found = []
    for message in _messages(order):
        main = next((each for each in message.deliveries.all() if each.role == Role.MAIN), None)
        if main is not None:
            found.append(Progress(message, main, arrived.get(message.message_id)))
    return found


def _messages(order: Order) -> QuerySet[MailMessage]:
    """Those about the order, and links for a new password that were asked for on its page."""
    new_password = Q(
        message_type="customer.password_reset",
        to_text=order.email,
        created_at__gte=order.imported_at,
    )
    rows = MailMessage.objects.for_shop(order.shop).filter(
        Q(order_number=order.number) | new_password
    )
    return rows.order_by("id").prefetch_related("deliveries")
