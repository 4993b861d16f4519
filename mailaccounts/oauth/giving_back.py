"""Giving a permission back (RFC 7009): ours at once, at the provider by a task."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import transaction
from django.utils import timezone

from mailaccounts.models import OAuthClient, SenderAccount, TokenToRevoke
from mailaccounts.oauth import failures
from mailaccounts.oauth.clients import Client, client_of_row
from mailaccounts.oauth.http import session_for
from mailaccounts.oauth.providers import provider
from shops.models import AuditEntry
from shops.secrets import UnreadableSecret

GIVE_UP_AFTER = timedelta(days=2)
_BLANK: dict[str, Any] = {
    "oauth_refresh_token": "",
    "oauth_access_token": "",
    "oauth_access_expires_at": None,
    "oauth_signed_in_at": None,
    "oauth_ends_at": None,
    "oauth_scope": "",
}


def revoke(account: SenderAccount) -> bool:
    """Forget the account's tokens now and have the provider told; True if there were any.

    No request is made here: a web page may call it. A later disconnect or deletion calls it too.
    """
    with transaction.atomic():
        kept = SenderAccount.objects.select_for_update().get(pk=account.pk)
        token = kept.oauth_refresh_token
        SenderAccount.objects.filter(pk=account.pk).update(**_BLANK)
        for name, value in _BLANK.items():
            setattr(account, name, value)
        if token and not isinstance(token, UnreadableSecret):
            revoke_later(kept.kind, kept.oauth_client, kept.username, token)
    return bool(token)


def disconnect(account: SenderAccount, user: Any) -> None:
    """Staff's own click: as ``revoke``, and written down."""
    with transaction.atomic():
        revoke(account)
        AuditEntry.note("account.signed_out", shop=account.shop, user=user, target=account)


def revoke_later(key: str, row: OAuthClient | None, mailbox: str, token: str) -> None:
    """Have ``token`` revoked, unless another account lives on the same permission.

    Google knows one permission for each mailbox and client: with one token all of them end.
    """
    others = SenderAccount.objects.present().filter(
        kind=key, oauth_client=row, username__iexact=mailbox, oauth_signed_in_at__isnull=False
    )
    if not provider(key).revoke_url or others.exists():
        return
    waiting = TokenToRevoke.objects.create(provider=key, client=row, token=token)
    if apps.is_installed("django_q"):
        transaction.on_commit(lambda: _start(waiting.pk), robust=True)


def _start(pk: int) -> None:
    from django_q.tasks import async_task

    async_task("mailaccounts.oauth.tasks.tell_provider", pk)


def tell_provider(waiting: TokenToRevoke) -> bool:
    """One request; True if the provider knows now, or never will. Then the row is gone."""
    client = client_of_row(waiting.provider, waiting.client)
    readable = client is not None and not isinstance(waiting.token, UnreadableSecret)
    too_old = waiting.created_at < timezone.now() - GIVE_UP_AFTER
    if readable and not too_old and not _revoked(client, waiting.token):
        return False
    waiting.delete()
    return True


def _revoked(client: Client | None, token: str) -> bool:
    """False where it is worth trying again. A refusal is the end: it knows no such token."""
    if client is None:
        return True
    try:
        with session_for(client) as session:
            answer = session.revoke_token(client.provider.revoke_url, token=token)
            return bool(answer.status_code < 500)
    except failures.ERRORS as error:
        return failures.failure_of(error) != "net"
