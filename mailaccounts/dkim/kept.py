"""The keys in use of a shop, kept in the process for a few seconds.

A small shop's worker opens a session for each message, and each would ask for them. What is kept
may be that old and is still right: the record of a key that was replaced stays in DNS for a week.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from mailaccounts.dkim.keys import signing_keys
from mailaccounts.dkim.signature import SigningKey
from mailaccounts.models import DkimKey

KEPT = 15.0  # seconds
MOST = 256  # shops
_kept: dict[int, tuple[float, dict[str, SigningKey]]] = {}


def kept_signing_keys(shop_id: int) -> dict[str, SigningKey]:
    """As ``signing_keys``; at most one query in so many seconds for all threads of the process."""
    now = time.monotonic()
    found = _kept.get(shop_id)
    if found is not None and now - found[0] < KEPT:
        return found[1]
    keys = signing_keys(shop_id)
    if len(_kept) >= MOST:
        _kept.clear()
    _kept[shop_id] = (now, keys)
    return keys


def forget_keys() -> None:
    """From now on everything is looked up again."""
    _kept.clear()


@receiver((post_save, post_delete), sender=DkimKey)
def _forget_what_changed(**_facts: Any) -> None:
    forget_keys()
    # What another thread has looked up before the commit is old.
    transaction.on_commit(forget_keys)
