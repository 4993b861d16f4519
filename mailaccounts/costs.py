"""What one message costs at an account's provider, as staff have set it or as is usual."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from mailaccounts.models import Kind, SenderAccount

# "10 messages cost 3 grosze": FreshMail's price for partners, before tax.
FRESHMAIL_PRICE = Decimal("0.003")
FRESHMAIL_CURRENCY = "PLN"
PRICE_LIST = "https://freshmail.com/purchasing-guidelines-introduction-to-the-price-list/"


@dataclass(frozen=True, slots=True)
class Price:
    """Of one message to one recipient."""

    amount: Decimal
    currency: str


def price_of(account: SenderAccount) -> Price | None:
    """None: the account costs nothing by message, or nobody has said how much."""
    if account.price_per_message is not None:
        return Price(account.price_per_message, account.price_currency or _currency(account))
    if account.kind == Kind.FRESHMAIL:
        return Price(FRESHMAIL_PRICE, FRESHMAIL_CURRENCY)
    return None


def _currency(account: SenderAccount) -> str:
    if account.kind == Kind.FRESHMAIL:
        return FRESHMAIL_CURRENCY
    return account.shop.currency if account.shop is not None else "EUR"
