"""What sender accounts do when something happens in a shop."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from mailaccounts.models import add_default_account
from shops.models import Shop


@receiver(post_save, sender=Shop, dispatch_uid="mailaccounts.default_account")
def give_new_shop_its_account(instance: Shop, created: bool, raw: bool, **kwargs: Any) -> None:
    if created and not raw:
        add_default_account(instance)
