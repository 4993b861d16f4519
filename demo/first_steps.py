"""What ``demo`` does with Django before it hands over to the reader."""

from __future__ import annotations

from pathlib import Path

from django.core.management import call_command
from django.urls import reverse

from demo import sign_in, storefront
from demo.catalogue import BICYCLES
from demo.environment import SERVICE_ADDRESS
from demo.load import load as load_shops
from demo.sink_store import arrivals
from mailaccounts.account_test import diagnostics
from mailaccounts.models import SenderAccount
from maillog.models import MailMessage
from shops.models import Order, Shop


def load(data: Path, smtp: str) -> str:
    """Migrates, fills an empty database, and returns the path of the one sign-in link."""
    call_command("migrate", verbosity=0, interactive=False)
    load_shops(smtp)
    return reverse("demo:sign_in", args=[sign_in.new_token(data)])


def place_order() -> Order:
    """One order of today, as the storefront places it."""
    shop = Shop.objects.get(slug=BICYCLES.slug)
    return storefront.place(shop, BICYCLES, BICYCLES.people[0], [0, 1, 2, 2])


def test_locked_out() -> None:
    """A test of the account whose password was changed, as if its button had been pressed."""
    account = SenderAccount.objects.filter(from_address=SERVICE_ADDRESS).first()
    if account is not None and account.last_test_at is None:
        diagnostics.start(account, account.from_address, None)


def has_mail(data: Path, order: Order) -> bool:
    """True once the customer's confirmation of this order has arrived."""
    said = MailMessage.objects.for_shop(order.shop).filter(order_number=order.number)
    ids = said.values_list("message_id", flat=True)
    return any(arrivals(data / "mail")[each] for each in ids)
