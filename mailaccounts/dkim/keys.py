"""The life of a key: made, found in DNS, in use, retiring for a week, retired.

A key signs only once its record is in DNS, and its record is needed until the last mail signed
with it has been read by the receiver's server. So a change of keys has no gap on either side.
"""

from __future__ import annotations

import secrets
import string
from base64 import b64encode
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.db import transaction
from django.utils import timezone

from mailaccounts.dkim.signature import SigningKey
from mailaccounts.models import DkimKey, KeyState, SenderDomain
from shops.alarms import clear_alarm
from shops.models import Shop

# RFC 8301 section 3.2; longer keys do not fit every receiver, and double the record.
KEY_SIZE = 2048
KEPT_IN_DNS = timedelta(days=7)
KEY_ALARM = "domain.dkim_key"
IN_DNS = (KeyState.NEW, KeyState.ACTIVE, KeyState.RETIRING)


@dataclass(frozen=True, slots=True)
class Advance:
    """What one look at DNS changed."""

    activated: DkimKey | None = None
    retired: int = 0
    # Mail is signed with this key, and its record is not (or no longer) in DNS.
    lost: DkimKey | None = None


def new_key(domain: SenderDomain) -> DkimKey:
    """A key that waits for its record; the one that waits already, if there is one."""
    return make_key(domain)[0]


def make_key(domain: SenderDomain) -> tuple[DkimKey, bool]:
    """As ``new_key``, and whether it was made just now."""
    waiting = domain.keys.filter(state=KeyState.NEW).first()
    if waiting is not None:
        return waiting, False
    pair = generate_private_key(public_exponent=65537, key_size=KEY_SIZE)
    private = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = pair.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with _locked(domain):
        waiting = domain.keys.filter(state=KeyState.NEW).first()
        if waiting is not None:
            return waiting, False
        made = DkimKey.objects.create(
            domain=domain,
            selector=_free_selector(domain),
            private_key=private.decode(),
            public_key=b64encode(public).decode(),
        )
        return made, True


def drop_new_key(domain: SenderDomain) -> bool:
    """Gives up the change of keys: the key that waits is removed. True if there was one."""
    with _locked(domain):
        return bool(domain.keys.filter(state=KeyState.NEW).delete()[0])


def activate(key: DkimKey) -> bool:
    """From now on mail is signed with this key; only for one whose record was just found in DNS.

    False if it does not wait any more.
    """
    now = timezone.now()
    with _locked(key.domain):
        if not DkimKey.objects.filter(pk=key.pk, state=KeyState.NEW).exists():
            return False
        key.domain.keys.filter(state=KeyState.ACTIVE).update(
            state=KeyState.RETIRING, retired_at=now
        )
        key.state, key.activated_at, key.found_at = KeyState.ACTIVE, now, now
        key.save(update_fields=["state", "activated_at", "found_at"])
    return True


def advance_keys(domain: SenderDomain, found: Collection[str]) -> Advance:
    """Moves the keys on after a check; ``found`` names the selectors whose record holds our key.

    Not to be called when DNS did not answer: silence is not absence. Safe to call twice.
    """
    keys = domain.keys.filter(state__in=IN_DNS)
    keys.filter(selector__in=found).update(found_at=timezone.now())
    waiting = keys.filter(state=KeyState.NEW, selector__in=found).first()
    activated = waiting if waiting is not None and activate(waiting) else None
    in_use = keys.filter(state=KeyState.ACTIVE).first()
    if in_use is not None and len(in_use.private_key):  # an unreadable one is empty
        clear_alarm(KEY_ALARM, shop=domain.shop, target=f"domain:{domain.pk}")
    is_lost = in_use is not None and in_use.selector not in found
    return Advance(activated, _retire(domain), in_use if is_lost else None)


def _retire(domain: SenderDomain) -> int:
    """Retires what has been kept long enough, and forgets its private half."""
    long_ago = timezone.now() - KEPT_IN_DNS
    over = domain.keys.filter(state=KeyState.RETIRING, retired_at__lte=long_ago)
    return over.update(state=KeyState.RETIRED, private_key="")


def signing_keys(shop: Shop | int) -> dict[str, SigningKey]:
    """The key in use of each domain of the shop, by domain: one query."""
    rows = DkimKey.objects.filter(domain__shop=shop, state=KeyState.ACTIVE)
    return {
        domain: SigningKey(domain, selector, private_key)
        for domain, selector, private_key in rows.values_list(
            "domain__domain", "selector", "private_key"
        )
    }


def _free_selector(domain: SenderDomain) -> str:
    """Like ``pr202611x7qk``. No other shop's either: two shops may send from one domain."""
    letters = string.ascii_lowercase + string.digits
    while True:
        tail = "".join(secrets.choice(letters) for _ in range(4))
        selector = f"pr{timezone.now():%Y%m}{tail}"
        taken = DkimKey.objects.filter(domain__domain=domain.domain, selector=selector)
        if not taken.exists():
            return selector


@contextmanager
def _locked(domain: SenderDomain) -> Iterator[None]:
    """Holds the domain's row: two clicks, or a click and the hourly check, go one by one."""
    with transaction.atomic():
        SenderDomain.objects.select_for_update().get(pk=domain.pk)
        yield
