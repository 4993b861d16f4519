"""How the audit calls what is done to messages."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from maillog.filters import read_id
from shops import audit
from shops.models import AuditEntry

TOPICS = {
    "message": (_("Messages"), "maillog.MailMessage"),
    "suppression": (_("Suppressions"), "maillog.Suppression"),
}
WORDS = {
    "message.sent_again": _("Message sent again"),
    "message.tried_again": _("Message tried again"),
    "message.mended": _("Message sent after its template was mended"),
    "message.cancelled": _("Message stopped"),
    "suppression.added": _("Address suppressed"),
    "suppression.changed": _("Suppression changed"),
    "suppression.deleted": _("Suppression lifted"),
}


def page_of(entry: AuditEntry) -> str:
    """The message in the log."""
    message = read_id(entry.target)
    if entry.shop is None or message is None:
        return ""
    try:
        return reverse("maillog:message", args=[entry.shop.slug, message])
    except NoReverseMatch:
        return ""


def register() -> None:
    audit.topics.update(TOPICS)
    audit.words.update(WORDS)
    audit.links["message"] = page_of
