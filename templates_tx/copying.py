"""A shop's set-up of its messages, taken over by another shop: first shown, then done.

Nothing is deleted by it: what only the other shop lacks stays, own words become a further version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from mailaccounts.models import AccountState, SenderAccount
from shops.models import AuditEntry, Shop
from templates_tx.assignments import NOTES, Decision, Edit, Made, decide, decision_of, rows_of
from templates_tx.condition_words import delay_in_words, stored_in_words
from templates_tx.dry_run import sources_of
from templates_tx.message_types import MessageType, in_order
from templates_tx.models import MessageTemplate, OwnMessageType
from templates_tx.own_types import as_type, types_of
from templates_tx.saving import Checked, Refused, checked, own_row, store

NOTHING = "–"
OPTIONS = ("is_on", "account", "copy_to_owner", "reply_to", "delay_minutes", "conditions")
OF_OWN_TYPE = ("name", "section", "description", "to", "fields", "sensitive", "critical")


class Take(StrEnum):
    OPTIONS = "options"
    TEMPLATES = "templates"
    NOTES = "notes"
    OWN_TYPES = "own_types"


@dataclass(frozen=True, slots=True)
class Difference:
    label: str
    now: str
    then: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """What becomes of one message. ``is_new``: only once the other shop's type is taken over."""

    type: MessageType
    edit: Edit
    differences: list[Difference]
    remark: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class WordsCopy:
    """The other shop's template, and the version that ours has now: 0 where we have none."""

    type: MessageType
    theirs: MessageTemplate
    number: int = 0
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class SetUp:
    """What would change in ``shop`` if all of ``source`` were taken over."""

    source: Shop
    shop: Shop
    options: list[RowChange]
    notes: list[RowChange]
    templates: list[WordsCopy]
    own_types: list[OwnMessageType]
    # Of the same code in both shops, and not the same: ours stay as they are.
    kept: list[OwnMessageType]

    def count(self, take: str) -> int:
        return len(getattr(self, take))

    @property
    def is_empty(self) -> bool:
        return not any(self.count(take) for take in Take)


@dataclass(slots=True)
class Taken:
    """What was done. ``changed``: the options and notes by code, for the way back."""

    changed: dict[str, Made] = field(default_factory=dict)
    own_types: list[str] = field(default_factory=list)
    versions: list[tuple[WordsCopy, int]] = field(default_factory=list)
    refused: list[tuple[WordsCopy, str]] = field(default_factory=list)


def preview(source: Shop, shop: Shop) -> SetUp:
    """Row by row, what ``shop`` would take over from ``source``. Changes nothing."""
    own, kept = _own_types(source, shop)
    made = [as_type(row) for row in own]
    types = in_order([*types_of(shop), *made])
    new = {each.code for each in made}
    accounts = Accounts(source, shop)
    theirs, ours = rows_of(source), rows_of(shop)
    options, notes = [], []
    for each in types:
        now = decision_of(each, ours.get(each.code))
        other = decision_of(each, theirs.get(each.code))
        is_new = each.code in new
        if change := _option_change(each, now, other, accounts, is_new):
            options.append(change)
        if change := _note_change(each, now, other, is_new):
            notes.append(change)
    return SetUp(source, shop, options, notes, list(_words(source, shop, types, new)), own, kept)


class Accounts:
    """Which account of ours stands for which of theirs: the one with the same address."""

    def __init__(self, source: Shop, shop: Shop) -> None:
        self.theirs = SenderAccount.objects.for_shop(source).defer("password").in_bulk()
        ours = list(SenderAccount.objects.for_shop(shop).defer("password"))
        self.ours = {each.pk: each for each in ours}
        self.by_address = {
            each.from_address.casefold(): each
            for each in ours
            if each.state == AccountState.ACTIVE or each.is_main
        }

    def twin(self, pk: int | None) -> int | None:
        """Ours, or None for the main one."""
        address = self.address(pk)
        found = self.by_address.get(address.casefold()) if address else None
        return None if found is None or found.is_main else found.pk

    def is_missing(self, pk: int | None) -> bool:
        address = self.address(pk)
        return bool(address) and address.casefold() not in self.by_address

    def address(self, pk: int | None) -> str:
        account = self.theirs.get(pk) if pk else None
        return account.from_address if account else ""

    def words(self, pk: int | None) -> str:
        account = self.ours.get(pk) if pk else None
        return account.from_address if account else _("the main account")


def _option_change(
    message_type: MessageType, now: Decision, other: Decision, accounts: Accounts, is_new: bool
) -> RowChange | None:
    values = {name: getattr(other, name) for name in OPTIONS}
    values["account"] = accounts.twin(other.account)
    edit = Edit({name: value for name, value in values.items() if value != getattr(now, name)})
    if not edit.values:
        return None
    remark = ""
    if accounts.is_missing(other.account):
        remark = _("No account here has the address %(address)s, so it leaves from the main one.")
        remark %= {"address": accounts.address(other.account)}
    differences = list(_differences(now, edit.of(now), accounts))
    return RowChange(message_type, edit, differences, remark, is_new)


def _differences(now: Decision, then: Decision, accounts: Accounts) -> Iterator[Difference]:
    for name, label in _labels().items():
        before, after = getattr(now, name), getattr(then, name)
        if before != after:
            yield Difference(
                label, _in_words(name, before, accounts), _in_words(name, after, accounts)
            )


