"""System checks of the settings for Google and Microsoft."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from mailaccounts.oauth.providers import provider
from shops.conf import conf

_ADDRESSES = ("GOOGLE_AUTH_URL", "GOOGLE_TOKEN_URL", "GOOGLE_REVOKE_URL", "MICROSOFT_AUTHORITY")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_sign_in(**kwargs: Any) -> list[CheckMessage]:
    """Addresses, mail servers, the date of the secret. Says no value: some are secret."""
    found: list[CheckMessage] = []
    for name in _ADDRESSES:
        parts = urlsplit(getattr(conf, name))
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            hint = f"{name} must be an https address."
            found.append(Error("Tokens would travel in clear.", hint=hint, id="mailaccounts.E001"))
    for key in ("google", "microsoft"):
        try:
            provider(key).endpoint()
        except ImproperlyConfigured as error:
            found.append(Error(str(error), id="mailaccounts.E002"))
    return [*found, *_of_the_date()]


def _of_the_date() -> list[CheckMessage]:
    text = conf.MICROSOFT_SECRET_EXPIRES_ON
    try:
        date.fromisoformat(text or "2026-01-01")
    except ValueError:
        hint = "Write MICROSOFT_SECRET_EXPIRES_ON as 2027-05-31."
        return [Warning("Nobody is reminded.", hint=hint, id="mailaccounts.W001")]
    return []
