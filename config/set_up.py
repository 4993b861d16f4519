"""The steps from an empty shop to the first accepted message, for its overview."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from django.urls import reverse
from django.utils.translation import gettext as _

from mailaccounts.models import AccountState, DomainStatus, SenderAccount, SenderDomain
from maillog.models import MailMessage
from maillog.states import State
from shops.models import Role
from templates_tx.models import TemplateAssignment

if TYPE_CHECKING:
    from config.overview import Overview, SendingAccount


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the set-up list. ``url`` is empty where the reader's role may not do it."""

    label: str
    is_done: bool
    url: str = ""
    hint: str = ""


class SetUp:
    """The steps from an empty shop to the first accepted message."""

    SETTINGS: ClassVar[str] = "shops:settings"
    ACCOUNTS: ClassVar[str] = "mailaccounts:accounts"

    def __init__(self, page: Overview, accounts: list[SendingAccount]) -> None:
        self.page, self.shop = page, page.shop
        self.accounts = [each.account for each in accounts]

    @cached_property
    def own(self) -> list[SenderAccount]:
        """Accounts that the shop added itself and that may send."""
        return [
            each
            for each in self.accounts
            if not each.is_default and each.state == AccountState.ACTIVE
        ]

    def _test_url(self) -> str:
        """The test of the account that was not tested well yet, the main one first."""
        waiting = [each for each in self.own if not each.last_test_ok]
        account = min(waiting, key=lambda each: (not each.is_main, each.pk), default=None)
        if account is None:
            return ""
        if not self.page.may(Role.ACCOUNTS):
            return ""
        at = {"shop": self.shop.slug, "pk": account.pk}
        return reverse("mailaccounts:account_test", kwargs=at)

    def _has_domain_in_order(self) -> bool:
        good = (DomainStatus.PASS, DomainStatus.ATTENTION)
        names = {each.from_domain.lower() for each in self.own}
        rows = SenderDomain.objects.for_shop(self.shop).filter(domain__in=names)
        return rows.filter(spf_status__in=good).exists()

    def tasks(self) -> list[Task]:
        page = self.page
        return [
            Task(
                _("Fill in logo or address"),
                bool(self.shop.logo or self.shop.address),
                page.url(self.SETTINGS, Role.ACCOUNTS),
                _("They stand in every message"),
            ),
            Task(
                _("Add an e-mail account"),
                bool(self.own),
                page.url("mailaccounts:account_pick", Role.ACCOUNTS),
                _("Mail leaves under your own address"),
            ),
            Task(
                _("Test it"),
                any(each.is_main and each.last_test_ok for each in self.own),
                self._test_url() or page.url(self.ACCOUNTS, Role.ACCOUNTS),
                _("One real message shows that all is right"),
            ),
            Task(
                _("Put the domain's DNS records in order"),
                self._has_domain_in_order(),
                page.url("mailaccounts:domains", Role.ACCOUNTS),
                _("SPF says who may send; without it mail is refused or taken for spam"),
            ),
            Task(
                _("Choose the messages"),
                TemplateAssignment.objects.for_shop(self.shop).exists(),
                page.url("templates_tx:messages", Role.EDITOR),
                _("Which are sent, and from where"),
            ),
            Task(
                _("First message accepted"),
                MailMessage.objects.for_shop(self.shop).filter(state=State.SENT).exists(),
                page.url("shops:orders"),
                _("Comes with the first order"),
            ),
        ]
