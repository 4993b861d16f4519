"""The draft of a template: kept as it is typed, and never written over somebody else's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.core.cache import cache

from templates_tx.editor.desk import Desk, person_name
from templates_tx.models import MessageTemplate, TemplateDraft
from templates_tx.problems import Sources

# How long it is remembered which page a draft was last kept from: a window may stay open all day.
REMEMBERED = 48 * 3600


class Overtaken(Exception):
    """Somebody else has saved a version, or is writing too; ``number`` is 0 for the latter.

    ``is_self``: the writer is, in another window.
    """

    def __init__(self, who: str, when: datetime, number: int = 0, *, is_self: bool = False) -> None:
        super().__init__(who)
        self.who, self.when, self.number, self.is_self = who, when, number, is_self


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, in which window (``page``), and which words they had before them: the version
    that they began from, and when the draft that they saw had been kept."""

    user: AbstractUser
    page: str
    began_from: int
    seen: str


def overtaken(desk: Desk) -> Overtaken | None:
    """The version that was saved since the draft began, if one was."""
    return _newer(desk.own, desk.draft.began_from) if desk.draft else None


def _newer(template: MessageTemplate | None, number: int) -> Overtaken | None:
    current = template.current if template else None
    if current is None or current.number <= number:
        return None
    return Overtaken(person_name(current.created_by), current.created_at, current.number)


def look_for_draft(desk: Desk, writer: Writer) -> None:
    """Raises ``Overtaken`` for a draft that the writer has neither seen nor written."""
    draft = desk.draft
    if draft is None or draft.saved_at.isoformat() == writer.seen:
        return
    is_self = draft.saved_by_id == writer.user.pk
    # Kept long ago: it is taken for this window's.
    if not is_self or cache.get(_key(draft.template_id), writer.page) != writer.page:
        raise Overtaken(person_name(draft.saved_by), draft.saved_at, is_self=is_self)


def look_for_version(desk: Desk, writer: Writer) -> None:
    """Raises ``Overtaken`` for a version after the one that the writer began from."""
    if newer := _newer(desk.own, writer.began_from):
        raise newer


def _key(template_id: int) -> str:
    return f"templates_tx.draft_page:{template_id}"


def locked(desk: Desk, number: int) -> MessageTemplate:
    """The shop's own row, for the open transaction.

    Raises ``Overtaken`` where its version is not ``number`` any more, which the writer has seen.
    """
    assert desk.own is not None
    rows = MessageTemplate.objects.select_for_update(of=("self",))
    row = rows.select_related("current__created_by", "shop").get(pk=desk.own.pk)
    if newer := _newer(row, number):
        raise newer
    return row


def keep(template: MessageTemplate, sources: Sources, writer: Writer) -> None:
    """Stores what is being written, in place of what was."""
    TemplateDraft.objects.update_or_create(
        template=template,
        defaults={
            "began_from": writer.began_from,
            "subject": sources.subject,
            "preheader": sources.preheader,
            "html_source": sources.html_source,
            "text": sources.text,
            "sms": sources.sms,
            "saved_by_id": writer.user.pk,
        },
    )
    cache.set(_key(template.pk), writer.page, REMEMBERED)


def discard(desk: Desk) -> None:
    """Back to the last version."""
    TemplateDraft.objects.filter(template=desk.own).delete()
