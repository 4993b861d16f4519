"""Secrets at rest: a text column encrypted with rotatable Fernet keys (``FIELD_KEYS``).

The keys are not ``SECRET_KEY``: that one signs and may be changed alone. The first key encrypts,
all of them decrypt, so a rotation needs no moment in which secrets cannot be read.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models

from shops.conf import conf

# Fernet's: a version byte, a time that begins with zeros, at least one block, a signature.
_TOKEN = re.compile(r"gAAAAA[A-Za-z0-9_-]{94,}={0,2}")


class SecretUnreadable(Exception):
    """A stored secret fits none of the keys in ``FIELD_KEYS``."""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("FIELD_KEYS is empty: secrets cannot be stored.")
    return MultiFernet([Fernet(key) for key in keys])


def cipher() -> MultiFernet:
    """The installation's cipher; raises ``ImproperlyConfigured`` without keys."""
    return _cipher(tuple(conf.FIELD_KEYS))


class UnreadableSecret(str):
    """Stands in for a stored secret that fits no key: true, empty, and saved as it was stored.

    One account with a lost key must not stop the mail of all the others, so that reading the
    row does not fail; using the secret does (``SenderAccount.endpoint``).
    """

    stored: str

    def __new__(cls, stored: str) -> UnreadableSecret:
        self = super().__new__(cls)
        self.stored = stored
        return self

    def __bool__(self) -> bool:
        return True


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that stands encrypted in the database. Empty text stays empty. Not searchable."""

    description = "Text encrypted at rest"

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, UnreadableSecret):
            return value.stored
        return cipher().encrypt(str(value).encode()).decode() if value else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if not value:
            return value
        try:
            return cipher().decrypt(value.encode()).decode()
        except (InvalidToken, ImproperlyConfigured):
            return UnreadableSecret(value)

    def value_to_string(self, obj: Any) -> str:
        """For ``dumpdata``: a dump holds the secret as it is stored, never in clear."""
        return str(self.get_prep_value(self.value_from_object(obj)) or "")

    def to_python(self, value: Any) -> Any:
        """Reads what a dump holds; what no key can read stays as it was stored."""
        if isinstance(value, str) and _TOKEN.fullmatch(value):
            return self.from_db_value(value, None, None)
        return super().to_python(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"an encrypted field cannot be searched ({lookup_name})")
        return super().get_lookup(lookup_name)
