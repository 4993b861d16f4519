"""Message types that a shop made for itself, and files that leave with all messages of a type."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from maillog.models import AttachmentFile
from shops.models import Shop, ShopScopedQuerySet
from shops.models.shop import Language


class OwnMessageType(models.Model):
    """A message type of one shop. ``own_types`` makes a ``MessageType`` of it."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="own_message_types")
    # "own." and a name; for ever, as every code.
    code = models.CharField(_("code"), max_length=80)
    name = models.CharField(_("name"), max_length=80)
    section = models.CharField(_("section"), max_length=20)
    description = models.CharField(_("when it is sent"), max_length=200, blank=True)
    to = models.CharField(_("who gets it"), max_length=8)
    # [{"name", "label", "kind", "sample", "may_be_empty", "must_appear"}, …]
    fields = models.JSONField(_("values"), default=list, blank=True)
    sensitive = models.BooleanField(_("holds a personal link"), default=False)
    critical = models.BooleanField(_("goes first"), default=False)
    is_withdrawn = models.BooleanField(_("being withdrawn"), default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShopScopedQuerySet["OwnMessageType"].as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("own message type")
        verbose_name_plural = _("own message types")
        constraints = [models.UniqueConstraint(fields=["shop", "code"], name="own_type_code_once")]

    def __str__(self) -> str:
        return self.name


class TypeAttachment(models.Model):
    """A file, such as the terms of sale, that goes along with every message of one type."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="type_attachments")
    message_type = models.CharField(_("message"), max_length=80)
    # Empty: with the messages in every language.
    language = models.CharField(_("language"), max_length=5, choices=Language, blank=True)
    name = models.CharField(_("file name"), max_length=200)
    content_type = models.CharField(max_length=100)
    file = models.ForeignKey(AttachmentFile, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShopScopedQuerySet["TypeAttachment"].as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("attached file")
        verbose_name_plural = _("attached files")
        indexes = [models.Index(fields=["shop", "message_type"], name="type_attachment_of")]

    def __str__(self) -> str:
        return self.name
