"""What sender accounts do when something happens in a shop."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from mailaccounts import technician
from mailaccounts.models import AccountState, Kind, SenderAccount, add_default_account
from mailaccounts.oauth import giving_back
from mailaccounts.signals import account_left
from shops.models import Shop


@receiver(post_save, sender=Shop, dispatch_uid="mailaccounts.default_account")
def give_new_shop_its_account(instance: Shop, created: bool, raw: bool, **kwargs: Any) -> None:
    if created and not raw:
        add_default_account(instance)


@receiver(account_left, dispatch_uid="mailaccounts.give_permission_back")
def give_permission_back(account: SenderAccount, **kwargs: Any) -> None:
    """A deleted account's permission at Google or Microsoft is taken back there too."""
    if account.state == AccountState.DELETED and Kind(account.kind).logs_in_elsewhere:
        giving_back.revoke(account)


@receiver(account_left, dispatch_uid="mailaccounts.end_technician_links")
def end_technician_links(account: SenderAccount, **kwargs: Any) -> None:
    """Who was asked about a deleted account is asked no more; one switched off may come back."""
    if account.state == AccountState.DELETED:
        technician.end_links_of(account)
