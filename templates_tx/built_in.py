"""The built-in templates of this release: from files to versioned rows."""

from __future__ import annotations

import hashlib

from django.db import transaction

from templates_tx import defaults
from templates_tx.defaults import DefaultTemplate
from templates_tx.models import MessageTemplate, TemplateVersion


def sync() -> int:
    """Stores every built-in template that has changed since; returns how many.

    A change makes a new version: messages that are queued keep the one they were made with.
    """
    return sum(store_version(defaults.load(code, language)) for code, language in defaults.every())


def store_version(made: DefaultTemplate) -> bool:
    """Makes ``made`` the current version of its row; False if it is already."""
    parts = (made.subject, made.preheader, made.body, made.text, made.html)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    with transaction.atomic():
        template, _created = MessageTemplate.objects.select_related("current").get_or_create(
            shop=None, message_type=made.code, language=made.language
        )
        if template.current and template.current.digest == digest:
            return False
        template.current = TemplateVersion.objects.create(
            template=template,
            number=template.current.number + 1 if template.current else 1,
            subject=made.subject,
            preheader=made.preheader,
            html_source=made.body,
            text=made.text,
            html=made.html,
            digest=digest,
        )
        template.save(update_fields=["current"])
    return True
