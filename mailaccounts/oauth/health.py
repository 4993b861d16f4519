"""When a sign-in will stop working, and what else about it deserves a word before it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from mailaccounts.models import AccountState, Kind, SenderAccount
from mailaccounts.oauth.clients import client_of
from mailaccounts.oauth.providers import FREE_GMAIL, provider
from shops.alarms import clear_alarm, raise_alarm, speaking_to

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ALARM = "account.sign_in_ends"
TOKEN_NOTICE = timedelta(days=2)
SECRET_NOTICE = timedelta(days=14)
MICROSOFT_HOSTS = ("office365.com", "outlook.com", "hotmail.com", "live.com")
APP_PASSWORDS = "https://myaccount.google.com/apppasswords"
SMTP_AUTH = "https://aka.ms/smtp_auth_disabled"


@dataclass(frozen=True, slots=True)
class AccountWarning:
    """Something that works today. ``url`` leads to where it is mended, empty if nowhere."""

    code: str
    title: StrOrPromise
    text: StrOrPromise
    url: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """The first thing that ends: the permission ("token") or the client's secret ("secret")."""

    what: str
    at: datetime

    @property
    def days(self) -> int:
        """Whole days that are left; negative once it is over."""
        return (self.at - timezone.now()) // timedelta(days=1)

    @property
    def is_over(self) -> bool:
        return self.at <= timezone.now()

    @property
    def is_near(self) -> bool:
        notice = SECRET_NOTICE if self.what == "secret" else TOKEN_NOTICE
        return self.at - timezone.now() <= notice


def ending_of(account: SenderAccount) -> Ending | None:
    """What ends first, as far as anybody has told us; None = nothing known ends.

    Microsoft's 90 days without use are not counted: an account that sends uses it.
    """
    if not Kind(account.kind).logs_in_elsewhere:
        return None
    client, endings = client_of(account), []
    if account.oauth_ends_at is not None:
        endings.append(Ending("token", account.oauth_ends_at))
    if client is not None and client.secret_expires_on is not None:
        endings.append(Ending("secret", _end_of(client.secret_expires_on)))
    return min(endings, key=lambda each: each.at, default=None)


def check(account: SenderAccount) -> None:
    """Raise the alarm of an account whose sign-in ends soon, or close it."""
    ending, target = ending_of(account), f"account:{account.pk}"
    signed_in = account.state == AccountState.ACTIVE and account.oauth_signed_in_at is not None
    with speaking_to(account.shop):
        if ending is not None and ending.is_near and signed_in:
            title, text = _words(account, ending)
            path = _path(account, ending)
            raise_alarm(ALARM, shop=account.shop, target=target, title=title, text=text, path=path)
        else:
            text = _("%s is signed in.") % account.from_address
            clear_alarm(ALARM, shop=account.shop, target=target, text=text)


def check_all() -> None:
    """Every account that signs in elsewhere, whatever its state: a switched-off one has none."""
    kinds = [kind for kind in Kind if kind.logs_in_elsewhere]
    rows = SenderAccount.objects.filter(kind__in=kinds).exclude(shop=None)
    for account in rows.select_related("shop", "oauth_client"):
        check(account)


def warnings_for(account: SenderAccount) -> list[AccountWarning]:
    """What the form, the list and the test say about an account that works, for now."""
    if account.kind == Kind.SMTP:
        return _of_password(account)
    if not Kind(account.kind).logs_in_elsewhere:
        return []
    return [*_of_sign_in(account), *_of_addresses(account)]


