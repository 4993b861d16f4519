"""What is wrong and concerns people: shown in the panel until it is over."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from shops.models.shop import Shop, ShopScopedQuerySet


class Alarm(models.Model):
    """One trouble from when it was noticed to when it was over; see ``shops.alarms``.

    ``code`` names the kind (``account.broken``), ``target`` what it is about (``account:7``).
    There is one open row for each of these.
    """

    shop = models.ForeignKey(
        Shop, null=True, blank=True, on_delete=models.CASCADE, related_name="alarms"
    )
    code = models.CharField(max_length=40)
    target = models.CharField(max_length=120, blank=True)
    is_urgent = models.BooleanField(default=True)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    # Where to mend it: a path of the panel.
    path = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(auto_now=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ShopScopedQuerySet["Alarm"].as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "code", "target"],
                condition=models.Q(closed_at=None),
                name="alarm_open_once",
            ),
            models.UniqueConstraint(
                fields=["code", "target"],
                condition=models.Q(closed_at=None, shop=None),
                name="alarm_open_once_shopless",
            ),
        ]
        indexes = [
            models.Index(
                fields=["shop"], condition=models.Q(closed_at=None), name="alarm_open_of_shop"
            )
        ]

    def __str__(self) -> str:
        return self.title
