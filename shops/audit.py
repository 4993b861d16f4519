"""Who changed what and when, in words, for the audit's page and beside a form.

Apps to the right say how their own deeds are called: ``words``, ``topics``, ``spoken`` and
``links`` are filled in ``AppConfig.ready()``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.models import AuditEntry
from shops.models.audit import reference

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE = 50
LONGEST_QUESTION = 200
MOST_PEOPLE = 200
BIGGEST_ID = 2**63 - 1

# What an action's first part stands for, and the model whose fields its details name.
topics: dict[str, tuple[StrOrPromise, str]] = {
    "shop": (_("Shop"), "shops.Shop"),
    "member": (_("People"), "shops.Membership"),
    "order": (_("Orders"), "shops.Order"),
    "document": (_("Documents"), "shops.SalesDocument"),
    "reset": (_("Resets"), "shops.ResetMark"),
    "keys": (_("Keys"), ""),
}
words: dict[str, StrOrPromise] = {
    "shop.created": _("Shop created"),
    "shop.added": _("Shop added"),
    "shop.changed": _("Shop changed"),
    "shop.settings": _("Shop settings changed"),
    "member.added": _("Person added"),
    "member.role": _("Role changed"),
    "member.removed": _("Person removed"),
    "member.invited": _("Person invited"),
    "member.invitation_withdrawn": _("Invitation withdrawn"),
    "member.joined": _("Joined the shop"),
    "order.note": _("Note written to the customer"),
    "order.paid": _("Order marked as paid"),
    "order.shipped": _("Order marked as shipped"),
    "document.added": _("Document handed in"),
    "document.revoked": _("Customer's link to a document revoked"),
    "document.allowed": _("Customer's link to a document allowed again"),
    "reset.added": _("Reset set"),
    "reset.changed": _("Reset changed"),
    "keys.added": _("New key for stored secrets"),
    "keys.rotated": _("Stored secrets encrypted with the new key"),
    "keys.dropped": _("Old keys dropped"),
}
# By the action's first part and the detail's name: how one value of it is told, where the value as
# it is kept would tell nobody anything.
spoken: dict[tuple[str, str], Callable[[Any], str]] = {}
# By the action's first part: the address of the page of what an entry is about.
links: dict[str, Callable[[AuditEntry], str]] = {}


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as it is shown. ``more`` are sentences; all of it is plain text."""

    entry: AuditEntry
    who: str
    what: str
    target: str
    more: list[str]
    url: str = ""


def in_words(entry: AuditEntry, names: Names | None = None) -> Told:
    """``names`` keeps what was looked up already, for a page of entries."""
    topic = entry.action.partition(".")[0]
    link = links.get(topic)
    return Told(
        entry,
        who=_person(entry),
        what=str(words.get(entry.action) or _made_up(entry.action)),
        target=entry.target,
        more=_details(entry, Names() if names is None else names),
        url=link(entry) if link else "",
    )


def entries_for(target: models.Model, limit: int = 5) -> list[Told]:
    """The latest deeds to one row of a shop, for ``shops/parts/audit_of.html``; newest first."""
    mine = Q(details__about=reference(target)) | Q(target=str(target)[:200])
    rows, names = AuditEntry.objects.filter(mine, shop=getattr(target, "shop_id", None)), Names()
    return [
        in_words(each, names)
        for each in rows.select_related("shop", "user").order_by("-pk")[:limit]
    ]


def _person(entry: AuditEntry) -> str:
    if entry.user is not None:
        return entry.user.get_full_name() or entry.user.get_username()
    return entry.user_name or gettext("Postroom itself")


def _made_up(action: str) -> str:
    return capfirst(action.replace(".", ": ").replace("_", " "))


def _details(entry: AuditEntry, names: Names) -> list[str]:
    details = entry.details if isinstance(entry.details, dict) else {}
    topic = entry.action.partition(".")[0]
    model = topics.get(topic, ("", ""))[1]
    told = []
    if fields := details.get("fields"):
        told.append(", ".join(_label(_field(model, str(name)), str(name)) for name in fields))
    if "before" in details or "after" in details:
        told.append(f"{_value(details.get('before'))} → {_value(details.get('after'))}")
    for name, value in details.items():
        if name not in ("about", "fields", "before", "after"):
            field = _field(model, name)
            if say := spoken.get((topic, name)):
                value = [say(each) for each in value] if isinstance(value, list) else say(value)
            told.append(f"{_label(field, name)}: {_change(value, field, names)}")
    return told


