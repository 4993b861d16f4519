"""A mail server as one address of the settings: ``smtp+starttls://user:password@host:587``."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from mailaccounts.transports.base import Endpoint

# Encryption and usual port of each scheme.
_SCHEMES = {
    "smtp": ("none", 25),
    "smtps": ("implicit", 465),
    "smtp+starttls": ("starttls", 587),
}


def endpoint_at(url: str, setting: str) -> Endpoint:
    """The server behind ``url``: smtp://, smtps:// or smtp+starttls://.

    Raises ``ImproperlyConfigured``, which names ``setting`` and not what it holds.
    """
    try:
        parts = urlsplit(url)
        given_port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{setting} must look like smtp://host:port") from error
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ImproperlyConfigured(f"{setting} must look like smtp://host:port")
    tls, port = _SCHEMES[parts.scheme]
    return Endpoint(
        host=parts.hostname,
        port=given_port or port,
        tls=tls,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
