"""What was to be said, to whom, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import SenderAccount
from maillog.states import Channel, State, UnknownPolicy
from shops.models import Shop, ShopScopedQuerySet
from shops.uuid7 import uuid7

if TYPE_CHECKING:
    from maillog.models.body import MessageAttachment


class MailMessageQuerySet(ShopScopedQuerySet["MailMessage"]):
    def newest_first(self) -> Self:
        """By id: UUIDv7 is ordered by time, and only the id pages fast at any depth."""
        return self.order_by("-id")


class MailMessage(models.Model):
    """One message. Its deliveries say what became of it, one for each recipient.

    ``state`` and ``failed_recipients`` are rolled up from the deliveries by ``maillog.moves``
    and are never written by hand.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Empty: mail of the installation itself (invitations, alarms).
    shop = models.ForeignKey(
        Shop,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="mail_messages",
        db_index=False,  # the indexes of the log begin with it
    )
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.EMAIL)
    # A code, not a foreign key: the log outlives the message type.
    message_type = models.CharField(_("type"), max_length=80)
    occurrence = models.CharField(max_length=200, blank=True)
    # Accounts are never removed (see SenderAccount), so the log always names one.
    account = models.ForeignKey(
        SenderAccount,
        null=True,
        on_delete=models.PROTECT,
        related_name="mail_messages",
        db_index=False,
    )
    order_number = models.CharField(_("order"), max_length=60, blank=True)
    language = models.CharField(max_length=5, blank=True)
    subject = models.CharField(_("subject"), max_length=900, blank=True)
    from_name = models.CharField(max_length=78, blank=True)
    from_address = models.CharField(_("sender"), max_length=254, blank=True)
    reply_to = models.CharField(max_length=254, blank=True)
    to_text = models.TextField(_("recipient"), blank=True)
    # {"to": [[name, address], …], "cc": […]}: what the headers say, whatever the envelope is.
    addressing = models.JSONField(default=dict)
    headers = models.JSONField(default=list)  # [[name, value], …] from an allow list
    # Subject, recipients and order number, casefolded and without accents.
    search = models.TextField(blank=True)

    context = models.JSONField(null=True)
    # A plain number: templates live in an app to the right of this one.
    template_version = models.BigIntegerField(null=True)
    message_id = models.CharField(max_length=320)

    state = models.CharField(_("state"), max_length=12, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=12, blank=True)
    detail = models.TextField(blank=True)
    failed_recipients = models.PositiveIntegerField(_("failed"), default=0)
    has_files = models.BooleanField(default=False)
    recipient_count = models.PositiveIntegerField(_("recipients"), default=1)

    sensitive = models.BooleanField(default=False)
    critical = models.BooleanField(default=False)
    is_test = models.BooleanField(default=False)
    test_mode = models.CharField(max_length=8, blank=True)
    unknown_policy = models.CharField(
        max_length=10, choices=UnknownPolicy, default=UnknownPolicy.REPEAT
    )
    notes = models.JSONField(default=list)  # codes such as "copy_withheld"
    tags = models.JSONField(default=dict)
    resend_of = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="resends", db_index=False
    )
    occurred_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    objects = MailMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=State.values), name="message_state_known"
            ),
            # Not ``unique=True``, which brings a second index for LIKE on PostgreSQL.
            models.UniqueConstraint(fields=["message_id"], name="message_id_once"),
        ]
        indexes = [
            # The log of one shop, newest first, page by page.
            models.Index(fields=["shop", "-id"], name="message_log"),
            # "What was sent for this order?"
            models.Index(fields=["shop", "order_number", "-id"], name="message_order"),
            # The log filtered by type, by state or by sender.
            models.Index(fields=["shop", "message_type", "-id"], name="message_type_log"),
            models.Index(fields=["shop", "state", "-id"], name="message_state_log"),
            models.Index(fields=["account", "-id"], name="message_account_log"),
            models.Index(
                fields=["resend_of"],
                condition=models.Q(resend_of__isnull=False),
                name="message_resends",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.message_type

    @cached_property
    def files(self) -> list[MessageAttachment]:
        """The attachments with their bytes; a worker sets it for a whole batch."""
        return list(self.attachments.select_related("file"))

    @property
    def lifetime(self) -> timedelta:
        """How long the message may be tried, from when it was made."""
        return self.expires_at - self.created_at
