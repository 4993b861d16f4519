"""The real orders that a preview can be made with."""

from __future__ import annotations

from shops.models import Order, Shop
from shops.search_text import fold
from shops.storable import storable

SHOWN = 20


def newest(shop: Shop, words: str = "") -> list[Order]:
    """The last orders, or the last of those whose number, name or address has all ``words``."""
    found = Order.objects.for_shop(shop).newest_first().select_related("customer")
    for word in fold(storable(words)).split()[:6]:
        found = found.filter(search__contains=word)
    return list(found[:SHOWN])


def by_number(shop: Shop, number: str) -> Order | None:
    if not number:
        return None
    found = Order.objects.for_shop(shop).filter(number=storable(number))
    return found.select_related("customer", "shop").first()
