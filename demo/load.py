"""Loads the demo's shops: people, accounts, and the orders of the last days.

Nothing is faked: orders are placed, paid and shipped through the model, and their mail waits in
the outbox until the worker sends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.base import ContentFile
from django.db import transaction
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone

from demo.catalogue import BICYCLES, STOCKS, WOOL, Person, ShopStock
from demo.environment import FORMER_PASSWORD, HOST, SERVICE_ADDRESS
from demo.invoice import one_page
from mailaccounts.models import Kind, SenderAccount, TlsMode, add_account
from shops.conf import conf
from shops.documents.keeping import Handed, hand_in
from shops.models import Customer, Membership, Order, OrderLine, Role, Shop
from shops.models.document import DocumentKind
from shops.models.order_states import DeliveryState, OrderState
from templates_tx.models import TemplateAssignment

PICTURES = Path(__file__).resolve().parent.parent / "static" / "demo"
OWNER = "marta"
NOTE = "Koła do Twojego roweru przyszły dziś. Składamy go jutro rano."
CONNECTIONS = 6  # of each demo account; its server is patient and slow on purpose


@dataclass(frozen=True, slots=True)
class Past:
    """An order of the last days: who, which articles, how long ago, and how far it has come.

    ``steps`` of "invoiced", "paid", "preparing", "noted", "shipped", "delivered", "on_hold",
    "cancelled".
    """

    hours_ago: float
    person: int
    articles: tuple[int, ...]
    steps: str = ""
    note: str = ""


PAST = {
    BICYCLES.slug: (
        Past(148, 3, (4,), "paid shipped delivered"),
        Past(131, 1, (1, 3), "paid shipped delivered"),
        Past(124, 5, (5, 5), "paid shipped delivered"),
        Past(101, 4, (0, 4), "paid shipped delivered", "Please ring the bell twice."),
        Past(97, 2, (2, 2, 3), "cancelled"),
        Past(76, 0, (1,), "paid shipped"),
        Past(73, 3, (5, 2), "paid shipped"),
        Past(52, 0, (0,), "paid preparing noted"),
        Past(50, 1, (3,), "paid shipped"),
        Past(29, 2, (4, 2), "on_hold"),
        Past(26, 4, (1, 3, 2), "invoiced paid shipped"),
        Past(21, 0, (5, 5, 2), "paid preparing"),
        Past(7, 3, (3,), "paid"),
        Past(3, 5, (1, 4), ""),
        Past(1, 2, (2,), "paid", "Proszę zapakować na prezent."),
    ),
    WOOL.slug: (
        Past(122, 1, (1,), "paid shipped delivered"),
        Past(98, 0, (0, 0, 0, 4), "paid shipped delivered"),
        Past(74, 3, (3,), "paid shipped"),
        Past(49, 2, (2, 5), "paid shipped"),
        Past(25, 0, (0, 0), "paid preparing"),
        Past(4, 1, (5,), ""),
    ),
}


def load(smtp: str) -> None:
    """Fills an empty database; in one that is filled, only tells the accounts the new server."""
    if Shop.objects.filter(slug=BICYCLES.slug).exists():
        host, port = _split(smtp)
        SenderAccount.objects.filter(kind=Kind.SMTP, host=HOST).update(host=host, port=port)
        return
    with transaction.atomic():
        shops = {stock.slug: make_shop_of(stock, smtp, copies=True) for stock in STOCKS}
        _add_locked_out(shops[BICYCLES.slug], smtp)
        _make_staff(shops)
        for stock in STOCKS:
            _relive(shops[stock.slug], stock)


def make_shop_of(stock: ShopStock, smtp: str, *, copies: bool) -> Shop:
    """The shop with its logo and its own main account."""
    shop = Shop(
        slug=stock.slug,
        name=stock.name,
        domain=stock.domain,
        language=stock.language,
        currency=stock.currency,
        time_zone=stock.time_zone,
        contact_email=stock.contact,
        contact_phone=stock.phone,
        address=stock.address,
        accent=stock.accent,
    )
    with (PICTURES / stock.logo).open("rb") as logo:
        shop.logo.save(stock.logo, File(logo), save=True)
    _add_account(shop, stock, smtp)
    if copies:
        _turn_on(shop, "order.placed", copy_to_owner=True)
        _turn_on(shop, "order.paid")
    return shop


def _add_account(shop: Shop, stock: ShopStock, smtp: str) -> None:
    host, port = _split(smtp)
    add_account(
        SenderAccount(
            shop=shop,
            kind=Kind.SMTP,
            label=stock.name,
            from_name=stock.name,
            from_address=stock.sender,
            reply_to=stock.contact,
            host=host,
            port=port,
            tls_mode=TlsMode.NONE,
            concurrency=CONNECTIONS,
        )
    )


def _add_locked_out(shop: Shop, smtp: str) -> None:
    """An account whose password was changed at its server. Notes leave from it, and wait."""
    host, port = _split(smtp)
    account = add_account(
        SenderAccount(
            shop=shop,
            kind=Kind.SMTP,
            label="Serwis",
            from_name="Rowerownia Serwis",
            from_address=SERVICE_ADDRESS,
            host=host,
            port=port,
            username=SERVICE_ADDRESS,
            password=FORMER_PASSWORD,
            tls_mode=TlsMode.NONE,
        )
    )
    TemplateAssignment.objects.create(shop=shop, message_type="note", account=account)


def _turn_on(shop: Shop, code: str, *, copy_to_owner: bool = False) -> None:
    TemplateAssignment.objects.create(shop=shop, message_type=code, copy_to_owner=copy_to_owner)


def _split(smtp: str) -> tuple[str, int]:
    host, _colon, port = smtp.rpartition(":")
    return host.strip("[]"), int(port)


def _make_staff(shops: dict[str, Shop]) -> None:
    people = (
        (
            OWNER,
            "Marta",
            "Wilk",
            "demo.example",
            {BICYCLES.slug: Role.ADMIN, WOOL.slug: Role.ADMIN},
        ),
        ("piotr", "Piotr", "Maj", "demo.example", {BICYCLES.slug: Role.SENDER}),
        ("solveig", "Solveig", "Lie", "ullhuset.example", {WOOL.slug: Role.EDITOR}),
    )
    for name, first, last, domain, roles in people:
        user = User.objects.create_user(
            name,
            f"{name}@{domain}",
            first_name=first,
            last_name=last,
            # The owner runs the demo's installation too: the Django admin is open to her.
            is_staff=name == OWNER,
            is_superuser=name == OWNER,
        )
        for slug, role in roles.items():
            Membership.objects.create(user=user, shop=shops[slug], role=role)


def make_order(
    shop: Shop, stock: ShopStock, person: Person, number: str, articles: Sequence[int]
) -> tuple[Order, list[OrderLine]]:
    """An order that is not placed yet; ``articles`` are places in the stock, counted round."""
    chosen = [stock.articles[index % len(stock.articles)] for index in articles]
    lines = [
        OrderLine(
            sku=article.sku,
            name=article.name,
            variant=article.variant,
            quantity=Decimal(chosen.count(article)),
            unit_price=article.price,
            tax_rate=stock.tax,
            image_url=f"{conf.PUBLIC_URL}{static(f'demo/{article.picture}.png')}",
        )
        for article in dict.fromkeys(chosen)
    ]
    goods = sum((line.total for line in lines), Decimal(0))
    method, cost = stock.shipping
    order = Order(
        shop=shop,
        number=number,
        customer=customer_for(shop, person),
        language=person.language,
        currency=stock.currency,
        payment_method=stock.payments[len(person.first_name) % len(stock.payments)],
        shipping_method=method,
        shipping_cost=cost if goods < stock.free_from else Decimal(0),
        recipient_name=person.name,
        recipient_address=person.address,
        payer_name=person.name,
        payer_address=person.address,
        url=conf.PUBLIC_URL + reverse("demo:order", args=[shop.slug, number]),
    )
    return order, lines


def customer_for(shop: Shop, person: Person) -> Customer:
    customer, _created = Customer.objects.get_or_create(
        shop=shop,
        email=person.email,
        defaults={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "phone": person.phone,
            "language": person.language,
        },
    )
    return customer


def _relive(shop: Shop, stock: ShopStock) -> None:
    """Places the orders of the last days, in their order, and takes each as far as it has come."""
    now = timezone.now()
    for place, past in enumerate(PAST[stock.slug]):
        person = stock.people[past.person]
        number = str(stock.first_number + place)
        order, lines = make_order(shop, stock, person, number, past.articles)
        order.placed_at = now - timedelta(hours=past.hours_ago)
        order.note = past.note
        Order.place(order, lines)
        for step in past.steps.split():
            _take(order, step)


def _take(order: Order, step: str) -> None:
    if step == "invoiced":
        hand_in(order, _invoice(order))
    elif step == "paid":
        order.mark_paid()
        order.change_state("state", OrderState.ACCEPTED)
    elif step == "shipped":
        order.ship(*_parcel(order))
        order.change_state("state", OrderState.FULFILLED)
    elif step == "noted":
        order.write_note(NOTE, occurrence="demo", author="Piotr Maj")
    elif step == "delivered":
        order.change_state("delivery_state", DeliveryState.DELIVERED)
    else:
        order.change_state("state", step)


def _invoice(order: Order) -> Handed:
    number = f"FV/{order.number}/{order.placed_at:%Y}"
    lines = (
        f"{order.shop.name}: faktura / invoice {number}",
        f"Order {order.number}, {order.customer.name}",
        f"Total {order.total} {order.currency}",
    )
    return Handed(
        DocumentKind.INVOICE, ContentFile(one_page(lines)), f"faktura-{order.number}.pdf", number
    )


def _parcel(order: Order) -> tuple[str, str, str]:
    """Tracking link, parcel number and carrier."""
    if order.currency == "NOK":
        number = f"CS{order.number.zfill(9)}NO"
        return f"https://sporing.posten.no/sporing/{number}", number, "Posten"
    number = f"6201{order.number.zfill(20)}"
    return f"https://inpost.pl/sledzenie-przesylek?number={number}", number, "InPost"
