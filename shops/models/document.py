"""Finished documents of an order, such as its invoice, and the link that its customer has to each.

Postroom makes no invoices: it keeps what it was handed, as it was handed in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shops.conf import conf
from shops.models.shop import Shop, ShopScopedQuerySet
from shops.secrets import EncryptedTextField, UnreadableSecret
from shops.storable import clean_texts

if TYPE_CHECKING:
    from shops.models.order import Order

TOKEN_BYTES = 20  # 160 bits: nobody guesses one, however many are tried
_TOKEN = re.compile(r"[A-Za-z0-9_-]{27}")
_PURPOSE = b"postroom: customer's link to a document"
_KNOWN = "_open_invoices"  # on an order whose open invoices have been looked up


class DocumentKind(models.TextChoices):
    INVOICE = "invoice", _("Invoice")
    CREDIT_NOTE = "credit_note", _("Credit note")
    RECEIPT = "receipt", _("Receipt")
    PRO_FORMA = "pro_forma", _("Pro forma")
    OTHER = "other", _("Document")


def new_secret() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_of(secret: str) -> str:
    """The token in the customer's link. Made anew each time a message needs it, never stored."""
    made = hmac.digest(secret.encode(), _PURPOSE, "sha256")[:TOKEN_BYTES]
    return urlsafe_b64encode(made).decode().rstrip("=")


def digest(token: str) -> str:
    """What a token is looked up by; it opens nothing itself."""
    return hashlib.sha256(token.encode()).hexdigest()


def link_ends(now: datetime) -> datetime:
    return now + timedelta(days=conf.DOCUMENT_LINK_DAYS)


class DocumentFile(models.Model):
    """Bytes, kept once however often they were handed in; apart, so that lists never read them."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    content = models.BinaryField()
    size = models.PositiveIntegerField()  # bytes

    class Meta:
        verbose_name = _("file of a document")
        verbose_name_plural = _("files of documents")

    def __str__(self) -> str:
        return self.sha256


class DocumentQuerySet(ShopScopedQuerySet["SalesDocument"]):
    def opened_by(self, token: str) -> Self:
        """The one that ``token`` belongs to, ended or not. No query for what is no token."""
        if not _TOKEN.fullmatch(token):
            return self.none()
        return self.filter(token_digest=digest(token))

    def with_open_link(self) -> Self:
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class SalesDocument(models.Model):
    """One version of a document. It stays as it was handed in; only its link ends or is revoked.

    Documents with the same order, kind and ``series`` are versions of one another.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="documents")
    order = models.ForeignKey("shops.Order", on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(_("kind"), max_length=12, choices=DocumentKind)
    number = models.CharField(_("number"), max_length=60, blank=True)
    # The number, or the file's name where there is none.
    series = models.CharField(max_length=160, editable=False)
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    name = models.CharField(_("file name"), max_length=160)
    file = models.ForeignKey(DocumentFile, on_delete=models.PROTECT, related_name="+")
    size = models.PositiveIntegerField(_("size"))  # bytes
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("handed in by"),
    )
    created_at = models.DateTimeField(_("handed in"), default=timezone.now)
    # The token in the link is made from it, so the database alone opens no document.
    link_secret = EncryptedTextField(default=new_secret, editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(_("link works until"))
    revoked_at = models.DateTimeField(_("link revoked"), null=True, blank=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "kind", "series", "version"], name="document_version_once"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=DocumentKind.values), name="document_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        clean_texts(self)
        if not self.token_digest:
            self.token_digest = digest(token_of(self.link_secret))
        super().save(*args, **kwargs)

    @property
    def title(self) -> str:
        """Kind and number, such as Invoice FV/12/2026, in the reader's language."""
        if not self.number and self.kind == DocumentKind.OTHER:
            return self.name
        return f"{DocumentKind(self.kind).label} {self.number}".strip()

    @property
    def link(self) -> str:
        """The customer's address of it; empty if no key can read its secret any more."""
        if isinstance(self.link_secret, UnreadableSecret):
            return ""
        path = reverse("document:page", args=[token_of(self.link_secret)])
        return f"{conf.PUBLIC_URL.rstrip('/')}{path}"

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def opens(self) -> bool:
        return self.revoked_at is None and not self.has_expired

    def versions(self) -> models.QuerySet[SalesDocument]:
        """All of its versions, newest first; itself too."""
        return SalesDocument.objects.filter(
            order_id=self.order_id, kind=self.kind, series=self.series
        ).order_by("-version")

    def newest(self) -> SalesDocument:
        """What its link shows: the newest version that was not revoked."""
        return self.versions().filter(revoked_at=None).first() or self


@receiver(models.signals.post_delete, sender=SalesDocument)
def _drop_bytes(instance: SalesDocument, **kwargs: Any) -> None:
    """An order that is deleted takes its documents' bytes along, unless another has them too."""
    if not SalesDocument.objects.filter(file_id=instance.file_id).exists():
        DocumentFile.objects.filter(pk=instance.file_id).delete()


def invoice_address(order: Order) -> str:
    """Where the customer finds the invoice: as the shop's software says, else the page of the
    newest one kept here whose link still works; empty if there is none.
    """
    if order.invoice_url or not order.has_documents:
        return order.invoice_url
    known: list[SalesDocument] | None = getattr(order, _KNOWN, None)
    rows = _open_invoices().filter(order_id=order.pk)[:1] if known is None else known
    found = next(iter(rows), None)
    return found.link if found is not None else ""


def with_invoices(orders: models.QuerySet[Order]) -> models.QuerySet[Order]:
    """``orders`` with what ``invoice_address`` looks up, in one query for all of them."""
    return orders.prefetch_related(models.Prefetch("documents", _open_invoices(), to_attr=_KNOWN))


def _open_invoices() -> DocumentQuerySet:
    """Newest first."""
    rows = SalesDocument.objects.filter(kind=DocumentKind.INVOICE).with_open_link()
    return rows.only("order", "link_secret").order_by("-id")
