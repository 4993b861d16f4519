"""What one click does to an account; the panel's buttons and the Django admin's actions call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from mailaccounts.domains import refusal_to_activate
from mailaccounts.leaving import duplicate, remove
from mailaccounts.models import AccountRefusal, Kind, SenderAccount
from shops.models import AuditEntry

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _behind_the_gate(act: Callable[[SenderAccount], Any]) -> Callable[[SenderAccount], Any]:
    """Only once SPF names this server, for accounts that send from it."""

    def guarded(account: SenderAccount) -> Any:
        if account.kind == Kind.SMTP and not account.host:
            raise AccountRefusal(_("Enter the server that sends the mail, then switch it on."))
        if Kind(account.kind).logs_in_elsewhere and not account.oauth_signed_in_at:
            raise AccountRefusal(_("Sign in first; then the account is switched on by itself."))
        if refusal := refusal_to_activate(account):
            raise AccountRefusal(refusal)
        return act(account)

    return guarded


# By name: what is done, what the audit calls it, what is said.
DEEDS: dict[str, tuple[Callable[[SenderAccount], Any], str, _StrPromise]] = {
    "make_main": (
        _behind_the_gate(SenderAccount.make_main),
        "made_main",
        _("%(address)s is the main account now."),
    ),
    "switch_off": (
        SenderAccount.switch_off,
        "switched_off",
        _("%(address)s is switched off."),
    ),
    "switch_on": (
        _behind_the_gate(SenderAccount.switch_on),
        "switched_on",
        _("%(address)s is switched on."),
    ),
    # Against the advice of the SPF check: for operators, and written down.
    "switch_on_anyway": (
        SenderAccount.switch_on,
        "switched_on_anyway",
        _("%(address)s is switched on although its SPF record is not in order."),
    ),
    "mend": (SenderAccount.mend, "retried", _("Mail from %(address)s is being tried again.")),
    "remove": (remove, "removed", _("%(address)s was deleted.")),
    "duplicate": (duplicate, "duplicated", _("%(address)s was copied.")),
}
OPERATORS_ONLY = frozenset({"switch_on_anyway"})


def do(deed: str, account: SenderAccount, user: Any) -> str:
    """Does ``deed``, one of ``DEEDS``, and notes who did it; returns what to say.

    Raises ``AccountRefusal``, whose text is for staff.
    """
    if deed in OPERATORS_ONLY and not getattr(user, "is_superuser", False):
        raise AccountRefusal(_("Only an operator of this installation may do that."))
    act, audited, text = DEEDS[deed]
    with transaction.atomic():
        done = act(account)
        facts = {"copy": done.pk} if isinstance(done, SenderAccount) else done or {}
        AuditEntry.note(f"account.{audited}", shop=account.shop, user=user, target=account, **facts)
    given = done if isinstance(done, dict) else {}
    return " ".join([text % {"address": account.from_address}, *_given_to_main(given)])


def _given_to_main(given: dict[str, int]) -> list[str]:
    """What the main account got from one that went."""
    said = []
    if count := given.get("assignments"):
        said.append(
            ngettext(
                "%(count)s message type now leaves from the main account.",
                "%(count)s message types now leave from the main account.",
                count,
            )
            % {"count": count}
        )
    if count := given.get("messages"):
        said.append(
            ngettext(
                "%(count)s message that waited leaves from the main account.",
                "%(count)s messages that waited leave from the main account.",
                count,
            )
            % {"count": count}
        )
    return said
