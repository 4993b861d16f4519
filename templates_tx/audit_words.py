"""How the audit calls what is decided about messages and templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from shops import audit
from templates_tx.condition_words import delay_in_words, stored_in_words

TOPICS = {
    "assignment": (_("Transactional messages"), "templates_tx.TemplateAssignment"),
    "template": (_("Templates"), "templates_tx.MessageTemplate"),
    "type_file": (_("Files that go along"), "templates_tx.TypeAttachment"),
    "own_type": (_("Own message types"), "templates_tx.OwnMessageType"),
}
WORDS = {
    "assignment.added": _("Message set up"),
    "assignment.changed": _("Message changed"),
    "assignment.copied": _("Set-up copied from another shop"),
    "assignment.deleted": _("Message set back"),
    "template.added": _("Own words begun"),
    "template.saved": _("Template saved"),
    "template.used": _("Own words put into use"),
    "template.unused": _("Built-in words put into use"),
    "type_file.added": _("File that goes along added"),
    "type_file.removed": _("File that goes along removed"),
    "own_type.added": _("Own message type made"),
    "own_type.changed": _("Own message type changed"),
    "own_type.withdrawn": _("Own message type withdrawn"),
    "own_type.brought_back": _("Own message type brought back"),
    "own_type.deleted": _("Own message type deleted"),
}


def notes_in_words(notes: dict[str, str]) -> str:
    """“pl: Zapraszamy!”; language after language."""
    return " · ".join(f"{language}: {text}" for language, text in sorted(notes.items()))


SPOKEN: dict[tuple[str, str], Callable[[Any], str]] = {
    ("assignment", "conditions"): stored_in_words,
    ("assignment", "delay_minutes"): delay_in_words,
    ("assignment", "notes"): notes_in_words,
}


def register() -> None:
    audit.topics.update(TOPICS)
    audit.words.update(WORDS)
    audit.spoken.update(SPOKEN)
