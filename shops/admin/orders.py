"""Customers and orders in the Django admin. What is saved here is announced as everywhere."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shops.admin.scope import (
    CappedPaginator,
    OneShopForm,
    ReadOnlyAdmin,
    ShopFilter,
    ShopScopedAdmin,
    twin,
)
from shops.models import Customer, Order, OrderLine, Role

STATES = ("state", "payment_state", "delivery_state")
PARCEL = ("tracking_url", "tracking_number", "carrier")
MONEY = ("subtotal", "tax_total", "total")


@admin.register(Customer)
class CustomerAdmin(ShopScopedAdmin):
    role = Role.SENDER
    list_display = ("email", "name", "shop", "language", "created_at")
    list_filter = (ShopFilter, "language")
    list_select_related = ("shop",)
    search_fields = ("email", "first_name", "last_name")
    readonly_fields = ("created_at",)
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "shop") if obj else self.readonly_fields


class OrderLineInline(admin.TabularInline):
    """Lines are entered with the order: the confirmation names them, so they stay as they were."""

    model = OrderLine
    fields = ("sku", "name", "variant", "quantity", "unit_price", "tax_rate")
    extra = 3

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OrderForm(OneShopForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        number, link = cleaned.get("tracking_number"), cleaned.get("tracking_url")
        if number and not link and "tracking_url" in self.changed_data:
            self.add_error("tracking_url", _("Enter the link that shows the customer the parcel."))
        return cleaned

    def changed_plain(self) -> list[str]:
        """Fields that were changed and announce nothing."""
        announced = (*STATES, *PARCEL)
        return [name for name in self.changed_data if name not in announced]


@admin.register(Order)
class OrderAdmin(ShopScopedAdmin):
    """New orders are placed and changes go through ``Order``'s methods, so messages leave."""

    form = OrderForm
    role = Role.SENDER
    panel_list = "shops:orders"
    inlines = (OrderLineInline,)
    list_display = ("number", "shop", "customer", "placed_at", *STATES, "total")
    list_filter = (ShopFilter, *STATES)
    list_select_related = ("shop", "customer")
    search_fields = ("number", "customer__email", "customer__last_name")
    raw_id_fields = ("customer",)
    ordering = ("-placed_at", "-id")
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    fieldsets = (
        (None, {"fields": ("shop", "number", "customer", "language", "currency", "placed_at")}),
        (_("State"), {"fields": (*STATES, *PARCEL)}),
        (_("Money"), {"fields": ("shipping_cost", "discount", *MONEY)}),
        (
            _("Payment and delivery"),
            {
                "fields": (
                    "payment_method",
                    "shipping_method",
                    "pickup_point",
                    "note",
                    "url",
                    "invoice_url",
                )
            },
        ),
        (_("Payer"), {"fields": ("payer_name", "payer_email", "payer_phone", "payer_address")}),
        (_("Recipient"), {"fields": ("recipient_name", "recipient_phone", "recipient_address")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return MONEY
        return (
            *MONEY,
            "shop",
            "number",
            "customer",
            "currency",
            "placed_at",
            "shipping_cost",
            "discount",
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.check_writable(request, obj)
        if not change:
            return  # save_related places it, together with its lines
        if plain := form.changed_plain():
            obj.save(update_fields=plain)
        states = {name: getattr(obj, name) for name in STATES if name in form.changed_data}
        self._ship(obj, form)
        for name, after in states.items():
            obj.change_state(name, after)

    def _ship(self, order: Order, form: OrderForm) -> None:
        parcel = [name for name in PARCEL if name in form.changed_data]
        if "tracking_url" in parcel and order.tracking_url:
            order.ship(order.tracking_url, order.tracking_number, order.carrier)
        elif parcel:
            order.save(update_fields=parcel)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: list[forms.BaseModelFormSet], change: bool
    ) -> None:
        if change:
            super().save_related(request, form, formsets, change)
            return
        lines = [line for formset in formsets for line in formset.save(commit=False)]
        Order.place(form.instance, lines)

    def panel_url(self, obj: Order) -> str:
        return twin("shops:order", obj.shop, pk=obj.pk)


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnlyAdmin):
    shop_path = "order__shop"
    list_display = ("order", "position", "name", "variant", "quantity", "unit_price")
    list_select_related = ("order",)
    search_fields = ("name", "sku", "order__number")
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def panel_url(self, obj: OrderLine) -> str:
        return twin("shops:order", obj.order.shop, pk=obj.order_id)
