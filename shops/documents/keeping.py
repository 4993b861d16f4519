"""Keeps documents that are handed in, and ends and reopens the customer's link to them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from shops.documents.checks import validate_pdf
from shops.models import AuditEntry, DocumentFile, Order, SalesDocument
from shops.models.document import link_ends
from shops.sealed import safe_name
from shops.storable import storable

if TYPE_CHECKING:
    from django.core.files.base import File


@dataclass(frozen=True, slots=True)
class Handed:
    """A finished PDF: of which kind, and what whoever made it calls it."""

    kind: str
    file: File[bytes]
    name: str
    number: str = ""


def hand_in(order: Order, handed: Handed, user: Any = None) -> SalesDocument:
    """Keeps a document of ``order`` for good; ``user`` None: handed in by a program.

    The same bytes as the newest version make no new one, nor do they reopen its link: a program
    that repeats itself would undo what staff have revoked. Raises ``ValidationError`` for what is
    no PDF, is too large, or has no kind that we know or too long a number.
    """
    validate_pdf(handed.file)
    content = handed.file.read()
    sha256 = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        # Two people who hand in at once make two versions, one after the other.
        Order.objects.select_for_update().only("pk").get(pk=order.pk)
        document = _draft(order, handed, user)
        latest = document.versions().first()
        if latest is not None and latest.file_id == sha256:
            return latest
        document.version = latest.version + 1 if latest is not None else 1
        document.size = len(content)
        document.file, _made = DocumentFile.objects.get_or_create(
            sha256=sha256, defaults={"content": content, "size": len(content)}
        )
        document.save()
        order.has_documents = True
        Order.objects.filter(pk=order.pk).update(has_documents=True)
        _note("document.added", document, user)
    return document


def _draft(order: Order, handed: Handed, user: Any) -> SalesDocument:
    name = safe_name(storable(handed.name)) or "document"
    if not name.lower().endswith(".pdf"):
        name += ".pdf"
    number = storable(handed.number).strip()
    draft = SalesDocument(
        shop_id=order.shop_id,
        order=order,
        kind=handed.kind,
        number=number,
        series=number or name,
        name=name,
        created_by=user if getattr(user, "pk", None) else None,
        expires_at=link_ends(timezone.now()),
    )
    draft.clean_fields(exclude={"shop", "order", "file", "size", "created_by", "token_digest"})
    return draft


def revoke(document: SalesDocument, user: Any) -> None:
    """Its link stops working at once."""
    rows = SalesDocument.objects.filter(pk=document.pk, revoked_at=None)
    if rows.update(revoked_at=timezone.now()):
        _note("document.revoked", document, user)


def allow(document: SalesDocument, user: Any) -> None:
    """Its link works again; one that had ended by itself gets its full time anew."""
    now = timezone.now()
    ends = link_ends(now) if document.expires_at <= now else document.expires_at
    rows = SalesDocument.objects.filter(pk=document.pk)
    if rows.exclude(revoked_at=None, expires_at=ends).update(revoked_at=None, expires_at=ends):
        _note("document.allowed", document, user)


def _note(deed: str, document: SalesDocument, user: Any) -> None:
    AuditEntry.note(
        deed,
        shop=document.shop,
        user=user,
        target=document,
        order=document.order.number,
        name=document.name,
        version=document.version,
    )
