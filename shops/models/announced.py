"""What the apps to the right were last told about an order of somebody else's model."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class AnnouncedOrder(models.Model):
    """The memory of ``shops.hooks``, written in the transaction that changes the order.

    It stands in for the values before a change, which nobody has after ``bulk_update()``, and
    makes that one change is announced once, whoever saves the order how often.
    """

    # "store.order" and the primary key: the number may be given, or corrected, later.
    source = models.CharField(max_length=200)
    key = models.CharField(max_length=80)
    state = models.CharField(max_length=20, blank=True)
    payment_state = models.CharField(max_length=20, blank=True)
    delivery_state = models.CharField(max_length=20, blank=True)
    tracking = models.CharField(max_length=500, blank=True)
    # Empty: saved, but not announced yet.
    placed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("announced order")
        verbose_name_plural = _("announced orders")
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="announced_order_once")
        ]
        indexes = [
            # Orders whose announcement is owed: those that were saved outside a transaction.
            models.Index(
                fields=["created_at"],
                condition=models.Q(placed_at=None),
                name="announced_order_owed",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"
