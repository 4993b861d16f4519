"""Stored secrets that are kept only for the server they were entered for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, ClassVar, Self

from django.db import models


@cache
def _watched(kind: type[BoundSecrets]) -> frozenset[str]:
    """The secrets and what they belong to."""
    return frozenset(kind.BOUND).union(*kind.BOUND.values())


class BoundSecrets(models.Model):
    """Clears a secret when a row is saved in which what it belongs to has been changed.

    Else whoever may edit an account could point it at a server of their own, and the next message
    would hand that server the password. ``BOUND`` names for each secret those columns.
    """

    BOUND: ClassVar[dict[str, tuple[str, ...]]] = {}

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        account = super().from_db(*args, **kwargs)
        account._remember()
        return account

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: Any = None,
    ) -> None:
        super().refresh_from_db(using, fields, from_queryset)
        self._remember(fields)

    def _remember(self, fields: Iterable[str] | None = None) -> None:
        """Notes what the row holds now, to know later whether a secret still belongs to it."""
        stored: dict[str, Any] = self.__dict__.setdefault("_stored", {})
        for name in _watched(type(self)):
            if name in self.__dict__ and (fields is None or name in fields):
                stored[name] = self.__dict__[name]

    def set_secret(self, name: str, value: str) -> None:
        """A secret that was entered now: it belongs to the server as set now, even if it is the
        one that was stored before."""
        setattr(self, name, value)
        self.__dict__.setdefault("_entered", set()).add(name)

    def set_password(self, password: str) -> None:
        self.set_secret("password", password)

    def is_stale(self, name: str) -> bool:
        """True if the stored secret is still set but what it belongs to has been changed."""
        stored: dict[str, Any] = self.__dict__.get("_stored", {})
        if name in self.__dict__.get("_entered", ()) or not any(
            bound in self.__dict__ and stored.get(bound) != self.__dict__[bound]
            for bound in self.BOUND[name]
        ):
            return False
        value = getattr(self, name)
        return bool(value) and stored.get(name) == value

    def save(self, *args: Any, **kwargs: Any) -> None:
        for name in self.BOUND:
            if self.is_stale(name):
                setattr(self, name, "")
                if kwargs.get("update_fields") is not None:
                    kwargs["update_fields"] = {*kwargs["update_fields"], name}
        super().save(*args, **kwargs)
        self.__dict__.pop("_entered", None)
        self._remember(kwargs.get("update_fields"))
