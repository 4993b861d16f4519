"""The demo's side of a shop's own software: it places orders and asks for new passwords."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.db import transaction
from django.urls import reverse

from demo.catalogue import Person, ShopStock
from demo.load import make_order
from shops import signals
from shops.conf import conf
from shops.models import Customer, Order, Shop


def place(shop: Shop, stock: ShopStock, person: Person, articles: Sequence[int]) -> Order:
    """Places a real order under the shop's next number."""
    with transaction.atomic():
        # Two orders at once must not take one number.
        Shop.objects.select_for_update().get(pk=shop.pk)
        order, lines = make_order(shop, stock, person, _next_number(shop, stock), articles)
        return Order.place(order, lines)


def _next_number(shop: Shop, stock: ShopStock) -> str:
    known = Order.objects.for_shop(shop).values_list("number", flat=True)
    taken = [int(number) for number in known if number.isdecimal()]
    return str(max(taken, default=stock.first_number - 1) + 1)


def forget_password(shop: Shop, customer: Customer) -> None:
    """The shop's software has made a link; Postroom mails it."""
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        signals.password_reset_requested.send(
            Customer,
            shop=shop,
            to=customer.email,
            name=customer.name,
            language=customer.language,
            link=conf.PUBLIC_URL + reverse("demo:new_password", args=[shop.slug, token]),
            valid_minutes=60,
            occurrence=f"password:{token[:12]}",
        )
