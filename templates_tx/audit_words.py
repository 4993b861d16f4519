"""How the audit calls what is decided about messages and templates."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from shops import audit

TOPICS = {
    "assignment": (_("Transactional messages"), "templates_tx.TemplateAssignment"),
    "template": (_("Templates"), "templates_tx.MessageTemplate"),
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
}


def register() -> None:
    audit.topics.update(TOPICS)
    audit.words.update(WORDS)
