"""A stored password that is kept only for the server it was entered for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.db import models


class BoundPassword(models.Model):
    """Clears ``password`` when a row is saved in which what it belongs to has been changed.

    Else whoever may edit an account could point it at a server of their own, and the next message
    would hand that server the password. ``BOUND_TO_PASSWORD`` names those columns.
    """

    BOUND_TO_PASSWORD: ClassVar[tuple[str, ...]] = ()
    password: Any

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
        """Notes what the row holds now, to know later whether the password still belongs to it."""
        stored: dict[str, Any] = self.__dict__.setdefault("_stored", {})
        for name in (*self.BOUND_TO_PASSWORD, "password"):
            if name in self.__dict__ and (fields is None or name in fields):
                stored[name] = self.__dict__[name]

    def set_password(self, password: str) -> None:
        """A password that was typed now: it belongs to the server as set now, even if it is the
        one that was stored before."""
        self.password, self._password_is_new = password, True

    def password_is_stale(self) -> bool:
        """True if the stored password is still set but what it belongs to has been changed."""
        stored: dict[str, Any] = self.__dict__.get("_stored", {})
        if getattr(self, "_password_is_new", False) or not any(
            name in self.__dict__ and stored.get(name) != self.__dict__[name]
            for name in self.BOUND_TO_PASSWORD
        ):
            return False
        return bool(self.password) and stored.get("password") == self.password

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.password_is_stale():
            self.password = ""
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "password"}
        super().save(*args, **kwargs)
        self._password_is_new = False
        self._remember(kwargs.get("update_fields"))
