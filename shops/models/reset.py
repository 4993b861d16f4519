"""Marks that silence old orders: see ``docs/reliability.md``."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from shops.models.shop import Shop, ShopScopedQuerySet


class ResetMarkQuerySet(ShopScopedQuerySet["ResetMark"]):
    def covers(self, shop_id: int, parameter: str, imported_at: datetime) -> bool:
        """True if orders imported at ``imported_at`` are silenced for ``parameter``."""
        return self.filter(
            shop_id=shop_id,
            parameter=parameter,
            undone_at=None,
            imported_until__gte=imported_at,
        ).exists()


class ResetMark(models.Model):
    """Nothing of ``parameter`` leaves for orders imported up to ``imported_until``, inclusive.

    A parameter is a message type's code or an order rule.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="reset_marks")
    parameter = models.CharField(max_length=80)
    imported_until = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = ResetMarkQuerySet.as_manager()

    class Meta:
        verbose_name = _("reset mark")
        verbose_name_plural = _("reset marks")
        indexes = [
            # Asked once for each message of an order that is queued.
            models.Index(fields=["shop", "parameter", "imported_until"], name="reset_mark_lookup")
        ]

    def __str__(self) -> str:
        return f"{self.parameter} ≤ {self.imported_until:%Y-%m-%d %H:%M}"
