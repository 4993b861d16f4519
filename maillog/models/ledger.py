"""What must never be said twice, whom not to write to, and who is at work."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from maillog.clock import is_postgresql
from shops.models import Shop, ShopScopedQuerySet


class SentKey(models.Model):
    """That something was said once is kept for ever, whatever happens to the log.

    ``cause`` is why (a message type or order rule), ``occurrence`` what happened
    (``order:1234/placed``): no template and no address, so that a switch of either cannot say
    it again. Written in the caller's transaction with ON CONFLICT DO NOTHING.
    """

    # The unique constraint begins with it.
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(max_length=8)
    cause = models.CharField(max_length=80)
    occurrence = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("sent key")
        verbose_name_plural = _("sent keys")
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "channel", "cause", "occurrence"], name="sent_key_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.cause} {self.occurrence}"


class Suppression(models.Model):
    """An address that is not written to, and why."""

    class Reason(models.TextChoices):
        HARD = "hard", _("The address does not exist")
        COMPLAINT = "complaint", _("Marked a message as spam")
        MANUAL = "manual", _("Entered by staff")

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="suppressions")
    address = models.CharField(_("address"), max_length=254)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason)
    detail = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = ShopScopedQuerySet["Suppression"].as_manager()

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [models.UniqueConstraint(fields=["shop", "address"], name="suppression_once")]

    def __str__(self) -> str:
        return self.address


class WorkerBeatQuerySet(models.QuerySet["WorkerBeat"]):
    def sending(self) -> Self:
        """What sends and said so lately: ``deliver`` processes do so every two seconds, a plain
        qcluster with its sweep, which django-q2 starts a minute to a minute and a half apart."""
        # An expression, not a look at the clock: the overview counts its queries.
        now = Now() if is_postgresql() else timezone.now()
        return self.filter(
            models.Q(kind="deliver", beat_at__gte=now - timedelta(seconds=60))
            | models.Q(kind="tasks", beat_at__gte=now - timedelta(seconds=150))
        )


class WorkerBeat(models.Model):
    """A process that sends says that it is alive. ``kind`` is worker (the supervisor, which
    sends nothing itself), deliver, or tasks (a qcluster; it sends where no ``deliver`` does)."""

    name = models.CharField(primary_key=True, max_length=80)
    kind = models.CharField(max_length=12)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    # When it last claimed something; the supervisor compares it with what is due.
    claimed_at = models.DateTimeField(null=True)

    objects = WorkerBeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.name
