"""The domains a shop sends from: checked by tasks, judged by what was stored.

Only ``check`` asks DNS, and only tasks and commands call it. What asks whether an account may be
switched on reads the row.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mailaccounts import domain_alarms
from mailaccounts.dkim.keys import IN_DNS, advance_keys
from mailaccounts.dns.dkim_record import IN_ORDER, DkimReport, DkimStatus, KeyToFind
from mailaccounts.dns.dmarc import DmarcStatus
from mailaccounts.dns.report import DomainReport, domain_report
from mailaccounts.dns.resolver import Resolver
from mailaccounts.dns.spf_check import SpfReport, SpfStatus
from mailaccounts.dns.spf_record import Advice
from mailaccounts.domain_alarms import PROOF_LASTS
from mailaccounts.models import (
    DkimKey,
    DomainStatus,
    KeyState,
    Kind,
    SenderAccount,
    SenderDomain,
)
from shops.addresses import EmailAddressInvalid, domain_to_ascii
from shops.alarms import speaking_to

CHECK_AGAIN_AFTER = timedelta(minutes=50)

_OF_DMARC = {
    DmarcStatus.PASS: DomainStatus.PASS,
    DmarcStatus.WATCHING: DomainStatus.ATTENTION,
    DmarcStatus.MISSING: DomainStatus.MISSING,
    DmarcStatus.TEMPERROR: DomainStatus.ERROR,
}
_OF_DKIM = {
    DkimStatus.PASS: DomainStatus.PASS,
    DkimStatus.SHORT: DomainStatus.ATTENTION,
    DkimStatus.TESTING: DomainStatus.ATTENTION,
    DkimStatus.MISSING: DomainStatus.MISSING,
    DkimStatus.TEMPERROR: DomainStatus.ERROR,
}
_COLUMNS = (
    *("spf", "dkim", "dmarc", "mx", "spf_status", "dkim_status", "dmarc_status", "dns_operator"),
    *("checked_at", "verified_at", "failing_since"),
)


def domain_of(account: SenderAccount) -> str:
    """The domain that the account sends from, in A-labels; "" if its address has none."""
    try:
        return domain_to_ascii(account.from_domain)
    except EmailAddressInvalid:
        return ""


def domain_for(account: SenderAccount) -> SenderDomain:
    """The row of the account's domain, made on first use.

    Raises ``ValueError`` for an address without a domain, and for the installation's own account,
    which belongs to no shop.
    """
    name = domain_of(account)
    if account.shop_id is None or not name:
        raise ValueError(f"account {account.pk} has no sender domain")
    domain, _made = SenderDomain.objects.get_or_create(shop_id=account.shop_id, domain=name)
    return domain


def is_verified(domain: SenderDomain) -> bool:
    """True if DNS has proved that the shop may send from it, and did not fail for a week since."""
    if domain.verified_at is None:
        return False
    failing = domain.failing_since
    return failing is None or timezone.now() - failing < PROOF_LASTS


def check(domain: SenderDomain, *, resolver: Resolver | None = None) -> SenderDomain:
    """Asks DNS (ten seconds at most), stores what it says, tells people what broke or was mended.

    ``domain`` has the new values afterwards. Not to be called inside a transaction.
    """
    report = domain_report(domain.domain, resolver=resolver, keys=_keys_of(domain))
    with transaction.atomic():
        row = SenderDomain.objects.select_for_update().get(pk=domain.pk)
        _store(row, report)
        row.save(update_fields=_COLUMNS)
    domain_alarms.tell(row, report, lost=_moved_on(row, report.dkim))
    for column in _COLUMNS:
        setattr(domain, column, getattr(row, column))
    return domain


def check_all() -> int:
    """Starts a task for each domain that is due; returns how many.

    A domain that an account sends from gets its row here at the latest.
    """
    from django_q.tasks import async_task

    for account in _own_accounts():
        if domain_of(account):
            domain_for(account)
    due = timezone.now() - CHECK_AGAIN_AFTER
    waiting = SenderDomain.objects.exclude(checked_at__gt=due).values_list("pk", flat=True)
    for pk in waiting:
        async_task("mailaccounts.tasks.check_domain", pk)
    return len(waiting)


def refusal_to_activate(account: SenderAccount) -> str | None:
    """Why a server account may not be switched on or made main yet; None if it may.

    Mail from this server is refused by receivers until SPF names it. Reads what was stored: that
    DNS did not answer just now does not undo a pass of the last seven days.
    """
    if account.kind != Kind.SERVER or account.is_default or account.shop_id is None:
        return None
    name = domain_of(account)
    row = SenderDomain.objects.filter(shop_id=account.shop_id, domain=name).first()
    if row is None or row.checked_at is None or _is_old(row.checked_at):
        return _(
            "The SPF record of %(domain)s has not been checked yet. Open the domain, press “Check "
            "now”, and switch the account on when SPF is in order."
        ) % {"domain": name}
    if belongs_to_another_shop(row):
        return _(
            "Another shop of this installation sends from %(domain)s, and its SPF record cannot "
            "tell the two apart. Make a DKIM key for it here and put its record into DNS: that "
            "shows the domain to be yours."
        ) % {"domain": name}
    status = row.spf.get("status")
    if status == SpfStatus.PASS:
        return None
    if status == SpfStatus.TEMPERROR:
        return None if _passed_lately(row) else _unread(name)
    return _not_in_order(name, str(row.spf.get("proposed") or ""))


def belongs_to_another_shop(row: SenderDomain) -> bool:
    """True if another shop has proved the domain before, and no key of this one is in its DNS.

    That SPF names the installation proves nothing about which of its shops may send.
    """
    others = SenderDomain.objects.filter(domain=row.domain, pk__lt=row.pk)
    if not others.exclude(verified_at=None).exists():
        return False
    return not row.keys.exclude(found_at=None).exists()


def _unread(name: str) -> str:
    return _(
        "The SPF record of %(domain)s could not be read: its DNS did not answer. Nothing is known "
        "to be wrong; press “Check now” in some minutes and try again."
    ) % {"domain": name}


def _not_in_order(name: str, proposed: str) -> str:
    if proposed:
        return _(
            "The SPF record of %(domain)s does not name this server, so receivers would refuse the "
            "mail. Put this TXT record into its DNS, then press “Check now”: %(record)s"
        ) % {"domain": name, "record": proposed}
    return _(
        "The SPF record of %(domain)s is not in order, so receivers would refuse the mail. Open "
        "the domain to see what is to be mended, then press “Check now”."
    ) % {"domain": name}


def _is_old(moment: datetime) -> bool:
    return timezone.now() - moment >= PROOF_LASTS


def _passed_lately(row: SenderDomain) -> bool:
    passed = row.spf.get("passed_at")
    return bool(passed) and not _is_old(datetime.fromisoformat(passed))


def _own_accounts() -> QuerySet[SenderAccount]:
    accounts = SenderAccount.objects.usable().filter(is_default=False)
    return accounts.exclude(shop=None).order_by("pk")


def _store(row: SenderDomain, report: DomainReport) -> None:
    """Puts the report into the row's columns. A pass is remembered through later failures."""
    now = timezone.now()
    with speaking_to(row.shop):
        data = report.as_dict()
    passed = report.spf.status is SpfStatus.PASS
    passed_at = now.isoformat() if passed else row.spf.get("passed_at")
    row.spf = {**data["spf"], "passed_at": passed_at}
    row.dkim = {"keys": data["dkim"]}
    row.dmarc = data["dmarc"]
    row.mx = {**data["mx"], "name_servers": data["dns"]["servers"]}
    if report.operator or report.name_servers:
        row.dns_operator = report.operator
    row.spf_status = _spf_status(report.spf, must_name_us=sends_from_here(row))
    row.dkim_status = _dkim_status(report.dkim, ours_to_sign=signs_for(row))
    row.dmarc_status = _OF_DMARC.get(report.dmarc.status, DomainStatus.WRONG)
    row.checked_at = now
    _note_proof(row, report, now)


