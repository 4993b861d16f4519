"""How an account is doing, in words for shop staff; the list and the overview show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import AccountState, Breaker, Kind, SenderAccount

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Condition:
    """``tone`` is a colour of the panel's dots. ``title`` and ``advice`` say what happened and
    what to do where something is wrong; ``reply`` are the server's own words."""

    tone: str
    words: StrOrPromise
    title: StrOrPromise = ""
    advice: StrOrPromise = ""
    reply: str = ""

    @property
    def is_bad(self) -> bool:
        return bool(self.title)


def condition_of(account: SenderAccount) -> Condition:
    """What to say about ``account``."""
    if account.state == AccountState.DRAFT:
        return Condition("hol", _("Draft"))
    if account.state != AccountState.ACTIVE:
        return Condition("hol", _("Switched off"))
    if not account.is_troubled:
        return _resting(account)
    if account.breaker == Breaker.CLOSED and account.auth_failures:
        return Condition("bad", _("Log-in refused"), reply=account.breaker_reason)
    if account.breaker == Breaker.CLOSED:
        return Condition("warn", _("Trying again"), reply=account.breaker_reason)
    if account.auth_failures and Kind(account.kind).logs_in_elsewhere:
        name = account.get_kind_display()
        return Condition(
            "bad",
            _("Paused"),
            format_lazy(_("{provider} does not let us send"), provider=name),
            _(
                "Mail from this account waits, nothing is lost. Sign in again; then everything "
                "that waits is sent."
            ),
            account.breaker_reason,
        )
    if account.auth_failures:
        return Condition(
            "bad",
            _("Paused"),
            _("The server does not let us in"),
            _(
                "Mail from this account waits, nothing is lost. Enter the present password and "
                "check the user name; then everything that waits is sent."
            ),
            account.breaker_reason,
        )
    return Condition(
        "bad",
        _("Paused"),
        _("The server cannot be reached"),
        _(
            "Mail from this account waits, nothing is lost, and we try again by ourselves. Check "
            "the server's name, the port and the encryption if this goes on."
        ),
        account.breaker_reason,
    )


def _resting(account: SenderAccount) -> Condition:
    """A closed breaker with a next try is an account whose server has asked for a pause."""
    if account.next_try_at is None or account.next_try_at <= timezone.now():
        return Condition("ok", _("In order"))
    return Condition("warn", _("Limit reached, waiting"), reply=account.breaker_reason)
