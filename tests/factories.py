"""Plain functions that make what a test needs, with believable defaults."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import ContentFile

from mailaccounts.models import SenderAccount, add_account
from shops.documents.keeping import Handed, hand_in
from shops.models import Customer, Membership, Order, OrderLine, Role, SalesDocument, Shop
from templates_tx.models import MessageTemplate, OwnMessageType, TemplateVersion

_numbers = count(1001)


def make_shop(**values: Any) -> Shop:
    """A Polish bicycle shop; its default account exists, as in every new shop."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "name": "Rowerownia",
        "slug": f"rowerownia-{number}",
        "domain": "rowerownia.example",
        "language": "pl",
        "currency": "PLN",
        "time_zone": "Europe/Warsaw",
        "contact_email": "kontakt@rowerownia.example",
    }
    return Shop.objects.create(**{**defaults, **values})


def make_user(shop: Shop | None = None, role: str = Role.ADMIN, **values: Any) -> User:
    """A person, member of ``shop`` with ``role`` if a shop is given. The password is "secret"."""
    name = f"person{next(_numbers)}"
    user = User.objects.create_user(
        **{"username": name, "email": f"{name}@staff.example", "password": "secret", **values}
    )
    if shop is not None:
        Membership.objects.create(user=user, shop=shop, role=role)
    return user


def make_operator(**values: Any) -> User:
    return make_user(None, is_superuser=True, is_staff=True, **values)


def make_account(shop: Shop, **values: Any) -> SenderAccount:
    """A shop's own SMTP account, saved as the panel saves it (the first becomes main)."""
    defaults: dict[str, Any] = {
        "shop": shop,
        "kind": "smtp",
        "label": "Sklep",
        "from_name": shop.name,
        "from_address": f"sklep@{shop.domain}",
        "host": "127.0.0.1",
        "port": 2525,
        "tls_mode": "none",
    }
    return add_account(SenderAccount(**{**defaults, **values}))


def make_customer(shop: Shop, **values: Any) -> Customer:
    defaults = {
        "email": f"anna{next(_numbers)}@klient.example",
        "first_name": "Anna",
        "last_name": "Wiśniewska",
        "phone": "+48 601 334 218",
        "language": "pl",
    }
    return Customer.objects.create(shop=shop, **{**defaults, **values})


def order_draft(shop: Shop, customer: Customer | None = None, **values: Any) -> Order:
    """An order that is not saved yet; give it to ``Order.place``."""
    defaults: dict[str, Any] = {
        "shop": shop,
        "number": str(next(_numbers)),
        "customer": customer or make_customer(shop),
        "currency": shop.currency,
        "shipping_method": "Kurier InPost",
        "payment_method": "BLIK",
        "recipient_address": "ul. Lipowa 14/6\n30-702 Kraków",
        "payer_address": "ul. Lipowa 14/6\n30-702 Kraków",
        "url": "https://rowerownia.example/zamowienie/1",
    }
    return Order(**{**defaults, **values})


def some_lines() -> list[OrderLine]:
    return [
        OrderLine(
            name="Kask Giro Register MIPS",
            variant="54–61 cm, czarny mat",
            sku="KASK-1",
            quantity=Decimal(1),
            unit_price=Decimal("269.00"),
            tax_rate=Decimal(23),
        ),
        OrderLine(
            name="Bidon Elite Fly 750 ml",
            variant="Przezroczysty",
            sku="BID-2",
            quantity=Decimal(2),
            unit_price=Decimal("25.00"),
            tax_rate=Decimal(23),
        ),
    ]


def place_order(shop: Shop, customer: Customer | None = None, **values: Any) -> Order:
    """A placed order with two lines; its messages are queued."""
    return Order.place(order_draft(shop, customer, **values), some_lines())


def make_template(shop: Shop, code: str = "order.placed", **words: str) -> MessageTemplate:
    """A shop's own Polish words for a message type, in use; ``words`` are its first version's."""
    template = MessageTemplate.objects.create(shop=shop, message_type=code, language="pl")
    new_version(template, **words)
    return template


def new_version(template: MessageTemplate, **words: str) -> TemplateVersion:
    """Saves ``words`` (``subject``, ``html``, ``text``) as what the shop uses from now on."""
    plain = {"subject": "Dziękujemy", "html": "<p>Dziękujemy</p>", "text": "Dziękujemy"}
    template.current = template.versions.create(
        number=template.versions.count() + 1, **{**plain, **words}
    )
    template.save()
    return template.current


def make_own_type(shop: Shop, code: str = "own.points", **values: Any) -> OwnMessageType:
    """A message type that the shop made for itself, to an address that the caller names."""
    facts = {"name": "Punkty", "section": "orders", "to": "given", **values}
    return OwnMessageType.objects.create(shop=shop, code=code, **facts)


PDF = b"%PDF-1.4\n%%EOF\n"


def make_document(
    order: Order,
    number: str = "FV/12/2026",
    kind: str = "invoice",
    content: bytes = PDF,
    name: str = "faktura.pdf",
) -> SalesDocument:
    """A document as staff hand it in; other bytes under the same number make a new version."""
    return hand_in(order, Handed(kind, ContentFile(content), name, number))
