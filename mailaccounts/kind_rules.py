"""What an account of each type may be: one set of rules for forms, the admin and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from mailaccounts.esp.providers import PROVIDERS, provider_of
from mailaccounts.models.kinds import AccountState, Kind

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount
# Above it a mailbox gets 432 4.3.2 "concurrent connections limit exceeded".
MICROSOFT_CONNECTIONS = 3


def problems(account: SenderAccount) -> dict[str, str]:
    """Field → why it cannot stay so, in plain words. Empty: the account obeys the rules.

    What is still missing in a draft is no problem; what its type forbids always is.
    """
    found = _forbidden(account)
    if account.state == AccountState.ACTIVE:
        # A stored secret of another server is cleared when the account is saved.
        found = {**_missing(account), **found}
    return found


def _forbidden(account: SenderAccount) -> dict[str, str]:
    found: dict[str, str] = {}
    kind = Kind(account.kind) if account.kind in Kind.values else None
    if kind is None:
        return {"kind": _("Choose one of the list.")}
    if account.copy_to and not kind.takes_copies:
        found["copy_to"] = _(
            "FreshMail sends no copies. Each would be one more paid message: leave this empty."
        )
    if account.imap_enabled and not kind.takes_imap:
        found["imap_enabled"] = _no_imap(kind)
    if account.ignore_certificate_errors and kind is not Kind.SMTP:
        found["ignore_certificate_errors"] = _(
            "Only for a server of your own: this type's certificates are always checked."
        )
    if kind is Kind.MICROSOFT and account.concurrency > MICROSOFT_CONNECTIONS:
        found["concurrency"] = _("Microsoft takes at most 3 connections of a mailbox at once.")
    if account.esp and account.esp not in PROVIDERS:
        found["esp"] = _("This provider is not known. Choose one of the list.")
    if account.esp and kind is not Kind.ESP:
        found["esp"] = _("Only accounts of the type “another provider” have one.")
    return found


def _no_imap(kind: Kind) -> str:
    if kind is Kind.FRESHMAIL:
        return _("FreshMail has no mailbox to file sent messages in.")
    return _("%s files what it sends by itself; a second copy would appear there.") % kind.label


def _missing(account: SenderAccount) -> dict[str, str]:
    if account.kind == Kind.ESP and not account.esp:
        return {"esp": _("Choose the provider of this account.")}
    provider = provider_of(account)
    return provider.problems(account) if provider else {}
