"""What a shop has decided about its messages, and how it decides otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.core import signing
from django.db import transaction

from maillog.states import Channel
from shops.models import AuditEntry, Shop
from shops.models.shop import Language
from templates_tx.message_types import MessageType, UnknownMessageType
from templates_tx.models import TemplateAssignment
from templates_tx.own_types import find

UNDO_WITHIN = 600  # seconds
_SALT = "templates_tx.undo.entries"
_CHANGED = "assignment.changed"
NOTES = "notes"

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


_FIELDS = tuple(Decision.__dataclass_fields__)


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


def values_of(decision: Decision) -> dict[str, Any]:
    """Its fields by name; each language's note is one of them: “notes.pl”, empty for none."""
    values = {name: getattr(decision, name) for name in _FIELDS if name != NOTES}
    return values | _by_language(decision.notes)


def _by_language(notes: dict[str, str]) -> dict[str, Any]:
    return {f"{NOTES}.{language}": notes.get(language, "") for language in Language.values}


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of one message: values as ``values_of`` names them; those not named stay.

    ``instead_of``: what a value must be at that moment, or it stays as well.
    """

    values: dict[str, Any]
    instead_of: dict[str, Any] = field(default_factory=dict)

    def of(self, now: Decision) -> Decision:
        held, notes, plain = values_of(now), dict(now.notes), {}
        for name, value in self.values.items():
            if name in self.instead_of and self.instead_of[name] != held[name]:
                continue
            _notes, dot, language = name.partition(".")
            if not dot:
                plain[name] = value
            elif value:
                notes[language] = value
            else:
                notes.pop(language, None)
        return replace(now, notes=notes, **plain)


@dataclass(frozen=True, slots=True)
class Made:
    """A change that was made to one message. ``entry``: the number of the audit's word on it."""

    before: Decision
    after: Decision
    entry: int


@transaction.atomic
def decide(shop: Shop, edits: dict[str, Edit], user: Any) -> dict[str, Made]:
    """Stores what becomes of each code, with an audit entry where it is something new.

    Returns what has changed, in the order of ``edits``. Raises ``UnknownMessageType``.
    """
    made = {
        # In one order, so that two who decide at once wait for each other instead of locking up.
        code: _decide(shop, find(code, shop), edits[code], user)
        for code in sorted(edits)
    }
    return {code: each for code in edits if (each := made[code])}


def _decide(shop: Shop, message_type: MessageType, edit: Edit, user: Any) -> Made | None:
    """None if it is so already. What others have stored until now stays: the row is read locked."""
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
    after = edit.of(before)
    if after == before:
        return None
    old, new = asdict(before), asdict(after)
    for name, value in new.items():
        setattr(row, "account_id" if name == "account" else name, value)
    row.save(update_fields=list(new))
    entry = AuditEntry.note(
        _CHANGED,
        shop=shop,
        user=user,
        target=message_type.code,
        **{name: [old[name], new[name]] for name in new if old[name] != new[name]},
    )
    return Made(before, after, entry.pk)


def undo_token(shop: Shop, made: Iterable[Made]) -> str:
    """The change that has just been made, signed, for the address that takes it back.

    The address names the audit's entries, which know what held: a shop's notes would be too long
    for it.
    """
    return signing.dumps([shop.pk, [each.entry for each in made]], salt=_SALT)


def from_undo_token(shop: Shop, token: str) -> dict[str, Edit]:
    """What to decide so that the change is undone; what anybody changed since stays.

    Raises ``signing.BadSignature`` if it is forged, another shop's, or too old.
    """
    whose, numbers = signing.loads(token, salt=_SALT, max_age=UNDO_WITHIN)
    if whose != shop.pk:
        raise signing.BadSignature
    entries = AuditEntry.objects.filter(shop=shop, action=_CHANGED).in_bulk(numbers)
    edits = {}
    for number in numbers:
        entry = entries[number]
        try:
            find(entry.target, shop)
        except UnknownMessageType:
            continue  # a type of the shop's own, deleted since
        edits[entry.target] = _backwards(entry)
    if not edits:
        raise signing.BadSignature
    return edits


def _backwards(entry: AuditEntry) -> Edit:
    old, new = ({n: v[i] for n, v in entry.details.items() if n in _FIELDS} for i in (0, 1))
    for values in (old, new):
        if NOTES in values:
            values |= _by_language(values.pop(NOTES))
    changed = {name: value for name, value in old.items() if value != new[name]}
    return Edit(changed, {name: new[name] for name in changed})
