"""What silences a message, and above all what does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from maillog.hindrances import Hindrances, is_suppressed, look_up
from maillog.models import Suppression
from shops.models import ResetMark, Shop

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = timedelta(hours=1)


def asked(shop: Shop, *addresses: str) -> Hindrances:
    return look_up(shop, "order.placed", NOW, addresses)


@pytest.mark.parametrize(
    ("expires_at", "written_as", "stops"),
    [
        (None, "anna@klient.example", True),
        (NOW + HOUR, "anna@klient.example", True),
        (NOW - HOUR, "anna@klient.example", False),
        (None, "Anna@Klient.Example", True),
        (None, "hanna@klient.example", False),
        (None, "no address", False),
    ],
)
def test_a_suppression_holds_for_its_address_while_it_lasts(
    shop: Shop, expires_at: Any, written_as: str, stops: bool
) -> None:
    Suppression.objects.create(
        shop=shop, address="anna@klient.example", reason="hard", expires_at=expires_at
    )
    found = asked(shop, "else@klient.example", written_as)
    assert bool(found.suppressed) is stops and not found.is_reset
    if "@" in written_as:
        assert found.stops(written_as) is is_suppressed(shop, written_as) is stops
    assert not found.stops("else@klient.example")


def test_another_shops_suppression_is_its_own(shop: Shop, other_shop: Shop) -> None:
    Suppression.objects.create(shop=other_shop, address="anna@klient.example", reason="manual")
    assert asked(shop, "anna@klient.example") == Hindrances()
    assert asked(other_shop, "anna@klient.example").suppressed == {"anna@klient.example"}


@pytest.mark.parametrize(
    ("values", "is_reset"),
    [
        ({}, True),
        ({"imported_until": NOW + HOUR}, True),
        ({"imported_until": NOW - HOUR}, False),
        ({"undone_at": NOW}, False),
        ({"parameter": "order.paid"}, False),
    ],
)
def test_a_reset_mark_silences_its_message_up_to_its_moment(
    shop: Shop, other_shop: Shop, values: dict[str, Any], is_reset: bool
) -> None:
    facts = {"parameter": "order.placed", "imported_until": NOW, **values}
    ResetMark.objects.create(shop=shop, **facts)
    assert asked(shop, "anna@klient.example").is_reset is is_reset
    assert not asked(other_shop, "anna@klient.example").is_reset
    assert not look_up(shop, "order.placed", None, []).is_reset