def _of_password(account: SenderAccount) -> list[AccountWarning]:
    if not account.username:
        return []
    if _is_at(account.host, MICROSOFT_HOSTS):
        return [
            AccountWarning(
                "microsoft_password",
                _("Microsoft switches passwords off"),
                _(
                    "From the end of December 2026 Microsoft refuses user name and password for "
                    "sending, unless an administrator switches it on again. Add the account as "
                    "“Microsoft” and sign in there instead."
                ),
                SMTP_AUTH,
            )
        ]
    if _is_at(account.host, FREE_GMAIL):
        return [
            AccountWarning(
                "gmail_password",
                _("Gmail wants an app password"),
                _(
                    "The mailbox's usual password does not work here. Make an app password, for "
                    "which two-step verification must be on, or add the account as “Google”."
                ),
                APP_PASSWORDS,
            )
        ]
    return []


def _of_sign_in(account: SenderAccount) -> list[AccountWarning]:
    found, client, name = [], client_of(account), provider(account.kind).name
    if account.oauth_signed_in_at is None:
        text = _("Nothing can be sent before somebody has signed in at %s.") % name
        found.append(AccountWarning("not_signed_in", _("Not signed in"), text))
    ending = ending_of(account)
    if ending is not None and ending.is_near:
        found.append(
            AccountWarning("sign_in_ends", *_words(account, ending), _path(account, ending))
        )
    if client is not None and client.in_testing:
        found.append(
            AccountWarning(
                "google_testing",
                _("The app is in “Testing” at Google"),
                _(
                    "Google ends the permission of such an app after seven days, every time. "
                    "Publish the app, or set its audience to “Internal” in Google Workspace."
                ),
                "https://console.cloud.google.com/auth/audience",
            )
        )
    return found


def _of_addresses(account: SenderAccount) -> list[AccountWarning]:
    mailbox = account.username
    if not mailbox or mailbox.lower() == account.from_address.lower():
        return []
    names = {"mailbox": mailbox, "sender": account.from_address}
    if account.kind == Kind.GOOGLE:
        text = _(
            "You signed in as %(mailbox)s. Google puts that address in place of %(sender)s, unless "
            "%(sender)s is among the “Send mail as” addresses of the mailbox."
        )
    else:
        text = _(
            "You signed in as %(mailbox)s. Microsoft refuses to send as %(sender)s, unless the "
            "mailbox has the right “Send as” for that address."
        )
    title = _("The mailbox is not the sender's address")
    return [AccountWarning("other_mailbox", title, text % names)]


def _words(account: SenderAccount, ending: Ending) -> tuple[str, str]:
    name = provider(account.kind).name
    facts = {
        "address": account.from_address,
        "provider": name,
        "date": date_format(timezone.localtime(ending.at), "DATE_FORMAT"),
    }
    if ending.what == "secret":
        title = _("The client secret for %(provider)s expired on %(date)s")
        if not ending.is_over:
            title = _("The client secret for %(provider)s expires on %(date)s")
        text = _("Make a new secret at %(provider)s and enter it; nobody has to sign in again.")
    else:
        title = _("%(address)s has to be signed in again: the permission ended on %(date)s")
        if not ending.is_over:
            title = _("%(address)s has to be signed in again by %(date)s")
        text = _("Open the account and sign in at %(provider)s. Until then its mail waits.")
        if not ending.is_over:
            text = _("Open the account and sign in at %(provider)s before its mail has to wait.")
    return title % facts, text % facts


def _path(account: SenderAccount, ending: Ending) -> str:
    """The page on which it is mended: the sign-in, or the client with its secret."""
    if account.shop is None:
        return ""
    if ending.what == "secret":
        kwargs: dict[str, object] = {"shop": account.shop.slug, "provider": account.kind}
        return reverse("mailaccounts:oauth_client", kwargs=kwargs)
    kwargs = {"shop": account.shop.slug, "pk": account.pk}
    return reverse("mailaccounts:account_sign_in", kwargs=kwargs)


def _end_of(day: date) -> datetime:
    """The beginning of the day it expires on: providers name the day, not the hour."""
    return datetime.combine(day, time.min, tzinfo=UTC)


def _is_at(host: str, domains: tuple[str, ...]) -> bool:
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)
