"""One recipient of one message in one role: the unit that is claimed, sent and retried."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import SenderAccount
from maillog.models.message import MailMessage
from maillog.states import DUE, Channel, Role, State
from shops.uuid7 import uuid7


class Delivery(models.Model):
    """One SMTP transaction with one RCPT. States and moves: ``maillog.states``.

    ``fence`` grows with every claim; whoever holds an older one has lost the row. ``phase`` is
    "dot" from the commit before the final dot until an outcome is recorded: only then can
    nobody know whether the server took the message.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No indexes of their own for these two: every change of state writes into every index of the
    # row. The unique constraint serves the first; accounts are never removed (see SenderAccount).
    message = models.ForeignKey(
        MailMessage, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    account = models.ForeignKey(
        SenderAccount,
        null=True,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_index=False,
    )
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.EMAIL)
    role = models.CharField(max_length=5, choices=Role, default=Role.MAIN)
    address = models.CharField(_("recipient"), max_length=254)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=12, blank=True)

    priority = models.SmallIntegerField(default=5)  # 0 first; copies come last
    due_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    fence = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    phase = models.CharField(max_length=3, blank=True)
    # The last dot that was taken or may have been. One that was refused leaves none behind, but
    # for a delivery that was ever uncertain.
    dot_at = models.DateTimeField(null=True)
    # Taken back by the reaper: claimed alone next time, and only such claims count as poison.
    alone = models.BooleanField(default=False)
    lone_claims = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)

    # An earlier delivery about the same order to the same address: it goes first.
    after = models.UUIDField(null=True)

    # Decided before the gate and kept, so that a retry, the viewer and the .eml are byte-equal.
    envelope_to = models.CharField(max_length=254, blank=True)
    wire_headers = models.JSONField(default=list)
    subject_prefix = models.CharField(max_length=20, blank=True)

    tries = models.PositiveIntegerField(default=0)
    ever_unknown = models.BooleanField(default=False)
    repeats = models.PositiveSmallIntegerField(default=0)
    last_code = models.PositiveSmallIntegerField(null=True)
    last_answer = models.CharField(max_length=14, blank=True)
    last_reply = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["message", "role", "address"], name="delivery_once_a_recipient"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=State.values), name="delivery_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(phase__in=["", "dot"]), name="delivery_phase_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state="claimed", lease_until__isnull=False)
                | (~models.Q(state="claimed") & models.Q(lease_until__isnull=True)),
                name="delivery_lease_while_claimed",
            ),
            models.CheckConstraint(
                condition=~models.Q(phase="dot") | models.Q(dot_at__isnull=False),
                name="delivery_dot_has_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="held") | ~models.Q(reason=""),
                name="delivery_held_says_why",
            ),
        ]
        indexes = [
            # What is due, account by account: the claim and the look for work.
            models.Index(
                fields=["account", "priority", "due_at"],
                condition=models.Q(state__in=[state.value for state in DUE])
                & ~models.Q(role=Role.IMAP.value),
                name="delivery_due",
            ),
            # The same for the copies in Sent folders, which another kind of session files.
            models.Index(
                fields=["account", "due_at"],
                condition=models.Q(state__in=[state.value for state in DUE], role=Role.IMAP.value),
                name="delivery_imap_due",
            ),
            # The reaper's look for lost leases.
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state="claimed"),
                name="delivery_leases",
            ),
            # No index has ``phase`` or ``dot_at``: the gate, which sets both, writes into none.
            # Uncertain outcomes that wait for their one repeat or for a person.
            models.Index(
                fields=["account"], condition=models.Q(state="unknown"), name="delivery_uncertain"
            ),
            # "Did she get it?", and the 24-hour use of an account.
            models.Index(fields=["address"], name="delivery_address"),
            models.Index(
                fields=["account", "ended_at"],
                condition=models.Q(ended_at__isnull=False),
                name="delivery_use",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.address}"


class Attempt(models.Model):
    """One try. Only ever added; ``text`` is the server's own words, escaped, at most 2 KiB."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    fence = models.PositiveIntegerField()
    at = models.DateTimeField()
    answer = models.CharField(max_length=14)
    phase = models.CharField(max_length=8)
    code = models.PositiveSmallIntegerField(null=True)
    enhanced = models.CharField(max_length=12, blank=True)
    text = models.TextField(blank=True)
    server = models.CharField(max_length=260, blank=True)
    tls = models.CharField(max_length=60, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return f"{self.answer} {self.code or ''} {self.text}".strip()[:200]
