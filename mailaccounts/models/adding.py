"""How accounts come to be: the installation's own, a new shop's first, and those that staff add."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from mailaccounts.models.account import SenderAccount
from mailaccounts.models.kinds import AccountState, Kind
from shops.conf import conf
from shops.models import Shop


def system_account() -> SenderAccount:
    """The account of the installation itself, made on first use from the settings."""
    account, _created = SenderAccount.objects.get_or_create(
        shop=None,
        kind=Kind.SERVER,
        defaults={
            "label": "Postroom",
            "from_name": "Postroom",
            "from_address": conf.SYSTEM_SENDER_ADDRESS,
        },
    )
    return account


def add_default_account(shop: Shop) -> SenderAccount:
    """The account a new shop starts with: the installation's server under the shop's name."""
    return SenderAccount.objects.create(
        shop=shop,
        kind=Kind.SERVER,
        label=str(_("Default account")),
        from_name=shop.name[:78],
        from_address=conf.SYSTEM_SENDER_ADDRESS,
        reply_to=shop.contact_email,
        is_main=True,
        is_default=True,
    )


def add_account(account: SenderAccount) -> SenderAccount:
    """Saves a shop's new account; its first own one becomes the main account by itself."""
    with transaction.atomic():
        assert account.shop is not None
        Shop.objects.select_for_update().get(pk=account.shop.pk)
        first = account.state == AccountState.ACTIVE and account.is_first_own()
        account.is_main = False
        account.save()
        if first:
            account.make_main()
    return account