def _field(model: str, name: str) -> Any:
    """The model's field, None where it has none of this name."""
    try:
        return apps.get_model(model)._meta.get_field(name) if model else None
    except (LookupError, ValueError, FieldDoesNotExist):
        return None


def _label(field: Any, name: str) -> str:
    return capfirst(str(getattr(field, "verbose_name", "") or name.replace("_", " ")))


def _change(value: Any, field: Any, names: Names) -> str:
    """``[before, after]`` with an arrow; anything else as it is. Rows are called by their names."""
    if isinstance(value, list) and len(value) == 2:
        return " → ".join(_value(names.of(field, each)) for each in value)
    return _value(names.of(field, value))


class Names(dict[tuple[Any, Any], str]):
    """What rows are called that details name by their keys: each is looked up once."""

    def of(self, field: Any, value: Any) -> Any:
        if not isinstance(field, models.ForeignKey) or not isinstance(value, int):
            return value
        if (field, value) not in self:
            row = field.remote_field.model._base_manager.filter(pk=value).first()
            self[field, value] = str(row) if row is not None else f"#{value}"
        return self[field, value]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value in (None, "", []):
        return "–"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What staff look for; nonsense in the address counts as not asked."""

    person: str = ""
    topic: str = ""
    question: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> AuditFilter:
        topic = query.get("topic", "")
        return cls(
            person=_clean(query.get("person", "")),
            topic=topic if topic in topics else "",
            question=_clean(query.get("q", "")),
        )

    def __bool__(self) -> bool:
        return bool(self.person or self.topic or self.question)

    def apply(self, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if self.person:
            entries = entries.filter(user_name=self.person)
        if self.topic:
            entries = entries.filter(action__startswith=f"{self.topic}.")
        for word in self.question.split()[:10]:
            entries = entries.filter(Q(target__icontains=word) | Q(action__icontains=word))
        return entries

    def in_words(self) -> list[str]:
        topic = str(topics[self.topic][0]) if self.topic else ""
        question = f"“{self.question}”" if self.question else ""
        return [part for part in (self.person, topic, question) if part]


def _clean(text: str) -> str:
    # PostgreSQL refuses NUL in text.
    return text.replace("\0", "").strip()[:LONGEST_QUESTION]


@dataclass(frozen=True, slots=True)
class Page:
    """``newer`` and ``older`` are ids to go on from, None where the list ends."""

    entries: list[Told]
    newer: int | None = None
    older: int | None = None


def page_of(
    entries: QuerySet[AuditEntry], *, before: int | None = None, after: int | None = None
) -> Page:
    """The newest entries, or those next to an id: as fast at any depth."""
    rows = entries.select_related("shop", "user")
    if after is not None and before is None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: PAGE + 1])
        shown, more_newer, more_older = found[:PAGE][::-1], len(found) > PAGE, True
    else:
        older = rows.filter(pk__lt=before) if before is not None else rows
        found = list(older.order_by("-pk")[: PAGE + 1])
        shown, more_newer, more_older = found[:PAGE], before is not None, len(found) > PAGE
    if not shown:
        return Page([])
    ends = (shown[0].pk if more_newer else None, shown[-1].pk if more_older else None)
    names = Names()
    return Page([in_words(each, names) for each in shown], *ends)


def people_of(entries: QuerySet[AuditEntry]) -> list[str]:
    """Names for the select, as they were when somebody did something."""
    named = entries.exclude(user_name="").order_by("user_name").values_list("user_name", flat=True)
    return list(named.distinct()[:MOST_PEOPLE])


def read_id(text: str | None) -> int | None:
    """An id from an address; None for anything else."""
    if not (text and text.isascii() and text.isdecimal() and len(text) <= 19):
        return None
    return min(int(text), BIGGEST_ID)
