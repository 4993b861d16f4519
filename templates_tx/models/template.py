"""Templates and their versions. A queued message is pinned to the version it was made with."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from shops.models import Shop, ShopScopedQuerySet
from shops.models.shop import Language


class MessageTemplate(models.Model):
    """The words of one message type in one language. Built-in ones have no shop and are locked.

    A shop's own is used instead of the built-in one of its language while it is ``in_use``.
    """

    shop = models.ForeignKey(
        Shop, null=True, blank=True, on_delete=models.CASCADE, related_name="message_templates"
    )
    message_type = models.CharField(_("type"), max_length=80)
    language = models.CharField(_("language"), max_length=5, choices=Language)
    name = models.CharField(_("name"), max_length=80, blank=True)
    current = models.ForeignKey(
        "TemplateVersion", null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    in_use = models.BooleanField(_("in use"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShopScopedQuerySet["MessageTemplate"].as_manager()

    class Meta:
        ordering = ["message_type", "language"]
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        # Which words a message gets is asked for each one that is queued: both are looked into.
        constraints = [
            models.UniqueConstraint(
                fields=["message_type", "language"],
                condition=models.Q(shop=None),
                name="template_one_built_in",
            ),
            models.UniqueConstraint(
                fields=["shop", "message_type", "language"],
                condition=models.Q(shop__isnull=False),
                name="template_one_of_a_shop",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_type} ({self.language})"

    @property
    def is_built_in(self) -> bool:
        return self.shop_id is None


class TemplateVersion(models.Model):
    """One saved state of a template, never changed. What is rendered is made when it is saved."""

    template = models.ForeignKey(MessageTemplate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    subject = models.TextField(_("subject"))
    # What mail programs show beside the subject.
    preheader = models.TextField(_("first line"), blank=True)
    html_source = models.TextField(_("HTML"), help_text=_("MJML or HTML with Liquid tags"))
    text = models.TextField(_("text"))
    sms = models.TextField(_("SMS"), blank=True)
    # MJML compiled and CSS inlined: what the worker renders.
    html = models.TextField(editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="template_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"


class TemplateDraft(models.Model):
    """What somebody is writing and has not saved as a version: kept as it is typed, faults too."""

    template = models.OneToOneField(MessageTemplate, on_delete=models.CASCADE, related_name="draft")
    # The version it began from: another one may have been saved meanwhile.
    began_from = models.PositiveIntegerField()
    subject = models.TextField(_("subject"), blank=True)
    preheader = models.TextField(_("first line"), blank=True)
    html_source = models.TextField(_("HTML"), blank=True)
    text = models.TextField(_("text"), blank=True)
    sms = models.TextField(_("SMS"), blank=True)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("template draft")
        verbose_name_plural = _("template drafts")

    def __str__(self) -> str:
        return f"{self.template} (draft)"
