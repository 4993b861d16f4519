"""An account's access token: the stored one while it is valid, else a new one, fetched once.

Access tokens live an hour; many sessions may notice at once that one has ended. Only one of them
may ask the provider, because it may replace the refresh token with each use and refuse the old.

The lock is a lease in the account's row, not ``SELECT … FOR UPDATE``: a row lock would keep a
transaction open while a server is waited for, and on SQLite that stops every other writer. Whoever
moves ``oauth_access_expires_at`` from what it has read to a moment a little ahead, and empties the
token, in one conditional UPDATE, renews. An empty token that has not expired therefore means
"somebody is at it until then". A process that dies in the middle leaves a lease that lapses.
The answer is stored, refresh token and all, while the lease holds, and after it too as long as the
row has the refresh token that was used: the provider may have ended that one with its answer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from mailaccounts.models import SenderAccount
from mailaccounts.oauth import failures
from mailaccounts.oauth.clients import Client, client_of
from mailaccounts.oauth.http import LONGEST_SECONDS, session_for
from mailaccounts.oauth.providers import provider
from mailaccounts.transports.base import AccountTrouble, AnswerClass, Phase
from shops.secrets import UnreadableSecret

MARGIN = timedelta(seconds=90)  # a token must live this long to be worth using
LOOK_UP_SECONDS = 30.0  # for the provider's name; the C library tries for so long, unasked
LEASE = timedelta(seconds=LONGEST_SECONDS + LOOK_UP_SECONDS + 5)
UNSAID_LIFETIME = 600  # seconds, where a provider does not say how long a token lives
LOOK_AGAIN = 0.05  # seconds


def access_token(account: SenderAccount, *, refused: str = "") -> str:
    """A token that is valid now; ``refused`` is one that the mail server did not take.

    May ask the provider: call it outside transactions. Raises ``AccountTrouble``: AUTH where
    somebody must sign in again, NET where the provider cannot be reached.
    """
    ends = time.monotonic() + LEASE.total_seconds() + 1
    while time.monotonic() < ends:
        kept = _read(account)
        if kept.is_usable(refused):
            return kept.access
        if kept.is_being_renewed:
            time.sleep(LOOK_AGAIN)
        elif lease := _take(account, kept):
            return _renewed(account, kept, lease)
    name = provider(account.kind).name
    text = _("%s does not answer as it should just now.") % name
    raise AccountTrouble(AnswerClass.NET, text, phase=Phase.LOGIN)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the row holds, and the database's time. ``repr`` leaves the tokens out."""

    refresh: str = field(repr=False)
    access: str = field(repr=False)
    expires_at: datetime | None
    now: datetime

    def is_usable(self, refused: str) -> bool:
        if self.expires_at is None or self.expires_at <= self.now + MARGIN:
            return False
        if isinstance(self.access, UnreadableSecret):
            return False
        return bool(self.access) and self.access != refused

    @property
    def is_being_renewed(self) -> bool:
        return not self.access and self.expires_at is not None and self.expires_at > self.now


def _read(account: SenderAccount) -> _Kept:
    """Raises ``AccountTrouble`` where there is nothing to renew from."""
    names = ("oauth_refresh_token", "oauth_access_token", "oauth_access_expires_at")
    row = SenderAccount.objects.filter(pk=account.pk).values_list(*names, Now()).get()
    kept = _Kept(*row)
    if isinstance(kept.refresh, UnreadableSecret):
        text = _("The stored sign-in can no longer be read. Sign in again.")
        raise AccountTrouble(AnswerClass.AUTH, text, phase=Phase.LOGIN)
    if not kept.refresh:
        raise failures.sign_in_again(provider(account.kind).name)
    return kept


def _take(account: SenderAccount, kept: _Kept) -> datetime | None:
    """Become the one that renews; returns the end of the lease, None if another was quicker."""
    lease = kept.now + LEASE
    rows = SenderAccount.objects.filter(pk=account.pk, **_as_read(kept.expires_at))
    taken = rows.update(oauth_access_token="", oauth_access_expires_at=lease)
    return lease if taken else None


