"""Message types as one shop knows them: those of the installation, and those it made for itself."""

from __future__ import annotations

from typing import Any

from shops.models import Shop
from templates_tx import message_types
from templates_tx.contract import Contract, Entry, Field, Kind, Sample
from templates_tx.message_types import MessageType, Section, To, UnknownMessageType
from templates_tx.models import OwnMessageType
from templates_tx.types.shared import ABOUT_ORDER, BASE, LOCALE, SHOP

PREFIX = "own."
YES = "yes"  # the example of a value that is so or is not

_GIVEN: dict[To, tuple[Entry, ...]] = {
    To.BUYER: ABOUT_ORDER,
    To.GIVEN: BASE,
    To.OWNER: (*LOCALE, SHOP),
}


def find(code: str, shop: Shop) -> MessageType:
    """The type that ``code`` means in ``shop``; raises ``UnknownMessageType``."""
    if not code.startswith(PREFIX):
        return message_types.get(code)
    row = row_of(code, shop)
    if row is None:
        raise UnknownMessageType(code)
    return as_type(row)


def row_of(code: str, shop: Shop) -> OwnMessageType | None:
    # An address may hold what no database looks for.
    if not message_types.is_code(code):
        return None
    return OwnMessageType.objects.for_shop(shop).filter(code=code).first()


def known_among(codes: set[str], shop: Shop | None) -> dict[str, MessageType]:
    """Those of ``codes`` that ``shop`` knows, by code; of its own, one query for all.

    ``shop`` None: those of every installation.
    """
    known = {each.code: each for each in message_types.all_types() if each.code in codes}
    own = [code for code in codes if code.startswith(PREFIX) and message_types.is_code(code)]
    if shop is not None and own:
        rows = OwnMessageType.objects.for_shop(shop).filter(code__in=own)
        known |= {row.code: as_type(row) for row in rows}
    return known


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
    kind = Kind(stored.get("kind", Kind.TEXT))
    return Field(
        stored["name"],
        stored.get("label") or stored["name"],
        _sample(kind, str(stored.get("sample", ""))),
        kind,
        may_be_empty=bool(stored.get("may_be_empty")),
    )


def _sample(kind: Kind, typed: str) -> Sample:
    """What was typed as an example, as the message's sender would hand it in."""
    if kind == Kind.LINES:
        return [line for line in typed.splitlines() if line.strip()]
    return typed == YES if kind == Kind.FLAG else typed


def own_sample(row: OwnMessageType) -> dict[str, Any]:
    """The values of the type's own, as an example of what a program hands in."""
    return {each["name"]: _field(each).sample_in("") for each in row.fields}
