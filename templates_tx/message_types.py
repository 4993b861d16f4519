"""Why we write: the registry of message types.

The ones of every installation are in ``templates_tx.types``. An app adds its own with
``register()`` in its ``AppConfig.ready()``; staff add theirs in the panel (``own_types``). A code
is for ever, because the log and the ledger of what was said are keyed by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from maillog.states import UnknownPolicy
from templates_tx.contract import Contract, Name


class Section(StrEnum):
    ORDERS = "orders"
    PAYMENTS = "payments"
    DELIVERY = "delivery"
    RETURNS = "returns"
    DOCUMENTS = "documents"
    ACCOUNT = "account"
    BUSINESS = "business"
    CONTACT = "contact"
    SUBSCRIPTIONS = "subscriptions"
    STAFF = "staff"


SECTION_NAMES: dict[Section, tuple[Promise, str]] = {
    # The name, and the words that staff know from their old panel.
    Section.ORDERS: (_("Order placement"), "Złożenie zamówienia"),
    Section.PAYMENTS: (_("Payment"), "Płatności"),
    Section.DELIVERY: (_("Shipping"), "Wysyłka"),
    Section.RETURNS: (_("Returns and refunds"), "Zwroty i reklamacje"),
    Section.DOCUMENTS: (_("Documents"), "Dokumenty"),
    Section.ACCOUNT: (_("Customer account"), "Konto klienta"),
    Section.BUSINESS: (_("Business customers"), "Klienci hurtowi"),
    Section.CONTACT: (_("Contact"), "Kontakt"),
    Section.SUBSCRIPTIONS: (_("Subscriptions and deadlines"), "Subskrypcje i terminy"),
    Section.STAFF: (_("For staff"), "Dla obsługi"),
}


class Audience(StrEnum):
    """For whom a message is written: a shopper, or the people of the shop."""

    CUSTOMER = "customer"
    STAFF = "staff"


class To(StrEnum):
    """Where a message goes."""

    BUYER = "buyer"  # of the order
    GIVEN = "given"  # the address that the caller names
    OWNER = "owner"  # the shop's contact address


RECIPIENT_NAMES: dict[To, Promise] = {
    To.BUYER: _("the buyer of the order"),
    To.GIVEN: _("the customer whom the shop names"),
    To.OWNER: _("the shop's contact address"),
}


@dataclass(frozen=True, slots=True)
class MessageType:
    """What holds for every message of one type, in every shop.

    ``expires``: how long it is worth trying. ``sensitive``: its body is never shown, copied or
    tracked. ``critical``: goes first, and has a reserve in an account's limit. ``repeatable``:
    the same occurrence may be said again in a new revision. ``answers_to``: path in the context of
    the address that answers go to. ``takes_documents``: a sales document may be attached.
    ``is_handed_in``: it arrives ready-made, so it has no template. ``is_withdrawn``: kept for the
    log, cannot be sent any more.
    """

    code: str
    name: Name
    section: Section
    description: Name
    expires: timedelta = timedelta(hours=48)
    on_in_new_shop: bool = True
    unknown_policy: UnknownPolicy = UnknownPolicy.REPEAT
    sensitive: bool = False
    critical: bool = False
    repeatable: bool = False
    polish_name: str = ""
    to: To = To.GIVEN
    contract: Contract = field(default_factory=Contract, repr=False, compare=False)
    answers_to: str = ""
    takes_documents: bool = False
    is_handed_in: bool = False
    is_withdrawn: bool = False
    is_own: bool = False

    @property
    def priority(self) -> int:
        """Place in an account's queue; lower goes first."""
        return 1 if self.critical else 5

    @property
    def audience(self) -> Audience:
        return Audience.STAFF if self.to == To.OWNER else Audience.CUSTOMER

    @property
    def recipient(self) -> Promise:
        """Who gets it, in words."""
        return RECIPIENT_NAMES[self.to]


_types: dict[str, MessageType] = {}
_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
LONGEST_CODE = 80
# Taken for the installation's own mail, and for the types that a shop makes for itself.
RESERVED = ("system", "own.")


class UnknownMessageType(LookupError):
    """No message type has this code."""


def is_code(text: str) -> bool:
    """Whether a message type could have this code."""
    return len(text) <= LONGEST_CODE and bool(_CODE.fullmatch(text))


def register(message_type: MessageType) -> MessageType:
    """Adds a type. Raises ``ValueError`` for a malformed code or one that is taken."""
    code = message_type.code
    if not is_code(code) or code.startswith(RESERVED):
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
    """Every registered type, in the order of its section and registration."""
    return in_order(_types.values())


def in_order(types: Iterable[MessageType]) -> list[MessageType]:
    sections = list(Section)
    return sorted(types, key=lambda each: sections.index(each.section))
