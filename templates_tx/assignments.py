"""What a shop has decided about its messages, and how it decides otherwise."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.core import signing
from django.db import transaction

from maillog.states import Channel
from shops.models import AuditEntry, Shop
from templates_tx.message_types import MessageType
from templates_tx.models import TemplateAssignment
from templates_tx.own_types import find

UNDO_WITHIN = 600  # seconds
_SALT = "templates_tx.undo"

# Two messages about the same order within minutes: who switches on the first is asked about the
# second.
TAKES_PLACE_OF = {"order.paid": "order.placed"}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether, from which account, with a copy for the owner, and where answers go.

    ``account`` None: the main one, whichever that is when a message is made; ``reply_to`` empty:
    where that account's answers go.
    """

    is_on: bool
    account: int | None = None
    copy_to_owner: bool = False
    reply_to: str = ""


def rows_of(shop: Shop) -> dict[str, TemplateAssignment]:
    """The shop's assignments by code; types that it never decided about are missing."""
    rows = TemplateAssignment.objects.for_shop(shop).filter(channel=Channel.EMAIL)
    return {row.message_type: row for row in rows}


def decision_of(message_type: MessageType, row: TemplateAssignment | None) -> Decision:
    if row is None:
        return Decision(message_type.on_in_new_shop)
    return Decision(row.is_on, row.account_id, row.copy_to_owner, row.reply_to)


@transaction.atomic
def decide(shop: Shop, wanted: dict[str, Decision], user: Any) -> dict[str, Decision]:
    """Stores what is wanted of each code, with an audit entry where it is something new.

    Returns what held before. Raises ``UnknownMessageType``.
    """
    return {
        code: _decide(shop, find(code, shop), decision, user) for code, decision in wanted.items()
    }


def _decide(shop: Shop, message_type: MessageType, wanted: Decision, user: Any) -> Decision:
    TemplateAssignment.objects.get_or_create(
        shop=shop,
        message_type=message_type.code,
        channel=Channel.EMAIL,
        defaults={"is_on": message_type.on_in_new_shop},
    )
    row = TemplateAssignment.objects.select_for_update().get(
        shop=shop, message_type=message_type.code, channel=Channel.EMAIL
    )
    before = decision_of(message_type, row)
    if wanted == before:
        return before
    row.is_on, row.account_id = wanted.is_on, wanted.account
    row.copy_to_owner, row.reply_to = wanted.copy_to_owner, wanted.reply_to
    row.save(update_fields=["is_on", "account", "copy_to_owner", "reply_to"])
    old, new = asdict(before), asdict(wanted)
    AuditEntry.note(
        "assignment.changed",
        shop=shop,
        user=user,
        target=message_type.code,
        **{name: [old[name], new[name]] for name in new if old[name] != new[name]},
    )
    return before


def undo_token(shop: Shop, before: dict[str, Decision]) -> str:
    """What held before a change, signed, for the address that takes the change back."""
    told = {code: asdict(decision) for code, decision in before.items()}
    return signing.dumps([shop.pk, told], salt=_SALT, compress=True)


def from_undo_token(shop: Shop, token: str) -> dict[str, Decision]:
    """Raises ``signing.BadSignature`` if it is forged, another shop's, or too old."""
    whose, told = signing.loads(token, salt=_SALT, max_age=UNDO_WITHIN)
    if whose != shop.pk:
        raise signing.BadSignature
    return {code: Decision(**values) for code, values in told.items()}
