"""What an order says, as plain data: the one form in which orders reach the composer.

Our own ``Order`` gives it, and so does every foreign order model behind an adapter, so nothing
to the right of this app knows whose model it was. Amounts are ``Decimal`` in ``currency``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from shops.models.shop import Shop


@dataclass(frozen=True, slots=True)
class Party:
    """A person or company of an order: the buyer, the payer or the recipient."""

    name: str = ""
    email: str = ""
    phone: str = ""
    first_name: str = ""
    address: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    quantity: Decimal
    unit_price: Decimal
    total: Decimal
    variant: str = ""
    sku: str = ""
    image_url: str = ""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """One order at one moment."""

    number: str
    placed_at: datetime
    imported_at: datetime
    currency: str
    language: str
    buyer: Party
    payer: Party
    recipient: Party
    lines: tuple[Line, ...]
    total: Decimal
    subtotal: Decimal = Decimal(0)
    shipping_cost: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    tax_total: Decimal = Decimal(0)
    state: str = "new"
    payment_state: str = "unpaid"
    delivery_state: str = "none"
    payment_method: str = ""
    shipping_method: str = ""
    pickup_point: str = ""
    note: str = ""
    url: str = ""
    invoice_url: str = ""
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""


class OrderLike(Protocol):
    """What the order signals carry."""

    @property
    def shop(self) -> Shop: ...
    @property
    def number(self) -> str: ...
    @property
    def email(self) -> str:
        """The buyer's address; empty if there is none."""
        ...

    def facts(self) -> OrderFacts:
        """Reads the order; called only when a message is really written."""
        ...
