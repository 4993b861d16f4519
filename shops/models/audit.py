"""Who did what, kept for good and never changed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from shops.models.shop import Shop, ShopScopedQuerySet


def reference(row: models.Model) -> str:
    """How an entry names a row: ``mailaccounts.senderaccount:7``."""
    return f"{row._meta.label_lower}:{row.pk}"


class AuditEntry(models.Model):
    """One deed. ``details`` holds names of changed fields and harmless values, never a secret."""

    shop = models.ForeignKey(Shop, null=True, on_delete=models.CASCADE, related_name="+")
    # A person may leave; what they did stays, under the name they had.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    user_name = models.CharField(max_length=254, blank=True)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = ShopScopedQuerySet["AuditEntry"].as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")

    def __str__(self) -> str:
        return f"{self.action} {self.target}"

    @classmethod
    def note(
        cls, action: str, *, shop: Shop | None, user: Any, target: Any = "", **details: Any
    ) -> AuditEntry:
        """Writes down that ``user`` (None: the system itself) did ``action`` to ``target``.

        A row is found again by ``about`` in the details, however it is called later.
        """
        if isinstance(target, models.Model):
            details = {**details, "about": reference(target)}
        return cls.objects.create(
            shop=shop,
            user=user if getattr(user, "pk", None) else None,
            user_name=str(user or "")[:254],
            action=action,
            target=str(target)[:200],
            details=details,
        )
