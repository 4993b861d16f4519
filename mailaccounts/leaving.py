"""How an account goes for good, and how a second one is made from it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from mailaccounts.models import AccountRefusal, AccountState, Kind, SenderAccount
from mailaccounts.signals import say_left
from shops.secrets import UnreadableSecret

SECRETS = ("password", "imap_password", "oauth_refresh_token", "oauth_access_token")
LONGEST_LABEL = 80
# What a copy of an account does not take over: what it is itself, and how it has been doing.
_OWN = {
    *("id", "label", "is_main", "copy_to", "created_at", "deleted_at", "wake", "last_used_at"),
    *("breaker", "breaker_reason", "net_failures", "auth_failures", "next_try_at"),
    *("last_test_at", "last_test_ok", "imap_failures", "imap_error", "imap_next_try_at"),
    *("imap_seen_at", *SECRETS),
    *("oauth_access_expires_at", "oauth_signed_in_at", "oauth_ends_at", "oauth_scope"),
}


def remove(account: SenderAccount) -> dict[str, int]:
    """Deletes ``account``: its row stays, because the log names it, without its secrets.

    Returns how many "messages" that waited and "assignments" went to the main account. Raises
    ``AccountRefusal`` for the shop's main or only account.
    """
    with account.locked():
        _refuse_removal(account)
        account.state, account.deleted_at = AccountState.DELETED, timezone.now()
        account.save(update_fields=["state", "deleted_at"])
        # Receivers find the secrets still there: a sign-in elsewhere is taken back with its token.
        given = say_left(account)
        cleared: dict[str, Any] = {**dict.fromkeys(SECRETS, ""), "imap_enabled": False}
        for name, value in (cleared | {"oauth_access_expires_at": None}).items():
            setattr(account, name, value)
        account.save(update_fields=[*cleared, "oauth_access_expires_at"])
        SenderAccount.objects.filter(fallback=account).update(fallback=None)
    return given


def _refuse_removal(account: SenderAccount) -> None:
    if account.shop_id is None or account.state == AccountState.DELETED:
        raise AccountRefusal(_("This account cannot be changed here."))
    others = SenderAccount.objects.usable().filter(shop=account.shop_id).exclude(pk=account.pk)
    if account.state == AccountState.ACTIVE and not others.exists():
        raise AccountRefusal(_("It is the shop's only account. Add another one first."))
    if account.is_main:
        raise AccountRefusal(_("Make another account the main one first."))


def duplicate(account: SenderAccount) -> SenderAccount:
    """A second account that sends from the same address over the same server.

    The secrets are copied, because they belong to that server; addresses for copies are not. At
    Google and Microsoft somebody has to sign in for it: it begins as a draft. Raises
    ``AccountRefusal`` unless ``account`` is an active one of a shop.
    """
    if account.shop_id is None or account.state != AccountState.ACTIVE:
        raise AccountRefusal(_("Only an account that is switched on can be copied."))
    columns = {field.attname for field in SenderAccount._meta.concrete_fields} - _OWN
    copy = SenderAccount(**{name: getattr(account, name) for name in columns})
    ending = _(" (copy)")
    copy.label = f"{account.label[: LONGEST_LABEL - len(ending)]}{ending}"
    if Kind(account.kind).logs_in_elsewhere:
        # Two rows with one refresh token would take it away from each other when it rotates.
        copy.state = AccountState.DRAFT
    for name in () if Kind(account.kind).logs_in_elsewhere else SECRETS:
        value = getattr(account, name)
        if not isinstance(value, UnreadableSecret):
            copy.set_secret(name, value)
    copy.save(force_insert=True)
    return copy
