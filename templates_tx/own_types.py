"""Message types as one shop knows them: those of the installation, and those it made for itself."""

from __future__ import annotations

from typing import Any

from shops.models import Shop
from templates_tx import message_types
from templates_tx.contract import Contract, Entry, Field, Kind
from templates_tx.message_types import MessageType, Section, To, UnknownMessageType
from templates_tx.models import OwnMessageType
from templates_tx.types.shared import ABOUT_ORDER, BASE, LOCALE, SHOP

PREFIX = "own."

_GIVEN: dict[To, tuple[Entry, ...]] = {
    To.BUYER: ABOUT_ORDER,
    To.GIVEN: BASE,
    To.OWNER: (*LOCALE, SHOP),
}


def find(code: str, shop: Shop) -> MessageType:
    """The type that ``code`` means in ``shop``; raises ``UnknownMessageType``."""
    if not code.startswith(PREFIX):
        return message_types.get(code)
    row = OwnMessageType.objects.for_shop(shop).filter(code=code).first()
    if row is None:
        raise UnknownMessageType(code)
    return as_type(row)


def types_of(shop: Shop) -> list[MessageType]:
    """Every type that the shop has, in the order of sections."""
    own = [as_type(row) for row in OwnMessageType.objects.for_shop(shop)]
    return message_types.in_order([*message_types.all_types(), *own])


def as_type(row: OwnMessageType) -> MessageType:
    to = To(row.to)
    fields = tuple(_field(each) for each in row.fields)
    must = tuple(each["name"] for each in row.fields if each.get("must_appear"))
    return MessageType(
        row.code,
        row.name,
        Section(row.section),
        row.description,
        on_in_new_shop=True,
        sensitive=row.sensitive,
        critical=row.critical,
        repeatable=True,
        to=to,
        contract=Contract((*_GIVEN[to], *fields), must),
        is_withdrawn=row.is_withdrawn,
        is_own=True,
    )


def _field(stored: dict[str, Any]) -> Field:
    return Field(
        stored["name"],
        stored.get("label") or stored["name"],
        stored.get("sample", ""),
        Kind(stored.get("kind", Kind.TEXT)),
        may_be_empty=bool(stored.get("may_be_empty")),
    )
