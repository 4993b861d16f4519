"""Which key the stored secrets are encrypted with, and how they get to the first one.

Columns are found through the models, so that a new encrypted column needs nothing here. Values
are read as they are stored, and written back only where nobody has changed them meanwhile: the
sending goes on, and a second run finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.db.models import Model, TextField
from django.db.models.functions import Cast

from shops.conf import conf
from shops.secrets import EncryptedTextField, UnreadableSecret, cipher

BATCH = 200


@dataclass(slots=True)
class Tally:
    """How many secrets of one column are encrypted with the first key, with another, with none
    that is known. ``rotated`` were moved to the first key."""

    column: str
    first: int = 0
    older: int = 0
    unreadable: int = 0
    rotated: int = 0

    @property
    def stored(self) -> int:
        return self.first + self.older + self.unreadable


def encrypted_columns() -> list[tuple[type[Model], str]]:
    """Every encrypted column of every installed model, foreign apps' own included."""
    return [
        (model, field.name)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedTextField) and not model._meta.proxy
    ]


def count() -> list[Tally]:
    """Looks at every stored secret and changes none. Raises ``ImproperlyConfigured``."""
    return [_go_through(model, name, rotate=False) for model, name in encrypted_columns()]


def rotate() -> Iterator[Tally]:
    """Encrypts everything with the first key, column by column. Raises ``ImproperlyConfigured``."""
    for model, name in encrypted_columns():
        yield _go_through(model, name, rotate=True)


def _go_through(model: type[Model], name: str, *, rotate: bool) -> Tally:
    tally, newest = Tally(f"{model._meta.label}.{name}"), Fernet(_first_key())
    for pk, stored in _stored(model, name):
        if _fits(newest, stored):
            tally.first += 1
        elif (fresh := _re_encrypted(stored)) is None:
            tally.unreadable += 1
        elif rotate and _replace(model, name, pk, stored, fresh):
            tally.first += 1
            tally.rotated += 1
        else:
            tally.older += 1
    return tally


def _first_key() -> str:
    cipher()  # says what is wrong where there is none
    return str(conf.FIELD_KEYS[0])


def _stored(model: type[Model], name: str) -> Iterator[tuple[Any, str]]:
    """Primary keys with what stands in the column, batch by batch: no long transaction."""
    rows = _raw(model, name).exclude(raw="").order_by("pk").values_list("pk", "raw")
    batch = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH])


def _raw(model: type[Model], name: str) -> Any:
    """Rows with the column's text as it is stored, past the field that would decrypt it."""
    return model._base_manager.annotate(raw=Cast(name, TextField())).exclude(raw=None)


def _fits(key: Fernet, stored: str) -> bool:
    try:
        key.decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


def _re_encrypted(stored: str) -> str | None:
    try:
        return cipher().rotate(stored.encode()).decode()
    except InvalidToken:
        return None


def _replace(model: type[Model], name: str, pk: Any, stored: str, fresh: str) -> bool:
    """False if somebody has entered another secret meanwhile, which has the first key already."""
    untouched = _raw(model, name).filter(pk=pk, raw=stored)
    # What is stored is what the field writes for an unreadable secret: the text as it stands.
    return bool(untouched.update(**{name: UnreadableSecret(fresh)}))
