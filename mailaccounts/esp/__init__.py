"""Accounts whose mail leaves by a provider's HTTP API."""

from __future__ import annotations

from mailaccounts.esp.providers import FRESHMAIL, PROVIDERS, provider_of
from mailaccounts.esp.schema import Field, Provider

__all__ = ["FRESHMAIL", "PROVIDERS", "Field", "Provider", "provider_of"]
