"""What was last announced about orders of a foreign model: for operators, to look at."""

from __future__ import annotations

from django.contrib import admin

from shops.admin.scope import CappedPaginator, ReadOnlyAdmin
from shops.models import AnnouncedOrder


@admin.register(AnnouncedOrder)
class AnnouncedOrderAdmin(ReadOnlyAdmin):
    # The shop is known to the adapter only, so nobody but operators sees these rows.
    shop_path = ""
    list_display = ("source", "key", "payment_state", "delivery_state", "placed_at", "created_at")
    list_filter = ("source", "payment_state", "delivery_state")
    search_fields = ("key",)
    paginator = CappedPaginator
    show_full_result_count = False
