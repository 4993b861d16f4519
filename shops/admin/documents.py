"""Documents of orders in the Django admin, to look at. They are handed in on the order's page."""

from __future__ import annotations

from django.contrib import admin

from shops.admin.scope import CappedPaginator, ReadOnlyAdmin, ShopFilter, twin
from shops.models import DocumentFile, SalesDocument


@admin.register(SalesDocument)
class SalesDocumentAdmin(ReadOnlyAdmin):
    fields = (
        *("shop", "order", "kind", "number", "version", "name", "size", "file"),
        *("created_by", "created_at", "expires_at", "revoked_at"),
    )
    list_display = ("__str__", "shop", "order", "version", "size", "created_at", "expires_at")
    list_filter = (ShopFilter, "kind")
    list_select_related = ("shop", "order")
    search_fields = ("number", "name", "order__number")
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def panel_url(self, obj: SalesDocument) -> str:
        return twin("shops:order", obj.shop, pk=obj.order_id)


@admin.register(DocumentFile)
class DocumentFileAdmin(ReadOnlyAdmin):
    """For operators: the same bytes may be of several shops."""

    shop_path = ""
    fields = ("sha256", "size")
    list_display = ("sha256", "size")
    search_fields = ("sha256",)
    paginator = CappedPaginator
    show_full_result_count = False
