"""Why we write: the registry of message types.

An app adds its own with ``register()`` in its ``AppConfig.ready()``; a code is for ever, because
the log and the ledger of what was said are keyed by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from maillog.states import UnknownPolicy


class Section(StrEnum):
    ORDERS = "orders"
    PAYMENTS = "payments"
    DELIVERY = "delivery"
    ACCOUNT = "account"
    CONTACT = "contact"


SECTION_NAMES: dict[Section, tuple[Promise, str]] = {
    # The name, and the words that staff know from their old panel.
    Section.ORDERS: (_("Order placement"), "Złożenie zamówienia"),
    Section.PAYMENTS: (_("Payment"), "Płatności"),
    Section.DELIVERY: (_("Shipping"), "Wysyłka"),
    Section.ACCOUNT: (_("Customer account"), "Konto klienta"),
    Section.CONTACT: (_("Contact"), "Kontakt"),
}


@dataclass(frozen=True, slots=True)
class MessageType:
    """What holds for every message of one type, in every shop.

    ``expires``: how long it is worth trying. ``sensitive``: its body is never shown, copied or
    tracked. ``critical``: goes first, and has a reserve in an account's limit. ``repeatable``:
    the same occurrence may be said again in a new revision.
    """

    code: str
    name: Promise
    section: Section
    description: Promise
    expires: timedelta = timedelta(hours=48)
    on_in_new_shop: bool = True
    unknown_policy: UnknownPolicy = UnknownPolicy.REPEAT
    sensitive: bool = False
    critical: bool = False
    repeatable: bool = False
    polish_name: str = ""

    @property
    def priority(self) -> int:
        """Place in an account's queue; lower goes first."""
        return 1 if self.critical else 5


_types: dict[str, MessageType] = {}
_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


class UnknownMessageType(LookupError):
    """No message type has this code."""


def register(message_type: MessageType) -> MessageType:
    """Adds a type. Raises ``ValueError`` for a malformed code or one that is taken."""
    code = message_type.code
    if not _CODE.fullmatch(code) or len(code) > 80 or code.startswith("system"):
        raise ValueError(f"“{code}” is not a message type's code")
    if _types.setdefault(code, message_type) != message_type:
        raise ValueError(f"message type {code} is registered already")
    return message_type


def get(code: str) -> MessageType:
    """The type with this code; raises ``UnknownMessageType``."""
    try:
        return _types[code]
    except KeyError:
        raise UnknownMessageType(code) from None


def all_types() -> list[MessageType]:
    """Every type, in the order of its section and registration."""
    sections = list(Section)
    return sorted(_types.values(), key=lambda each: sections.index(each.section))


ORDER_PLACED = register(
    MessageType(
        "order.placed",
        _("Order confirmation"),
        Section.ORDERS,
        _("To the buyer, as soon as the order has arrived."),
        expires=timedelta(days=5),
        polish_name="Potwierdzenie przyjęcia zamówienia",
    )
)
ORDER_PAID = register(
    MessageType(
        "order.paid",
        _("Payment received"),
        Section.PAYMENTS,
        _("To the buyer, when the order is paid."),
        expires=timedelta(days=5),
        on_in_new_shop=False,
        polish_name="Potwierdzenie płatności",
    )
)
ORDER_SHIPPED = register(
    MessageType(
        "order.shipped",
        _("Parcel sent, with tracking link"),
        Section.DELIVERY,
        _("To the buyer, as soon as the tracking link is entered."),
        polish_name="Przesyłka wysłana",
    )
)
PASSWORD_RESET = register(
    MessageType(
        "customer.password_reset",
        _("New password"),
        Section.ACCOUNT,
        _("To the customer, with a link that the shop's software made."),
        expires=timedelta(minutes=60),
        unknown_policy=UnknownPolicy.REPEAT_NOW,
        sensitive=True,
        critical=True,
        repeatable=True,
        polish_name="Nowe hasło do konta",
    )
)
NOTE = register(
    MessageType(
        "note",
        _("Note to the customer"),
        Section.CONTACT,
        _("What staff write on an order's page."),
        repeatable=True,
        polish_name="Wiadomość do klienta",
    )
)
