"""Settings that would lose or double mail are refused when Postroom starts."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import connection

from shops.conf import conf


@register()
def check_task_queue(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """django-q2 runs a task again when it takes longer than ``retry``, and repeats what it
    missed while it was down when ``catch_up`` is on: both would send twice."""
    if not apps.is_installed("django_q"):
        return []
    cluster: dict[str, Any] = getattr(settings, "Q_CLUSTER", {})
    problems: list[CheckMessage] = []
    if not 0 < (cluster.get("timeout") or 0) < cluster.get("retry", 60):
        problems.append(
            Error(
                "Q_CLUSTER['timeout'] must be set and smaller than Q_CLUSTER['retry'].",
                hint="Use timeout 900 and retry 1200.",
                id="maillog.E001",
            )
        )
    if cluster.get("catch_up", True):
        problems.append(Error("Q_CLUSTER['catch_up'] must be False.", id="maillog.E002"))
    if cluster.get("max_attempts") != 1:
        problems.append(Error("Q_CLUSTER['max_attempts'] must be 1.", id="maillog.E003"))
    return problems


@register()
def check_sqlite(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A deferred SQLite transaction that writes late fails at once instead of waiting."""
    if connection.vendor != "sqlite":
        return []
    options = connection.settings_dict.get("OPTIONS", {})
    if options.get("transaction_mode") == "IMMEDIATE":
        return []
    return [
        Error(
            "SQLite needs OPTIONS['transaction_mode'] = 'IMMEDIATE'.",
            hint="Also set init_command to 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;'.",
            id="maillog.E004",
        )
    ]


@register()
def check_field_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.FIELD_KEYS:
        return []
    return [
        Warning(
            "FIELD_KEYS is empty: passwords of e-mail accounts cannot be stored.",
            hint="Make a key with cryptography.fernet.Fernet.generate_key().",
            id="shops.W001",
        )
    ]
