"""The documents of one order as its page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shops.models import Order, SalesDocument


@dataclass(frozen=True, slots=True)
class Listed:
    """``replaced_by`` is the version that its link shows instead; 0: it shows this one."""

    document: SalesDocument
    replaced_by: int = 0


def listed(order: Order) -> list[Listed]:
    """Newest first; each with the version that replaces it."""
    return list(_listed(order)) if order.has_documents else []


def _listed(order: Order) -> Iterator[Listed]:
    shown: dict[tuple[str, str], int] = {}
    for document in order.documents.select_related("created_by").order_by("-id"):
        series = (document.kind, document.series)
        yield Listed(document, shown.get(series, 0))
        if document.revoked_at is None:
            shown.setdefault(series, document.version)
