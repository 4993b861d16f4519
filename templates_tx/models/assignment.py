"""Shop × message type × channel → whether it is sent, from which account, with which words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import SenderAccount
from maillog.states import Channel
from shops.models import Shop, ShopScopedQuerySet


class TemplateAssignment(models.Model):
    """A row says what a shop decided; where there is none, the message type's default holds."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="template_assignments")
    message_type = models.CharField(_("message"), max_length=80)
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.EMAIL)
    is_on = models.BooleanField(_("send this message"), default=True)
    # Empty: the shop's main account, whichever that is when the message is made.
    account = models.ForeignKey(
        SenderAccount,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("send from account"),
    )
    copy_to_owner = models.BooleanField(
        _("copy to the owner"),
        default=False,
        help_text=_("The shop's contact address gets the message exactly as the customer does."),
    )
    reply_to = models.EmailField(
        _("answers go to"),
        blank=True,
        help_text=_("Empty: where the account's answers go."),
    )
    delay_minutes = models.PositiveIntegerField(_("delay in minutes"), default=0)
    # Language → the shop's own words in the built-in template.
    notes = models.JSONField(_("note"), default=dict, blank=True)
    # ``templates_tx.conditions`` reads and writes them.
    conditions = models.JSONField(_("conditions"), default=list, blank=True)

    objects = ShopScopedQuerySet["TemplateAssignment"].as_manager()

    class Meta:
        ordering = ["message_type"]
        verbose_name = _("message assignment")
        verbose_name_plural = _("message assignments")
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "message_type", "channel"], name="assignment_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.message_type} · {self.shop}"
