"""The audit: what was done in a shop, by whom and when."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.views.generic import TemplateView

from shops import audit
from shops.models import AuditEntry, Role
from shops.scope import ShopScoped


class Audit(ShopScoped, TemplateView):
    """``own`` in the address shows operators what was done to the installation, not to a shop."""

    needed = Role.ADMIN
    template_name = "shops/audit.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query = self.request.GET
        asked = audit.AuditFilter.from_query(query)
        own = bool(query.get("own")) and self.request.user.is_superuser
        entries = self._entries(own)
        before, after = audit.read_id(query.get("before")), audit.read_id(query.get("after"))
        return {
            **super().get_context_data(**kwargs),
            "own": own,
            "asked": asked,
            "page": audit.page_of(asked.apply(entries), before=before, after=after),
            "page_is_inner": before is not None or after is not None,
            "people": audit.people_of(entries),
            "topics": [(name, label) for name, (label, _model) in audit.topics.items()],
        }

    def _entries(self, own: bool) -> QuerySet[AuditEntry]:
        if own:
            return AuditEntry.objects.filter(shop=None)
        return AuditEntry.objects.for_shop(self.shop)
