"""What templates see: plain data made from an order and its shop, and nothing that has methods.

Amounts are strings such as ``"1234.50"``, times ISO strings, so that a snapshot survives JSON.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shops.facts import Line, OrderFacts, Party
from shops.models import Shop
from shops.storable import storable

type Plain = dict[str, Any]


def money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def shop_context(shop: Shop) -> Plain:
    values = {
        "name": shop.name,
        "domain": shop.domain,
        "url": shop.url,
        "email": shop.contact_email,
        "phone": shop.contact_phone,
        "address": shop.address,
        "logo_url": shop.logo_url,
        "accent": shop.accent,
        "accent_text": shop.accent_text,
        "note": "",
    }
    return {name: storable(value) for name, value in values.items()}


def customer_context(party: Party) -> Plain:
    first = party.first_name or party.name.partition(" ")[0]
    return {
        "name": storable(party.name),
        "first_name": storable(first),
        "email": storable(party.email),
    }


def line_context(line: Line) -> Plain:
    return {
        "name": storable(line.name),
        "variant": storable(line.variant),
        "sku": storable(line.sku),
        "quantity": f"{line.quantity:f}",
        "unit_price": money(line.unit_price),
        "total": money(line.total),
        "image_url": storable(line.image_url),
    }


def order_context(facts: OrderFacts) -> Plain:
    return {
        "number": storable(facts.number),
        "placed_at": facts.placed_at.isoformat(),
        "currency": storable(facts.currency),
        "items": [line_context(line) for line in facts.lines],
        "subtotal": money(facts.subtotal),
        "shipping_cost": money(facts.shipping_cost),
        "discount": money(facts.discount),
        "tax_total": money(facts.tax_total),
        "total": money(facts.total),
        "payment_method": storable(facts.payment_method),
        "payment_state": storable(facts.payment_state),
        "shipping_method": storable(facts.shipping_method),
        "pickup_point": storable(facts.pickup_point),
        "delivery_address": _lines(facts.recipient),
        "billing_address": _lines(facts.payer),
        "note": storable(facts.note),
        "url": storable(facts.url),
        "invoice_url": storable(facts.invoice_url),
        "carrier": storable(facts.carrier),
        "tracking_number": storable(facts.tracking_number),
        "tracking_url": storable(facts.tracking_url),
    }


def _lines(party: Party) -> list[str]:
    return (
        [storable(line) for line in (party.name, *party.address) if line] if party.address else []
    )


def base_context(shop: Shop, language: str, currency: str = "") -> Plain:
    """What every template has: the shop and how to write amounts and times."""
    return {
        "locale": storable(language),
        "currency": storable(currency or shop.currency),
        "time_zone": storable(shop.time_zone),
        "shop": shop_context(shop),
    }


def full_context(shop: Shop, facts: OrderFacts, language: str) -> Plain:
    """Everything about an order."""
    return {
        **base_context(shop, language, facts.currency),
        "customer": customer_context(facts.buyer),
        "order": order_context(facts),
    }
