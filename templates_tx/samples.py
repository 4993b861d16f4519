"""Sample data for previews and tests: exactly the context that the composer delivers.

Amounts are text ("1234.50"), moments ISO 8601 with an offset, addresses lists of lines. A key that
has no value is there and empty, so that a template may always ask for it.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict, cast


class ShopContext(TypedDict):
    name: str
    domain: str
    url: str
    email: str
    phone: str
    address: str
    logo_url: str
    accent: str
    accent_text: str
    note: str


class CustomerContext(TypedDict):
    name: str
    first_name: str
    email: str


class ItemContext(TypedDict):
    name: str
    variant: str
    sku: str
    quantity: str
    unit_price: str
    total: str
    image_url: str


class OrderContext(TypedDict):
    number: str
    placed_at: str
    currency: str
    items: list[ItemContext]
    subtotal: str
    shipping_cost: str
    discount: str
    tax_total: str
    total: str
    payment_method: str
    payment_state: str
    shipping_method: str
    pickup_point: str
    delivery_address: list[str]
    billing_address: list[str]
    note: str
    url: str
    invoice_url: str
    carrier: str
    tracking_number: str
    tracking_url: str


class MessageContext(TypedDict):
    """What every template is rendered with; the last three belong to one type each."""

    locale: str
    currency: str
    time_zone: str
    shop: ShopContext
    customer: CustomerContext
    order: NotRequired[OrderContext]
    link: NotRequired[str]
    valid_minutes: NotRequired[int]
    text: NotRequired[str]


def _item(name: str, variant: str, sku: str, quantity: str, prices: tuple[str, str]) -> ItemContext:
    return {
        "name": name,
        "variant": variant,
        "sku": sku,
        "quantity": quantity,
        "unit_price": prices[0],
        "total": prices[1],
        "image_url": f"https://rowerownia.pl/img/{sku.lower()}.jpg",
    }


_SHOP: ShopContext = {
    "name": "Rowerownia",
    "domain": "rowerownia.pl",
    "url": "https://rowerownia.pl/",
    "email": "sklep@rowerownia.pl",
    "phone": "12 345 67 80",
    "address": "Rowerownia Sp. z o.o., ul. Zabłocie 23, 30-701 Kraków",
    "logo_url": "https://rowerownia.pl/logo.png",
    "accent": "#1f3d37",
    "accent_text": "#ffffff",
    "note": "",
}

_CUSTOMER: CustomerContext = {
    "name": "Anna Wiśniewska",
    "first_name": "Anna",
    "email": "anna.wisniewska@wp.pl",
}

_ADDRESS = ["Anna Wiśniewska", "ul. Lipowa 14/6", "30-702 Kraków"]


def _order_pl() -> OrderContext:
    return {
        "number": "10482",
        "placed_at": "2026-11-20T10:02:11+01:00",
        "currency": "PLN",
        "items": [
            _item("Gravel Kross Esker 4.0", "Rozmiar M, oliwkowy", "GKE-40", "1", ("3899.00",) * 2),
            _item("Kask Giro Register MIPS", "54–61 cm, czarny mat", "KGR-M", "1", ("269.00",) * 2),
            _item("Bidon Elite Fly 750 ml", "Przezroczysty", "BEF-75", "2", ("25.00", "50.00")),
        ],
        "subtotal": "4218.00",
        "shipping_cost": "0.00",
        "discount": "0.00",
        "tax_total": "788.73",
        "total": "4218.00",
        "payment_method": "BLIK",
        "payment_state": "paid",
        "shipping_method": "Kurier InPost",
        "pickup_point": "",
        "delivery_address": _ADDRESS,
        "billing_address": _ADDRESS,
        "note": "",
        "url": "https://rowerownia.pl/z/10482/8Kq2ZrTn",
        "invoice_url": "",
        "carrier": "InPost",
        "tracking_number": "620999680123456789012345",
        "tracking_url": "https://inpost.pl/sledzenie?number=620999680123456789012345",
    }


def _order_en() -> OrderContext:
    order = _order_pl()
    order["items"] = [
        _item("Gravel bike Kross Esker 4.0", "Size M, olive", "GKE-40", "1", ("899.00",) * 2),
        _item("Helmet Giro Register MIPS", "54–61 cm, matt black", "KGR-M", "1", ("62.00",) * 2),
        _item("Bottle Elite Fly 750 ml", "Clear", "BEF-75", "2", ("5.75", "11.50")),
    ]
    order |= {
        "currency": "EUR",
        "subtotal": "972.50",
        "shipping_cost": "9.90",
        "discount": "20.00",
        "tax_total": "179.99",
        "total": "962.40",
        "payment_method": "Card",
        "shipping_method": "InPost locker",
        "pickup_point": "KRA01M, ul. Zabłocie 20, Kraków",
        "billing_address": ["Wiśniewska Design", "ul. Rynek 4", "30-001 Kraków"],
        "invoice_url": "https://rowerownia.pl/f/10482/4mP7sLwX",
    }
    return order


def _base(language: str) -> MessageContext:
    return {
        "locale": language,
        "currency": "PLN" if language == "pl" else "EUR",
        "time_zone": "Europe/Warsaw",
        "shop": _SHOP | {"note": _NOTES[language]},
        "customer": _CUSTOMER,
    }


_NOTES = {
    "pl": "Wpadnij też na wspólną jazdę: w każdą sobotę o 9:00 spod sklepu.",
    "en": "Join our ride, too: every Saturday at 9 from the shop.",
}
_TEXTS = {
    "pl": "rama w oliwkowym kolorze przyjedzie do nas w środę.\n\nCzy możemy wysłać ją w czwartek?",
    "en": "the olive frame reaches us on Wednesday.\n\nMay we send it on Thursday?",
}


def _sample(code: str, language: str) -> dict[str, object]:
    context = _base(language)
    if code == "customer.password_reset":
        context["link"] = "https://rowerownia.pl/haslo/9vXr2LqTz7"
        context["valid_minutes"] = 60
    else:
        context["order"] = _order_pl() if language == "pl" else _order_en()
    if code == "note":
        context["text"] = _TEXTS[language]
    return cast(dict[str, object], context)


SAMPLES: dict[str, dict[str, dict[str, object]]] = {
    code: {language: _sample(code, language) for language in ("en", "pl")}
    for code in ("order.placed", "order.paid", "order.shipped", "customer.password_reset", "note")
}
"""Code → language → context."""
