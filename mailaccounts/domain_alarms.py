"""What people are told when the DNS of a domain they send from breaks, and when it is mended.

Only what was in order can break. Mail goes on leaving: a later failure stops nothing.
"""

from __future__ import annotations

from datetime import timedelta

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mailaccounts.dns import wording
from mailaccounts.dns.dkim_record import DkimReport, DkimStatus
from mailaccounts.dns.report import DomainReport
from mailaccounts.dns.spf_check import SpfStatus
from mailaccounts.models import Kind, SenderAccount, SenderDomain
from shops import alarms

SPF, DKIM, UNPROVEN = "domain.spf", "domain.dkim", "domain.unproven"
PROOF_LASTS = timedelta(days=7)


def tell(row: SenderDomain, report: DomainReport, *, lost: DkimReport | None) -> None:
    """After each check: raises what broke, clears what is in order or no longer matters."""
    kinds = set(_kinds_at(row))
    with alarms.speaking_to(row.shop):
        if not kinds:
            _close(row, SPF, DKIM, UNPROVEN)
            return
        _tell_spf(row, report, is_needed=Kind.SERVER in kinds)
        _tell_dkim(row, report, lost)
        _tell_proof(row)


def target_of(row: SenderDomain) -> str:
    return f"domain:{row.pk}"


def _tell_spf(row: SenderDomain, report: DomainReport, *, is_needed: bool) -> None:
    """Urgent where mail leaves from our own server: there SPF decides whether it arrives."""
    needless = report.spf.status is SpfStatus.NOT_US and not is_needed
    if report.spf.status is SpfStatus.PASS or needless:
        _close(row, SPF)
    elif report.spf.status is not SpfStatus.TEMPERROR and row.spf.get("passed_at"):
        proposed = row.spf.get("proposed")
        record = _("The TXT record should be: %s") % proposed if proposed else ""
        text = "\n\n".join(part for part in (str(row.spf.get("hint", "")), record) if part)
        title = _("SPF of %s is no longer in order") % row.domain
        _raise(row, SPF, title, text, urgent=is_needed)


def _tell_dkim(row: SenderDomain, report: DomainReport, lost: DkimReport | None) -> None:
    if lost is not None:
        title = _("The DKIM key of %s is no longer in DNS") % row.domain
        _raise(row, DKIM, title, wording.dkim_hint(lost.as_dict()))
    elif all(key.status is not DkimStatus.TEMPERROR for key in report.dkim):
        _close(row, DKIM)


def _tell_proof(row: SenderDomain) -> None:
    """After a week of failing the domain no longer counts as the shop's."""
    failing = row.failing_since
    if failing is None:
        _close(row, UNPROVEN)
    elif timezone.now() - failing >= PROOF_LASTS:
        text = _(
            "Neither its SPF record nor a DKIM key has shown for seven days that you may send from "
            "it. Mail goes on leaving, but more and more of it will be refused."
        )
        _raise(row, UNPROVEN, _("%s is no longer confirmed as yours") % row.domain, text)


def _kinds_at(row: SenderDomain) -> list[str]:
    """The types of the active accounts that send from the domain."""
    accounts = SenderAccount.objects.usable().filter(shop=row.shop_id, is_default=False)
    here = accounts.filter(from_address__iendswith=f"@{row.domain}")
    return list(here.values_list("kind", flat=True))


def _raise(row: SenderDomain, code: str, title: str, text: str, *, urgent: bool = True) -> None:
    alarms.raise_alarm(
        code,
        shop=row.shop,
        target=target_of(row),
        title=title,
        text=text,
        path=_path(row),
        urgent=urgent,
    )


def _close(row: SenderDomain, *codes: str) -> None:
    for code in codes:
        alarms.clear_alarm(code, shop=row.shop, target=target_of(row))


def _path(row: SenderDomain) -> str:
    try:
        return reverse("mailaccounts:domain", kwargs={"shop": row.shop.slug, "pk": row.pk})
    except NoReverseMatch:  # somebody else's project without our pages
        return ""
