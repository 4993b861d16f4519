"""The list of orders: what was asked for, and one page of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import models
from django.db.models import F
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleLessThan,
)
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops.models import Order
from shops.models.order import OrderQuerySet
from shops.models.order_states import DeliveryState, OrderState, PaymentState
from shops.search_text import fold

PAGE = 50
LONGEST_QUESTION = 200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the selects above the list."""

    name: str
    label: Promise
    all: Promise
    values: type[models.TextChoices]


CHOICES = (
    Choice("state", _("State"), _("any state"), OrderState),
    Choice("payment_state", _("Payment"), _("any payment"), PaymentState),
    Choice("delivery_state", _("Delivery"), _("any delivery"), DeliveryState),
)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What staff look for; read from an address, where nonsense counts as not asked."""

    question: str = ""
    chosen: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> OrderFilter:
        asked = ((choice.name, query.get(choice.name, ""), choice.values) for choice in CHOICES)
        return cls(
            # PostgreSQL refuses NUL in text.
            question=query.get("q", "").replace("\0", "").strip()[:LONGEST_QUESTION],
            chosen=tuple((name, value) for name, value, known in asked if value in known.values),
        )

    def __bool__(self) -> bool:
        return bool(self.question or self.chosen)

    def apply(self, orders: OrderQuerySet) -> OrderQuerySet:
        """Orders in the chosen states that hold every word of the question."""
        for word in fold(self.question).split():
            orders = orders.filter(search__contains=word.removeprefix("#") or word)
        return orders.filter(**dict(self.chosen))

    def in_words(self) -> list[str]:
        """The filter as people say it, for an empty list."""
        labels = {choice.name: choice for choice in CHOICES}
        said = [f"“{self.question}”"] if self.question else []
        return said + [
            f"{labels[name].label}: {labels[name].values(value).label}"
            for name, value in self.chosen
        ]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list, newest first: the order after which, or before which, to go on."""

    placed_at: datetime
    pk: int

    @classmethod
    def of(cls, order: Order) -> Place:
        return cls(order.placed_at, order.pk)

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """``str()`` of a place read back; None for anything else."""
        ticks, dash, pk = text.partition("-")
        # Eighteen digits are the most that a database's integer holds for sure.
        if not (dash and ticks.isdecimal() and pk.isdecimal() and max(map(len, (ticks, pk))) <= 18):
            return None
        try:
            return cls(EPOCH + int(ticks) * TICK, int(pk))
        except OverflowError:
            return None

    def __str__(self) -> str:
        return f"{(self.placed_at - EPOCH) // TICK}-{self.pk}"


@dataclass(frozen=True, slots=True)
class Page:
    """``newer`` and ``older`` are the places at its ends, None where the list ends."""

    orders: list[Order]
    newer: Place | None
    older: Place | None


def page_of(orders: OrderQuerySet, *, before: Place | None, after: Place | None) -> Page:
    """The page of orders older than ``before``, or newer than ``after``, or the newest.

    A row comparison: fast at any depth, where OFFSET reads all it leaves out.
    """
    key = Tuple(F("placed_at"), F("id"))
    if after is not None and before is None:
        newer = orders.filter(TupleGreaterThan(key, (after.placed_at, after.pk)))
        found = list(newer.order_by("placed_at", "id")[: PAGE + 1])
        shown = found[:PAGE][::-1]
        return _page(shown, more_newer=len(found) > PAGE, more_older=True)
    if before is not None:
        orders = orders.filter(TupleLessThan(key, (before.placed_at, before.pk)))
    found = list(orders.newest_first()[: PAGE + 1])
    return _page(found[:PAGE], more_newer=before is not None, more_older=len(found) > PAGE)


def _page(shown: list[Order], *, more_newer: bool, more_older: bool) -> Page:
    return Page(
        shown,
        newer=Place.of(shown[0]) if shown and more_newer else None,
        older=Place.of(shown[-1]) if shown and more_older else None,
    )