def _note_proof(row: SenderDomain, report: DomainReport, now: datetime) -> None:
    """No answer is no failure: it neither proves nor disproves."""
    by_spf = report.spf.status is SpfStatus.PASS and not belongs_to_another_shop(row)
    if by_spf or any(key.is_ours for key in report.dkim):
        row.verified_at, row.failing_since = now, None
    elif row.verified_at is not None and not _was_unanswered(report):
        row.failing_since = row.failing_since or now


def _was_unanswered(report: DomainReport) -> bool:
    unread = any(key.status is DkimStatus.TEMPERROR for key in report.dkim)
    return unread or report.spf.status is SpfStatus.TEMPERROR


def sends_from_here(domain: SenderDomain) -> bool:
    """True if an account of the shop sends from the domain over this installation's server: only
    then has its SPF record to name us."""
    rows = SenderAccount.objects.present().filter(shop=domain.shop_id, kind=Kind.SERVER)
    return any(domain_of(each) == domain.domain for each in rows.filter(is_default=False))


def signs_for(domain: SenderDomain) -> bool:
    """True if an account of the shop sends from the domain whose signature is ours to put."""
    kinds = [kind for kind in Kind if kind.signs_here]
    rows = SenderAccount.objects.present().filter(shop=domain.shop_id, kind__in=kinds)
    return any(domain_of(each) == domain.domain for each in rows.filter(is_default=False))


