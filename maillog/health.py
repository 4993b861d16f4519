"""An account's breaker: closed → open (5 network failures in a row, 2 refused log-ins) →
half-open (one real message) → closed. Kept in the account's row, so every worker obeys it.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from mailaccounts.account_alarms import account_broke
from mailaccounts.models import Breaker, SenderAccount
from mailaccounts.transports.base import AccountTrouble, AnswerClass, Outcome
from maillog import claims, retry
from maillog.models import Delivery, Suppression
from shops.addresses import normalise
from shops.conf import conf

NET_FAILURES_TO_OPEN = 5
AUTH_FAILURES_TO_OPEN = 2
SUPPRESS_FOR = timedelta(days=30)


def begin(account: SenderAccount) -> int | None:
    """Called before a session claims. Returns how many deliveries it may take at once.

    An account in trouble is tried with one message, by one session: moving the breaker from open
    to half-open is the lock. None: somebody else is trying, staff must mend it first, or a session
    from before is at work still. How many there may be is asked when the first is claimed.
    """
    if account.breaker == Breaker.OPEN:
        if claims.sessions_of(account.pk) >= account.concurrency:
            return None
        taken = SenderAccount.objects.filter(
            pk=account.pk, breaker=Breaker.OPEN, next_try_at__lte=Now()
        ).update(breaker=Breaker.HALF_OPEN, next_try_at=None)
        if not taken:
            return None
        account.breaker = Breaker.HALF_OPEN
        return 1
    return 1 if account.is_troubled else conf.CLAIM_BATCH


def note_outcome(account: SenderAccount, delivery: Delivery, outcome: Outcome) -> None:
    """What an answer to one delivery says about its account and its address.

    An answer that speaks of the account itself ends the session and comes by ``note_trouble``.
    """
    if outcome.answer == AnswerClass.SENT:
        if account.is_troubled:
            account.mend()
    elif outcome.answer == AnswerClass.RECIPIENT and outcome.enhanced.startswith("5.1."):
        _suppress(delivery, outcome)


def note_trouble(account: SenderAccount, trouble: AccountTrouble) -> None:
    """Counts a failure of the session itself and decides when the account is tried again."""
    now = timezone.now()
    values: dict[str, object] = {"breaker_reason": trouble.text[:2000]}
    if trouble.answer == AnswerClass.QUOTA:
        values["next_try_at"] = now + retry.quota_pause(trouble.retry_after)
    elif trouble.answer == AnswerClass.AUTH:
        account.auth_failures += 1
        is_open = account.auth_failures >= AUTH_FAILURES_TO_OPEN
        values |= {
            "auth_failures": F("auth_failures") + 1,
            "breaker": Breaker.OPEN if is_open else account.breaker,
            "next_try_at": None if is_open else now + retry.account_pause(1),
        }
    else:
        account.net_failures += 1
        is_open = account.net_failures >= NET_FAILURES_TO_OPEN
        values |= {
            "net_failures": F("net_failures") + 1,
            "breaker": Breaker.OPEN if is_open else Breaker.CLOSED,
            "next_try_at": now + retry.account_pause(account.net_failures),
        }
    SenderAccount.objects.filter(pk=account.pk).update(**values)
    if values.get("breaker") == Breaker.OPEN:
        account.breaker, account.breaker_reason = Breaker.OPEN, trouble.text[:2000]
        account_broke(account)


def _suppress(delivery: Delivery, outcome: Outcome) -> None:
    """The address does not exist: it is not written to for a while (RFC 3463 section 3.2).

    In test mode the server spoke of the test address, not of the customer's. What staff or a
    complaint suppressed for good stays as it is.
    """
    shop_id, address = delivery.message.shop_id, normalise(delivery.address)
    if shop_id is None or normalise(delivery.envelope_to or delivery.address) != address:
        return
    values = {
        "reason": Suppression.Reason.HARD,
        "detail": outcome.text[:2000],
        "expires_at": timezone.now() + SUPPRESS_FOR,
    }
    rows = Suppression.objects.filter(shop_id=shop_id, address=address)
    _row, is_new = rows.get_or_create(shop_id=shop_id, address=address, defaults=values)
    if not is_new:
        rows.filter(expires_at__isnull=False).update(**values)