def _as_read(expires_at: datetime | None) -> dict[str, Any]:
    if expires_at is None:
        return {"oauth_access_expires_at__isnull": True}
    return {"oauth_access_expires_at": expires_at}


def _renewed(account: SenderAccount, kept: _Kept, lease: datetime) -> str:
    mine = SenderAccount.objects.filter(pk=account.pk, oauth_access_expires_at=lease)
    try:
        client = _client(account)
        answer = _ask(client, kept.refresh)
    except BaseException as error:
        is_mine = mine.update(oauth_access_expires_at=None)
        if isinstance(error, AccountTrouble) and not is_mine and _has_moved_on(account, kept):
            # Refused, because another has used it meanwhile: what that one stored counts.
            return access_token(account)
        raise
    values = stored_values(answer, kept.now)
    token: str = values["oauth_access_token"]
    if not mine.update(**values) and not _store_late(account, kept, values):
        # Somebody has signed in or disconnected meanwhile: what they stored counts.
        return access_token(account, refused=token)
    return token


def _has_moved_on(account: SenderAccount, kept: _Kept) -> bool:
    return _read(account).refresh != kept.refresh


def _store_late(account: SenderAccount, kept: _Kept, values: dict[str, Any]) -> bool:
    """The lease was over: True if the row still has the refresh token that was used, and it is
    stored. Compared in clear, because equal secrets are encrypted differently."""
    mine = SenderAccount.objects.filter(pk=account.pk)
    with transaction.atomic():
        rows = mine.select_for_update().values_list("oauth_refresh_token", flat=True)
        if rows.get() != kept.refresh:
            return False
        return bool(mine.update(**values))


def _client(account: SenderAccount) -> Client:
    account = SenderAccount.objects.select_related("oauth_client").get(pk=account.pk)
    client = client_of(account)
    if client is None:
        text = _("There is no client id and secret for %s any more.") % provider(account.kind).name
        raise AccountTrouble(AnswerClass.AUTH, text, phase=Phase.LOGIN)
    return client


def _ask(client: Client, refresh: str) -> dict[str, Any]:
    """The provider's answer to the refresh token; raises ``AccountTrouble``."""
    try:
        with session_for(client) as session:
            answer = session.refresh_token(client.provider.token_url, refresh_token=refresh)
            return checked(answer)
    except failures.ERRORS as error:
        # "from None": the request's body, with the secrets in it, hangs on the original.
        raise failures.trouble(client, error, refresh, client.secret) from None


def checked(answer: Any) -> dict[str, Any]:
    """``answer`` if it holds an access token that fits a mail command; else ``ValueError``."""
    token = answer.get("access_token")
    if not isinstance(token, str) or not token or not token.isprintable() or not token.isascii():
        raise ValueError("the provider's answer has no access token")
    return dict(answer)


def stored_values(answer: dict[str, Any], asked_at: datetime) -> dict[str, Any]:
    """Columns for the account from a token endpoint's answer (RFC 6749 section 5.1).

    A new refresh token replaces the old one (section 6). ``refresh_token_expires_in`` is Google's,
    for apps in "Testing".
    """
    lifetime = timedelta(seconds=_seconds(answer.get("expires_in")) or UNSAID_LIFETIME)
    values: dict[str, Any] = {
        "oauth_access_token": answer["access_token"],
        # A token that lives shorter than the margin would be renewed for each connection.
        "oauth_access_expires_at": asked_at + max(lifetime, MARGIN + timedelta(seconds=5)),
    }
    if answer.get("refresh_token"):
        values["oauth_refresh_token"] = str(answer["refresh_token"])
    if ends_in := _seconds(answer.get("refresh_token_expires_in")):
        values["oauth_ends_at"] = asked_at + timedelta(seconds=ends_in)
    return values


def _seconds(value: Any) -> int:
    try:
        return min(max(int(value), 0), 10 * 365 * 86400)
    except (TypeError, ValueError):
        return 0
