"""Template tags of order pages."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_decimal
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shops.models import Order
from shops.models.order_states import DeliveryState, OrderState, PaymentState
from shops.templatetags.panel import reader_locale, status_dot

register = template.Library()

TONES: dict[str, dict[str, str]] = {
    "state": {
        OrderState.NEW: "hol",
        OrderState.ACCEPTED: "idle",
        OrderState.PREPARING: "idle",
        OrderState.ON_HOLD: "warn",
        OrderState.FULFILLED: "ok",
        OrderState.CANCELLED: "idle",
    },
    "payment_state": {
        PaymentState.UNPAID: "hol",
        PaymentState.PENDING: "warn",
        PaymentState.PAID: "ok",
        PaymentState.FAILED: "bad",
        PaymentState.REFUNDED: "idle",
    },
    "delivery_state": {
        DeliveryState.NONE: "hol",
        DeliveryState.READY: "ok",
        DeliveryState.PARTLY_SHIPPED: "warn",
        DeliveryState.SHIPPED: "ok",
        DeliveryState.DELIVERED: "ok",
        DeliveryState.RETURNED: "warn",
    },
}


@register.simple_tag
def order_dot(order: Order, field: str) -> SafeString:
    """One of an order's three states. ``field``: state, payment_state or delivery_state."""
    value = getattr(order, field)
    label = getattr(order, f"get_{field}_display")()
    return status_dot(TONES[field][value], label)


@register.filter
def quantity(number: Decimal) -> str:
    """2, or 0.5 as the reader writes it."""
    return format_decimal(number.normalize(), locale=reader_locale())


@register.simple_tag
def mail_link(address: str) -> SafeString:
    """An address that opens the reader's mail program; a dash where there is none."""
    if not address:
        return format_html('<span class="t3">{}</span>', "–")
    return format_html('<a href="mailto:{}">{}</a>', address, address)
