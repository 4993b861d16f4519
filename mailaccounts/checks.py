"""System checks of this app's settings."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured


def dynamic_update(**_kwargs: Any) -> list[CheckMessage]:
    """The settings of ``mailaccounts.dns.update``; the message holds nothing of the key."""
    from mailaccounts.dns.update_settings import where

    try:
        where()
    except ImproperlyConfigured as problem:
        return [
            Error(str(problem), hint="See docs/settings.md, “Sending”.", id="mailaccounts.E001")
        ]
    return []
