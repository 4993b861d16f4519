"""What people are told when an account stops sending, and when it sends again.

Neither is called while an account is in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from shops import alarms

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount

BROKEN = "account.broken"
MAILBOX = "account.imap"


def target_of(account: SenderAccount) -> str:
    return f"account:{account.pk}"


def account_broke(account: SenderAccount) -> None:
    """The breaker has opened, or a probe of an open one has failed again."""
    from mailaccounts.condition import condition_of  # imports the models, which import this

    with alarms.speaking_to(account.shop):
        condition = condition_of(account)
        said = _("The server said: %s") % account.breaker_reason if account.breaker_reason else ""
        about = ". ".join(str(part) for part in (condition.title, condition.advice) if part)
        alarms.raise_alarm(
            BROKEN,
            shop=account.shop,
            target=target_of(account),
            title=_("The account “%(account)s” is paused") % {"account": _named(account)},
            text="\n\n".join(part for part in (about, said) if part),
            path=_path(account),
            by_mail=account.shop_id is not None,
        )


def account_mended(account: SenderAccount) -> None:
    """It sends again, or somebody has set it right and it is being tried."""
    with alarms.speaking_to(account.shop):
        alarms.clear_alarm(
            BROKEN,
            shop=account.shop,
            target=target_of(account),
            title=_("The account “%(account)s” is no longer paused") % {"account": _named(account)},
            text=_("The mail that waited for it is being sent."),
        )


def mailbox_broke(account: SenderAccount, said: str) -> None:
    """Copies of sent mail are not filed. Under the bell only: no customer is concerned."""
    with alarms.speaking_to(account.shop):
        title = _("Sent mail of “%(account)s” is not filed in its mailbox")
        text = _("The sending goes on. Check server, user name and password of the mailbox.")
        alarms.raise_alarm(
            MAILBOX,
            shop=account.shop,
            target=target_of(account),
            title=title % {"account": _named(account)},
            text="\n\n".join((text, _("The server said: %s") % said)),
            path=_path(account),
            urgent=False,
        )


def mailbox_mended(account: SenderAccount) -> None:
    alarms.clear_alarm(MAILBOX, shop=account.shop, target=target_of(account))


def account_switched_off(account: SenderAccount) -> None:
    """Nothing leaves from it any more, and nobody expects it to."""
    with alarms.speaking_to(account.shop):
        alarms.clear_alarm(
            BROKEN,
            shop=account.shop,
            target=target_of(account),
            title=_("The account “%(account)s” is switched off") % {"account": _named(account)},
        )


def _named(account: SenderAccount) -> str:
    return account.label or account.from_address


def _path(account: SenderAccount) -> str:
    if account.shop is None:
        return ""
    kwargs = {"shop": account.shop.slug, "pk": account.pk}
    try:
        return reverse("mailaccounts:account_edit", kwargs=kwargs)
    except NoReverseMatch:  # somebody else's project without our pages
        return ""
