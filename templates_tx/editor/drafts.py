"""The draft of a template: kept as it is typed, and never written over somebody else's."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from templates_tx.contract_check import Sources
from templates_tx.editor.desk import Desk, person_name
from templates_tx.models import MessageTemplate, TemplateDraft
from templates_tx.saving import own_template


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


def locked(desk: Desk) -> MessageTemplate:
    """The shop's own row, for the open transaction. Raises ``Overtaken`` if it has changed since."""
    assert desk.own is not None
    rows = MessageTemplate.objects.select_for_update(of=("self",))
    row = rows.select_related("current__created_by", "shop").get(pk=desk.own.pk)
    if newer := _newer(row, desk.number):
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
            "saved_by": user,
        },
    )


@transaction.atomic
def begin(desk: Desk, user: AbstractUser) -> None:
    """A copy of the built-in words to work on. Nothing is sent from it before it is saved."""
    template = own_template(desk.shop, desk.type, desk.language, user)
    TemplateDraft.objects.get_or_create(
        template=template,
        defaults={
            "began_from": template.current.number if template.current else 0,
            "subject": desk.pattern.subject,
            "preheader": desk.pattern.preheader,
            "html_source": desk.pattern.html_source,
            "text": desk.pattern.text,
            "sms": desk.pattern.sms,
            "saved_by": user,
        },
    )


@transaction.atomic
def discard(desk: Desk) -> None:
    """Back to the last version; a copy that was never saved goes altogether."""
    if desk.own is None:
        return
    TemplateDraft.objects.filter(template=desk.own).delete()
    if desk.own.current_id is None:
        desk.own.delete()
