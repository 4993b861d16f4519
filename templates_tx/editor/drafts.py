"""The draft of a template: kept as it is typed, and never written over somebody else's."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractUser

from templates_tx.editor.desk import Desk, person_name
from templates_tx.models import MessageTemplate, TemplateDraft
from templates_tx.problems import Sources


class Overtaken(Exception):
    """Somebody else has saved a version, or is writing too; ``number`` is 0 for the latter."""

    def __init__(self, who: str, when: datetime, number: int = 0) -> None:
        super().__init__(who)
        self.who, self.when, self.number = who, when, number


def overtaken(desk: Desk) -> Overtaken | None:
    """The version that was saved since the draft began, if one was."""
    return _newer(desk.own, desk.draft.began_from) if desk.draft else None


def _newer(template: MessageTemplate | None, number: int) -> Overtaken | None:
    current = template.current if template else None
    if current is None or current.number <= number:
        return None
    return Overtaken(person_name(current.created_by), current.created_at, current.number)


def look_out(desk: Desk, began_from: int, seen: str, user: AbstractUser) -> None:
    """Raises ``Overtaken`` where what ``user`` is about to keep would undo another's work."""
    if newer := _newer(desk.own, began_from):
        raise newer
    draft = desk.draft
    if draft and draft.saved_by_id != user.pk and draft.saved_at.isoformat() != seen:
        raise Overtaken(person_name(draft.saved_by), draft.saved_at)


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


def keep(template: MessageTemplate, sources: Sources, began_from: int, user: AbstractUser) -> None:
    """Stores what is being written, in place of what was."""
    TemplateDraft.objects.update_or_create(
        template=template,
        defaults={
            "began_from": began_from,
            "subject": sources.subject,
            "preheader": sources.preheader,
            "html_source": sources.html_source,
            "text": sources.text,
            "sms": sources.sms,
            "saved_by_id": user.pk,
        },
    )


def discard(desk: Desk) -> None:
    """Back to the last version."""
    TemplateDraft.objects.filter(template=desk.own).delete()
