"""The DKIM line of what leaves through an account whose signature is ours to put.

It is made before the gate, kept in ``Delivery.wire_headers`` and made anew only when the account,
the key or the content has changed. A signature that cannot be made never keeps a message back.
"""

from __future__ import annotations

import logging
import re
import time
from functools import lru_cache

from django.db import Error as DatabaseError
from django.urls import reverse
from django.utils.translation import gettext as _

from mailaccounts.dkim import KEY_ALARM, SigningFailed, SigningKey, kept_signing_keys, sign
from mailaccounts.models import Kind, SenderAccount, SenderDomain
from maillog import pipeline, wire_form
from maillog.models import Delivery, MailMessage
from shops.addresses import EmailAddressInvalid, domain_to_ascii
from shops.alarms import raise_alarm

logger = logging.getLogger(__name__)

LINE = "DKIM-Signature"
UNSIGNED = "unsigned"  # a code of ``MailMessage.notes``
_MADE_AT = re.compile(r"\bt=(\d+);")


class Signer:
    """Signs what one session sends. Its shop's keys are asked for now and then, not each time."""

    def __init__(self, account: SenderAccount) -> None:
        self._account = account
        self._signs = account.shop_id is not None and Kind(account.kind).signs_here
        self._failed: set[str] = set()

    def sign(self, batch: list[pipeline.Claim]) -> None:
        """Signs the batch and stores the lines in one commit, before any gate is opened."""
        keys = self._current_keys()
        concerned = [
            each for each in batch if _key_for(each.delivery, keys) or _lines(each.delivery)
        ]
        changed = [each.delivery for each in concerned if self._renew(each, keys)]
        wire_form.store_headers(changed)

    def _current_keys(self) -> dict[str, SigningKey]:
        if not self._signs or self._account.shop_id is None:
            return {}
        return kept_signing_keys(self._account.shop_id)

    def _renew(self, claim: pipeline.Claim, keys: dict[str, SigningKey]) -> bool:
        """Puts, replaces or removes the line; True if that changed what is stored."""
        delivery = claim.delivery
        before, as_stored = delivery.wire_headers, wire_form.place(delivery)
        old = _lines(delivery)
        delivery.wire_headers = [pair for pair in before if pair[0] != LINE]
        try:
            content = pipeline.process(claim).content
        except DatabaseError:
            raise
        except Exception as reason:
            # It goes nowhere; the session meets the same again and writes it down.
            logger.debug("delivery %s is not signed: %r", delivery.pk, reason)
            delivery.wire_headers = before
            return False
        key = _key_for(delivery, keys)
        value = self._value(delivery, content, key, old[0] if old else "") if key else ""
        if value:
            delivery.wire_headers = [[LINE, value], *delivery.wire_headers]
        if wire_form.place(delivery) != as_stored:
            wire_form.store(delivery)
            return False
        return bool(delivery.wire_headers != before)

    def _value(self, delivery: Delivery, content: bytes, key: SigningKey, old: str) -> str:
        """The signature, the old one if it still is right; empty if none can be made."""
        try:
            made_at = _MADE_AT.search(old)
            if made_at and sign(content, key, int(made_at[1])) == old:
                return old
            return sign(content, key, int(time.time()))
        except SigningFailed as failure:
            self._note_failure(delivery.message, key, failure)
            return ""

    def _note_failure(self, message: MailMessage, key: SigningKey, why: SigningFailed) -> None:
        logger.error("message %s leaves unsigned: %s", message.pk, why)
        if UNSIGNED not in message.notes:
            message.notes = [*message.notes, UNSIGNED]
            MailMessage.objects.filter(pk=message.pk).update(notes=message.notes)
        if key.domain not in self._failed:
            self._failed.add(key.domain)
            self._raise_alarm(key.domain)

    def _raise_alarm(self, name: str) -> None:
        domain = SenderDomain.objects.select_related("shop").get(
            shop=self._account.shop_id, domain=name
        )
        try:
            raise_alarm(
                KEY_ALARM,
                shop=domain.shop,
                target=f"domain:{domain.pk}",
                title=_("Mail from %s leaves without its signature") % name,
                text=_(
                    "The stored DKIM key cannot be used. Mail goes on leaving, unsigned: some "
                    "receivers may treat it as unwanted. Make a new key for the domain."
                ),
                path=reverse("mailaccounts:domain", args=[domain.shop.slug, domain.pk]),
            )
        except DatabaseError:
            raise
        except Exception:
            # Telling people must not keep their mail back.
            logger.exception("the alarm about %s could not be raised", name)


def _lines(delivery: Delivery) -> list[str]:
    return [value for name, value in delivery.wire_headers if name == LINE]


def _key_for(delivery: Delivery, keys: dict[str, SigningKey]) -> SigningKey | None:
    return keys.get(_domain(delivery.message.from_address)) if keys else None


@lru_cache(maxsize=256)
def _domain(address: str) -> str:
    """The domain in A-labels, as keys have it; empty for what is no address."""
    try:
        return domain_to_ascii(address.rpartition("@")[2]).lower()
    except EmailAddressInvalid:
        return ""
