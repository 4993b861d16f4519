"""Bodies and attachments, apart from their message so that they can be deleted before it."""

from __future__ import annotations

import hashlib

from django.db import models
from django.utils.translation import gettext_lazy as _

from maillog.models.message import MailMessage


class MessageBody(models.Model):
    """The text as it was (or will be) sent. A message without a row has not been rendered yet."""

    message = models.OneToOneField(
        MailMessage, primary_key=True, on_delete=models.CASCADE, related_name="body"
    )
    html = models.TextField(blank=True)
    text = models.TextField(blank=True)

    class Meta:
        verbose_name = _("message body")
        verbose_name_plural = _("message bodies")

    def __str__(self) -> str:
        return str(self.pk)


class AttachmentFile(models.Model):
    """Bytes, kept once however many messages carry them."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    content = models.BinaryField()
    size = models.PositiveIntegerField()  # bytes

    class Meta:
        verbose_name = _("attached file")
        verbose_name_plural = _("attached files")

    def __str__(self) -> str:
        return self.sha256

    @staticmethod
    def keep(content: bytes) -> str:
        """Stores the bytes unless they are there; returns the key under which they are."""
        digest = hashlib.sha256(content).hexdigest()
        row = AttachmentFile(sha256=digest, content=content, size=len(content))
        AttachmentFile.objects.bulk_create([row], ignore_conflicts=True)
        return digest


class MessageAttachment(models.Model):
    message = models.ForeignKey(MailMessage, on_delete=models.CASCADE, related_name="attachments")
    file = models.ForeignKey(AttachmentFile, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=120, default="application/octet-stream")
    content_id = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self) -> str:
        return self.name
