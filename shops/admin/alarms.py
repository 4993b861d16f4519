"""Alarms in the Django admin: also those that are over."""

from __future__ import annotations

from django.contrib import admin

from shops.admin.scope import CappedPaginator, ReadOnlyAdmin, ShopFilter
from shops.models import Alarm


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    """Rows without a shop are the installation's, and shown to operators only."""

    list_display = ("title", "shop", "code", "target", "opened_at", "mailed_at", "closed_at")
    list_filter = (ShopFilter, "code", ("closed_at", admin.EmptyFieldListFilter))
    list_select_related = ("shop",)
    search_fields = ("title", "text", "target")
    fields = (
        *("shop", "code", "target", "is_urgent", "title", "text", "path"),
        *("opened_at", "seen_at", "mailed_at", "closed_at"),
    )
    paginator = CappedPaginator
    show_full_result_count = False
