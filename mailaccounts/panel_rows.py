"""The rows of the accounts' list: everything that the page says of an account, looked up once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from mailaccounts.account_test.report import Report, latest_reports
from mailaccounts.condition import Condition, condition_of
from mailaccounts.domains import refusal_to_activate
from mailaccounts.figures import Figures, figures_of
from mailaccounts.models import AccountState, DomainStatus, Kind, SenderAccount, SenderDomain
from mailaccounts.oauth.health import Ending, ending_of
from mailaccounts.presets import is_freemail
from mailaccounts.type_picker import icon_of
from shops.addresses import parse_list

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TONES = {
    DomainStatus.PASS: ("ok", "check"),
    DomainStatus.ATTENTION: ("warn", "alert-triangle"),
    DomainStatus.MISSING: ("bad", "x"),
    DomainStatus.WRONG: ("bad", "x"),
}


@dataclass(frozen=True, slots=True)
class Badge:
    """SPF, DKIM or DMARC of the account's domain."""

    name: str
    tone: str
    icon: str
    words: StrOrPromise


@dataclass(frozen=True, slots=True)
class Row:
    account: SenderAccount
    condition: Condition
    copies: list[str]
    figures: Figures
    badges: list[Badge]
    domain: SenderDomain | None
    icon: str
    way: StrOrPromise
    is_providers_own: bool = False  # the domain is a mailbox provider's, its records are its own
    ending: Ending | None = None  # of its sign-in, where that is near
    refusal: str = ""  # why a draft cannot be switched on yet
    report: Report | None = None


def rows_of(accounts: Sequence[SenderAccount]) -> list[Row]:
    figures = figures_of(accounts)
    domains: dict[tuple[int | None, str], SenderDomain] = {
        (each.shop_id, each.domain): each
        for each in SenderDomain.objects.filter(
            shop__in={account.shop_id for account in accounts},
            domain__in={account.from_domain.lower() for account in accounts},
        )
    }
    reports = latest_reports(accounts)
    return [
        _row(
            each,
            figures[each.pk],
            domains.get((each.shop_id, each.from_domain.lower())),
            reports.get(each.pk),
        )
        for each in accounts
    ]


def _row(
    account: SenderAccount, figures: Figures, domain: SenderDomain | None, report: Report | None
) -> Row:
    is_foreign = account.is_default or is_freemail(account.from_address)
    return Row(
        account=account,
        condition=condition_of(account),
        copies=copies_of(account),
        figures=figures,
        badges=[] if is_foreign or domain is None else badges_of(domain),
        is_providers_own=is_freemail(account.from_address),
        domain=domain,
        icon=icon_of(account.kind, is_default=account.is_default),
        way=way_of(account),
        ending=_near_end(account),
        refusal=refusal_to_activate(account) or "" if account.state == AccountState.DRAFT else "",
        report=report,
    )


def _near_end(account: SenderAccount) -> Ending | None:
    if account.state != AccountState.ACTIVE:
        return None
    ending = ending_of(account)
    return ending if ending is not None and ending.is_near else None


def badges_of(domain: SenderDomain) -> list[Badge]:
    checks = (
        ("SPF", domain.spf_status),
        ("DKIM", domain.dkim_status),
        ("DMARC", domain.dmarc_status),
    )
    return [
        Badge(name, *TONES.get(DomainStatus(status), ("idle", "minus")), DomainStatus(status).label)
        for name, status in checks
    ]


def way_of(account: SenderAccount) -> StrOrPromise:
    """How its mail leaves, short enough for a second line."""
    if account.is_default:
        return _("default account")
    if account.kind == Kind.SMTP:
        return f"SMTP, {account.host}"
    if account.kind == Kind.ESP:
        return account.esp.capitalize() or Kind.ESP.label
    return Kind(account.kind).label


def copies_of(account: SenderAccount) -> list[str]:
    """The copy addresses; what an import left unreadable is shown as it stands."""
    try:
        return [each.address for each in parse_list(account.copy_to)]
    except ValueError:
        return [account.copy_to]
