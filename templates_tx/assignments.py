"""What a shop has decided about its messages, and how it decides otherwise."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import Max

from maillog.states import Channel
from shops.models import AuditEntry, Shop
from templates_tx.message_types import MessageType, UnknownMessageType
from templates_tx.models import TemplateAssignment
from templates_tx.own_types import find

UNDO_WITHIN = 600  # seconds
_SALT = "templates_tx.undo.entries"
_CHANGED = "assignment.changed"

# Two messages about the same order within minutes: who switches on the first is asked about the
# second.
TAKES_PLACE_OF = {"order.paid": "order.placed"}
# What the answer may be.
INSTEAD, BESIDES = "instead", "besides"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether, when, from which account, with a copy for the owner, and where answers go.

    ``account`` None: the main one, whichever that is when a message is made; ``reply_to`` empty:
    where that account's answers go. ``conditions`` as ``templates_tx.conditions`` stores them;
    ``notes``: language → what the shop adds to the built-in words.
    """

    is_on: bool
    account: int | None = None
    copy_to_owner: bool = False
    reply_to: str = ""
    delay_minutes: int = 0
    conditions: list[dict[str, str]] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)


def rows_of(shop: Shop) -> dict[str, TemplateAssignment]:
    """The shop's assignments by code; types that it never decided about are missing."""
    rows = TemplateAssignment.objects.for_shop(shop).filter(channel=Channel.EMAIL)
    return {row.message_type: row for row in rows}


def decision_of(message_type: MessageType, row: TemplateAssignment | None) -> Decision:
    if row is None:
        return Decision(message_type.on_in_new_shop)
    return Decision(
        is_on=row.is_on,
        account=row.account_id,
        copy_to_owner=row.copy_to_owner,
        reply_to=row.reply_to,
        delay_minutes=row.delay_minutes,
        conditions=row.conditions,
        notes=row.notes,
    )


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
    old, new = asdict(before), asdict(wanted)
    for name, value in new.items():
        setattr(row, "account_id" if name == "account" else name, value)
    row.save(update_fields=list(new))
    AuditEntry.note(
        _CHANGED,
        shop=shop,
        user=user,
        target=message_type.code,
        **{name: [old[name], new[name]] for name in new if old[name] != new[name]},
    )
    return before


def undo_token(shop: Shop, before: dict[str, Decision]) -> str:
    """The change that has just been made, signed, for the address that takes it back.

    ``before``: what ``decide`` returned. The address names the audit's entries, which know what
    held: a shop's notes would be too long for it.
    """
    changes = AuditEntry.objects.filter(shop=shop, action=_CHANGED, target__in=list(before))
    newest = changes.order_by().values("target").annotate(newest=Max("pk")).values("newest")
    entries = {entry.target: entry for entry in AuditEntry.objects.filter(pk__in=newest)}
    mine = [
        entries[code].pk
        for code, decision in before.items()
        if code in entries and _is_about(entries[code], decision)
    ]
    return signing.dumps([shop.pk, mine], salt=_SALT)


def _is_about(entry: AuditEntry, before: Decision) -> bool:
    """False for an older change, where the code was asked for and nothing changed this time."""
    old, changed = asdict(before), _old_values(entry)
    return bool(changed) and all(old[name] == value for name, value in changed.items())


def _old_values(entry: AuditEntry) -> dict[str, Any]:
    """Field → what held before; nothing for what was changed elsewhere than here."""
    names = Decision.__dataclass_fields__
    return {name: value[0] for name, value in entry.details.items() if name in names}


def from_undo_token(shop: Shop, token: str) -> dict[str, Decision]:
    """What to decide so that the change is undone; what others changed since stays.

    Raises ``signing.BadSignature`` if it is forged, another shop's, or too old.
    """
    whose, numbers = signing.loads(token, salt=_SALT, max_age=UNDO_WITHIN)
    if whose != shop.pk:
        raise signing.BadSignature
    entries = AuditEntry.objects.filter(shop=shop, action=_CHANGED).in_bulk(numbers)
    rows, back = rows_of(shop), {}
    for number in numbers:
        entry = entries[number]
        try:
            now = decision_of(find(entry.target, shop), rows.get(entry.target))
        except UnknownMessageType:
            continue  # a type of the shop's own, deleted since
        back[entry.target] = replace(now, **_old_values(entry))
    if not back:
        raise signing.BadSignature
    return back