def _spf_status(spf: SpfReport, *, must_name_us: bool) -> DomainStatus:
    if spf.status is SpfStatus.PASS:
        loose = Advice.EVERYONE.value in spf.advice
        return DomainStatus.ATTENTION if loose else DomainStatus.PASS
    if spf.status is SpfStatus.TEMPERROR:
        return DomainStatus.ERROR
    if spf.status is SpfStatus.NOT_US and not must_name_us:
        return DomainStatus.PASS
    return DomainStatus.MISSING if spf.status is SpfStatus.MISSING else DomainStatus.WRONG


def _dkim_status(keys: tuple[DkimReport, ...], *, ours_to_sign: bool) -> DomainStatus:
    """That of the key in use, or of the one that waits for its record. Without a key mail is
    unsigned, unless a provider signs it."""
    for state in (KeyState.ACTIVE, KeyState.NEW):
        for key in keys:
            if key.state == state:
                return _OF_DKIM.get(key.status, DomainStatus.WRONG)
    return DomainStatus.ATTENTION if ours_to_sign else DomainStatus.PASS


def _moved_on(row: SenderDomain, keys: tuple[DkimReport, ...]) -> DkimReport | None:
    """Lets a key whose record was found take over; returns the one in use if its record is lost."""
    if all(key.status is not DkimStatus.TEMPERROR for key in keys):
        advance_keys(row, {key.selector for key in keys if key.is_ours})
    in_use = set(row.keys.filter(state=KeyState.ACTIVE).values_list("selector", flat=True))
    return next((key for key in keys if key.selector in in_use and _is_lost(key)), None)


def _is_lost(key: DkimReport) -> bool:
    """No answer is no loss."""
    return key.status is not DkimStatus.TEMPERROR and key.status not in IN_ORDER


def keys_in_dns(name: str) -> list[KeyToFind]:
    """Our keys for a domain, whichever shop's; two shops never have one selector."""
    keys = DkimKey.objects.filter(domain__domain=name, state__in=IN_DNS)
    return [KeyToFind(key.selector, key.public_key, key.state) for key in keys]


def _keys_of(domain: SenderDomain) -> list[KeyToFind]:
    keys = domain.keys.filter(state__in=IN_DNS)
    return [KeyToFind(key.selector, key.public_key, key.state) for key in keys]