def _labels() -> dict[str, str]:
    return {
        "is_on": _("E-mail"),
        "account": _("Send from account"),
        "copy_to_owner": _("Copy to the owner"),
        "reply_to": _("Answers go to"),
        "delay_minutes": _("Leaves"),
        "conditions": _("Conditions"),
    }


def _in_words(name: str, value: Any, accounts: Accounts) -> str:
    match name:
        case "is_on" | "copy_to_owner":
            return _("on") if value else _("off")
        case "account":
            return accounts.words(value)
        case "delay_minutes":
            return delay_in_words(value)
        case "conditions":
            return stored_in_words(value) or _("none")
    return value or _("where the account's answers go")


def _note_change(
    message_type: MessageType, now: Decision, other: Decision, is_new: bool
) -> RowChange | None:
    """Ours in other languages stay."""
    given = {
        language: text
        for language, text in other.notes.items()
        if text and now.notes.get(language) != text
    }
    if not given:
        return None
    differences = [
        Difference(language, now.notes.get(language) or NOTHING, text)
        for language, text in given.items()
    ]
    edit = Edit({f"{NOTES}.{language}": text for language, text in given.items()})
    return RowChange(message_type, edit, differences, is_new=is_new)


def _words(
    source: Shop, shop: Shop, types: Iterable[MessageType], new: set[str]
) -> Iterator[WordsCopy]:
    theirs = _templates(source).filter(in_use=True)
    ours = {(row.message_type, row.language): row for row in _templates(shop)}
    found: dict[str, list[MessageTemplate]] = {}
    for row in theirs:
        found.setdefault(row.message_type, []).append(row)
    for each in types:
        for row in found.get(each.code, []):
            mine = ours.get((row.message_type, row.language))
            assert row.current is not None
            if mine is None or mine.current is None:
                yield WordsCopy(each, row, is_new=each.code in new)
            elif not mine.in_use or sources_of(mine.current) != sources_of(row.current):
                yield WordsCopy(each, row, mine.current.number, each.code in new)


def _templates(shop: Shop) -> Any:
    rows = MessageTemplate.objects.for_shop(shop).exclude(current=None)
    return rows.select_related("current").defer("current__html")


def _own_types(source: Shop, shop: Shop) -> tuple[list[OwnMessageType], list[OwnMessageType]]:
    """Those that we lack, and those that we have otherwise."""
    ours = {row.code: row for row in OwnMessageType.objects.for_shop(shop)}
    lacking, otherwise = [], []
    for row in OwnMessageType.objects.for_shop(source).filter(is_withdrawn=False):
        mine = ours.get(row.code)
        if mine is None:
            lacking.append(row)
        elif any(getattr(mine, name) != getattr(row, name) for name in OF_OWN_TYPE):
            otherwise.append(mine)
    return lacking, otherwise


def take_over(set_up: SetUp, takes: set[str], user: Any) -> Taken:
    """Does what ``preview`` showed, as far as it is in ``takes``.

    Words that their contract refuses here are left out.
    """
    done = Taken()
    good = _checked_words(set_up, takes, done) if Take.TEMPLATES in takes else []
    with transaction.atomic():
        _do(set_up, takes, user, done)
        for copy, words in good:
            mine = own_row(set_up.shop, copy.type, copy.theirs.language)
            done.versions.append((copy, store(mine, words, user).number))
        _note(set_up, done, user)
    return done


def _checked_words(set_up: SetUp, takes: set[str], done: Taken) -> list[tuple[WordsCopy, Checked]]:
    """Takes seconds, so it is done before the transaction."""
    good = []
    for copy in set_up.templates:
        version = copy.theirs.current
        if version is None or (copy.is_new and Take.OWN_TYPES not in takes):
            continue
        sources, language = sources_of(version), copy.theirs.language
        try:
            words = checked(sources, set_up.shop, copy.type, language, even_if_orders_fail=True)
        except Refused as refused:
            done.refused.append((copy, str(refused)))
        else:
            good.append((copy, words))
    return good


def _do(set_up: SetUp, takes: set[str], user: Any, done: Taken) -> None:
    types_too = Take.OWN_TYPES in takes
    if types_too:
        made = [_copy_type(row, set_up.shop, user) for row in set_up.own_types]
        done.own_types = [name for name in made if name]
    done.changed = decide(set_up.shop, _edits(set_up, takes, types_too), user)


def _edits(set_up: SetUp, takes: set[str], types_too: bool) -> dict[str, Edit]:
    options = set_up.options if Take.OPTIONS in takes else []
    notes = set_up.notes if Take.NOTES in takes else []
    edits: dict[str, Edit] = {}
    for each in [*options, *notes]:
        if types_too or not each.is_new:
            code = each.type.code
            edits[code] = Edit({**edits.get(code, Edit({})).values, **each.edit.values})
    return edits


def _copy_type(row: OwnMessageType, shop: Shop, user: Any) -> str:
    """Its name; empty where somebody else has made it since the preview: then theirs stays."""
    values = {name: getattr(row, name) for name in OF_OWN_TYPE}
    made, is_new = OwnMessageType.objects.get_or_create(
        shop=shop, code=row.code, defaults={**values, "created_by": user}
    )
    if not is_new:
        return ""
    AuditEntry.note("own_type.added", shop=shop, user=user, target=made)
    return made.name


def _note(set_up: SetUp, done: Taken, user: Any) -> None:
    if done.changed or done.own_types or done.versions:
        AuditEntry.note(
            "assignment.copied",
            shop=set_up.shop,
            user=user,
            target=set_up.source.name,
            options=len(done.changed),
            templates=len(done.versions),
            own_types=len(done.own_types),
        )
