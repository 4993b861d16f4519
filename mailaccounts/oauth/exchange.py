"""The second half of a sign-in, in a task: the code becomes tokens, and the account goes on."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from mailaccounts.models import (
    AccountState,
    SenderAccount,
    SignInAttempt,
    SignInState,
    add_account,
)
from mailaccounts.oauth import failures, flow, giving_back, health
from mailaccounts.oauth.clients import Client, client_of_row
from mailaccounts.oauth.http import session_for
from mailaccounts.oauth.tokens import checked, stored_values
from shops.models import AuditEntry, Shop

TESTING_LASTS = timedelta(days=7)  # of a refresh token of a Google app in "Testing"
_COLUMNS = (
    *("oauth_client", "oauth_refresh_token", "oauth_access_token", "oauth_access_expires_at"),
    *("oauth_signed_in_at", "oauth_ends_at", "oauth_scope", "username"),
    *("from_address", "per_minute", "per_day", "concurrency"),
)


class _Failed(Exception):
    def __init__(self, failure: str, detail: str = "") -> None:
        super().__init__(failure)
        self.failure, self.detail = failure, detail


@dataclass(frozen=True, slots=True)
class Granted:
    """What the provider gave. ``repr`` leaves the tokens out."""

    client: Client
    answer: dict[str, Any] = field(repr=False)
    mailbox: str
    scope: str
    at: datetime


def exchange(attempt: SignInAttempt) -> None:
    """Fetch the tokens, check them, switch the account on. Does nothing the second time.

    No transaction is open while the provider is waited for.
    """
    returned = SignInAttempt.objects.filter(pk=attempt.pk, step=SignInState.RETURNED)
    if not returned.update(step=SignInState.EXCHANGING):
        return
    try:
        account = _signed_in(attempt)
    except _Failed as failed:
        flow.fail(attempt, SignInState.EXCHANGING, failed.failure, failed.detail)
        return
    except BaseException:
        flow.fail(attempt, SignInState.EXCHANGING, "net")
        raise
    health.check(account)


def _signed_in(attempt: SignInAttempt) -> SenderAccount:
    granted = _granted(attempt)
    try:
        return _keep(attempt, granted)
    except _Failed:
        _give_back(granted, attempt)
        raise


def _granted(attempt: SignInAttempt) -> Granted:
    client = client_of_row(attempt.provider, attempt.client)
    if client is None:
        raise _Failed("client")
    at = timezone.now()
    answer = _fetched(client, attempt)
    # RFC 6749 section 5.1: left out where it is what was asked for.
    scope = str(answer.get("scope") or " ".join(client.provider.scopes))
    claims = _claims(answer.get("id_token"), client)
    mailbox = str(claims.get("email") or claims.get("preferred_username") or "")
    granted = Granted(client, answer, mailbox[:254], scope, at)
    if not client.provider.may_send(scope):
        _give_back(granted, attempt)
        raise _Failed("scope")
    if not answer.get("refresh_token"):
        raise _Failed("offline")
    return granted


def _fetched(client: Client, attempt: SignInAttempt) -> dict[str, Any]:
    try:
        with session_for(client, redirect_uri=flow.redirect_uri()) as session:
            answer = session.fetch_token(
                client.provider.token_url, code=attempt.code, code_verifier=attempt.verifier
            )
            return checked(answer)
    except failures.ERRORS as error:
        secrets = (attempt.code, attempt.verifier, client.secret)
        raise _Failed(failures.failure_of(error), failures.said(error, *secrets)) from None


def _claims(id_token: Any, client: Client) -> dict[str, Any]:
    """What the id token says. It came from the provider's own token endpoint over TLS, which
    stands in for checking its signature (OpenID Connect Core section 3.1.3.7, item 6)."""
    try:
        payload = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        audience = claims.get("aud")
    except (ValueError, IndexError, AttributeError):
        return {}
    mine = client.client_id in (audience if isinstance(audience, list) else [audience])
    return claims if mine else {}


def _give_back(granted: Granted, attempt: SignInAttempt) -> None:
    """Without the permission to send we keep none of it."""
    token = str(granted.answer.get("refresh_token") or granted.answer["access_token"])
    giving_back.revoke_later(attempt.provider, granted.client.row, granted.mailbox, token)


def _keep(attempt: SignInAttempt, granted: Granted) -> SenderAccount:
    """Store the tokens, switch the account on or mend it, end the attempt: one transaction."""
    with transaction.atomic():
        # The shop first, as everywhere: two orders of locking would wait for each other.
        Shop.objects.select_for_update().get(sender_accounts=attempt.account_id)
        account = SenderAccount.objects.select_for_update().get(pk=attempt.account_id)
        if account.state == AccountState.DELETED or account.kind != attempt.provider:
            raise _Failed("gone")
        _fill_in(account, granted)
        account.save(update_fields=_COLUMNS)
        _go_on(account)
        AuditEntry.note(
            "account.signed_in",
            shop=account.shop,
            user=attempt.user,
            target=account,
            provider=attempt.provider,
            mailbox=account.username,
        )
        done: dict[str, Any] = {"step": SignInState.DONE, "ended_at": timezone.now()}
        done |= {"code": "", "verifier": "", "mailbox": account.username}
        SignInAttempt.objects.filter(pk=attempt.pk).update(**done)
    return account


def _fill_in(account: SenderAccount, granted: Granted) -> None:
    there, answer = granted.client.provider, granted.answer
    account.oauth_client = granted.client.row
    account.username = granted.mailbox or account.username or account.from_address
    account.from_address = account.from_address or granted.mailbox
    account.oauth_signed_in_at = granted.at
    account.oauth_ends_at = granted.at + TESTING_LASTS if granted.client.in_testing else None
    account.oauth_scope = granted.scope[:1000]
    for name, value in stored_values(answer, granted.at).items():
        if name.endswith("_token"):
            account.set_secret(name, value)
        else:
            setattr(account, name, value)
    if account.state == AccountState.DRAFT:
        account.per_minute = account.per_minute or there.per_minute
        account.per_day = account.per_day or there.daily_limit(account.username)
    account.concurrency = min(account.concurrency, there.concurrency)


def _go_on(account: SenderAccount) -> None:
    """A draft becomes an account, the first one the main one; what waits leaves."""
    if account.state == AccountState.DRAFT:
        account.state = AccountState.ACTIVE
        add_account(account)
    account.mend()
