"""Places an order as a shop's software would, with believable goods: to try things out."""

from __future__ import annotations

import random
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from shops.addresses import validate_address
from shops.models import Customer, Order, OrderLine, Shop
from shops.models.order_states import PaymentState
from shops.models.web_link import web_address

FIRST_NUMBER = 10001
TRIES = 20
# Under a domain that is reserved (RFC 2606 §2): no stranger gets mail from a trial.
SOMEBODY = "anna.wisniewska@customer.example"
EUROS = {"PLN": "4.30", "NOK": "11.50", "CZK": "25", "GBP": "0.86", "USD": "1.10", "SEK": "11.30"}
type Article = tuple[str, str, str, str]  # name, variant, article number, price in euros
GOODS: dict[str, tuple[Article, ...]] = {
    "pl": (
        ("Kask Giro Register MIPS", "54–61 cm, czarny mat", "KGR-M", "62.00"),
        ("Bidon Elite Fly 750 ml", "Przezroczysty", "BEF-75", "5.80"),
        ("Lampka przednia Knog Blinder", "600 lumenów", "LKB-600", "49.00"),
        ("Rękawiczki Chiba BioXCell", "Rozmiar L", "RCB-L", "27.50"),
    ),
    "nb": (
        ("Ullgenser Setesdal", "Str. M, koksgrå", "UGS-M", "119.00"),
        ("Raggsokker", "Str. 40–43", "RGS-40", "14.50"),
        ("Lue i merinoull", "Skogsgrønn", "LMU-G", "29.00"),
        ("Garn Peer Gynt 50 g", "Natur", "GPG-01", "6.20"),
    ),
    "en": (
        ("Helmet Giro Register MIPS", "54–61 cm, matt black", "KGR-M", "62.00"),
        ("Bottle Elite Fly 750 ml", "Clear", "BEF-75", "5.80"),
        ("Front light Knog Blinder", "600 lumens", "LKB-600", "49.00"),
        ("Gloves Chiba BioXCell", "Size L", "RCB-L", "27.50"),
    ),
}


class Command(BaseCommand):
    help = "Places an order in a shop and prints its number."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--shop", required=True, metavar="SLUG")
        parser.add_argument("--email", default=SOMEBODY, help="the buyer's address")
        parser.add_argument("--number", default="", help="the order's number; default: the next")
        parser.add_argument("--paid", action="store_true", help="it is paid already")
        parser.add_argument("--tracking-url", default="", help="its parcel has left already")

    def handle(self, *args: Any, **options: Any) -> None:
        shop = Shop.objects.filter(slug=options["shop"]).first()
        if shop is None:
            raise CommandError(f"--shop: there is no shop “{options['shop']}”")
        check("--email", validate_address, options["email"])
        if options["tracking_url"]:
            check("--tracking-url", web_address, options["tracking_url"])
        customer = buyer(shop, options["email"])
        for number in [options["number"]] if options["number"] else next_numbers(shop):
            order = draft(shop, customer, number, options)
            check_number(order)
            try:
                with transaction.atomic():
                    Order.place(order, lines(shop))
            except IntegrityError:
                continue  # Somebody else has just taken the number.
            self.stdout.write(order.number)
            return
        raise CommandError(f"--number: {options['number'] or 'no free number found'} is taken")


def check(option: str, validate: Any, value: str) -> None:
    """Raises ``CommandError`` that names ``option``."""
    try:
        validate(value)
    except ValidationError as error:
        raise CommandError(f"{option}: {' '.join(error.messages)}") from error


def check_number(order: Order) -> None:
    check(
        "--number",
        lambda number: Order._meta.get_field("number").clean(number, order),
        order.number,
    )


def buyer(shop: Shop, email: str) -> Customer:
    customer, _created = Customer.objects.get_or_create(
        shop=shop,
        email=email,
        defaults={"first_name": "Anna", "last_name": "Wiśniewska", "language": shop.language},
    )
    return customer


def next_numbers(shop: Shop) -> list[str]:
    """The numbers to try, beginning after the orders that there are."""
    first = FIRST_NUMBER + Order.objects.for_shop(shop).count()
    return [str(first + step) for step in range(TRIES)]


def draft(shop: Shop, customer: Customer, number: str, options: dict[str, Any]) -> Order:
    address = "ul. Lipowa 14/6\n30-702 Kraków" if shop.language == "pl" else "Storgata 5\n0155 Oslo"
    return Order(
        shop=shop,
        number=number,
        customer=customer,
        currency=shop.currency,
        payment_state=PaymentState.PAID if options["paid"] else PaymentState.UNPAID,
        payment_method="BLIK" if shop.currency == "PLN" else "Card",
        shipping_method="InPost" if shop.currency == "PLN" else "Posten",
        shipping_cost=price(shop, "3.50"),
        recipient_address=address,
        payer_address=address,
        tracking_url=options["tracking_url"],
        url=f"{shop.url}/order/{number}" if number.isalnum() and number.isascii() else "",
    )


def price(shop: Shop, euros: str) -> Decimal:
    """A price in the shop's currency, roughly."""
    return (Decimal(euros) * Decimal(EUROS.get(shop.currency, "1"))).quantize(Decimal("0.1"))


def lines(shop: Shop) -> list[OrderLine]:
    """One to three articles of the shop's kind."""
    goods = GOODS.get(shop.language, GOODS["en"])
    return [
        OrderLine(
            name=name,
            variant=variant,
            sku=sku,
            quantity=Decimal(random.choice((1, 1, 2))),
            unit_price=price(shop, euros),
            tax_rate=Decimal(25 if shop.language == "nb" else 23),
        )
        for name, variant, sku, euros in random.sample(goods, random.randint(1, 3))
    ]
