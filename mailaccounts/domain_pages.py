"""What the screens of domains say: the stored findings, put into words and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from mailaccounts import domains
from mailaccounts.dkim import record_name, record_strings, record_text
from mailaccounts.dns import operators, wording
from mailaccounts.domain_words import DMARC, ELSEWHERE, NO_ANSWER, SPF, UNCHECKED
from mailaccounts.domains import domain_of
from mailaccounts.models import DkimKey, KeyState, SenderAccount, SenderDomain
from mailaccounts.panel_rows import Badge, badges_of
from mailaccounts.records import found_texts, may_be_stricter, spf_report
from shops.models import Shop

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_LOOKUPS = 10  # RFC 7208, section 4.6.4


@dataclass(frozen=True, slots=True)
class Card:
    """One record: its verdict, what was found, what should be there."""

    tone: str
    badge: StrOrPromise
    title: StrOrPromise
    text: StrOrPromise
    report: Mapping[str, Any]
    fault: str = ""
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> tuple[str, ...]:
        return found_texts(dict(self.report))

    @property
    def strings(self) -> list[str]:
        """The proposed record's strings, if it needs more than one."""
        parts = record_strings(self.report.get("proposed") or "")
        return parts if len(parts) > 1 else []

    @property
    def is_new(self) -> bool:
        return bool(self.report.get("proposed")) and not self.found


def spf_card(domain: SenderDomain) -> Card:
    status, report = domain.spf.get("status") or "", spf_report(domain)
    if report is not domain.spf:
        return Card(*ELSEWHERE[status], report)
    fault = wording.fault_words(report) if status == "permerror" else ""
    notes = tuple(wording.spf_notes(report))
    return Card(*SPF.get(status, UNCHECKED), report, fault, notes)


def dmarc_card(domain: SenderDomain) -> Card:
    words = DMARC.get(domain.dmarc.get("status") or "", UNCHECKED)
    notes = () if may_be_stricter(domain) else (_("First get SPF and DKIM in order."),)
    return Card(*words, domain.dmarc, notes=notes)


@dataclass(frozen=True, slots=True)
class LookUp:
    """One term that costs receivers a look-up. ``level`` is how deep it stands, from 0."""

    term: str
    level: int
    count: int
    fault: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class LookUps:
    """``cells`` are ten marks: ``on`` used today, ``plan`` used by the new record."""

    used: int
    after: int | None
    voids: int
    rows: list[LookUp]
    cells: list[str]

    @property
    def is_too_many(self) -> bool:
        return self.used > MOST_LOOKUPS


def lookups_of(report: Mapping[str, Any]) -> LookUps | None:
    """None where no record could be walked."""
    used, after = int(report.get("lookups") or 0), report.get("lookups_after")
    if report.get("status") == "temperror" or not report.get("found") and after is None:
        return None
    rows = list(_flat(report.get("terms") or [], 0))
    more = (after or 0) - used
    if more > 0 and report.get("found"):
        rows.append(LookUp(f"include:{report.get('include', '')}", 0, more, is_new=True))
    marks = ["on" if at < used else "plan" if at < (after or 0) else "" for at in range(10)]
    return LookUps(used, after, int(report.get("voids") or 0), rows, marks)


def _flat(terms: list[dict[str, Any]], level: int) -> Iterator[LookUp]:
    for term in terms:
        inner = term.get("terms") or []
        own = int(term.get("lookups") or 1) - sum(int(each.get("lookups") or 0) for each in inner)
        name = str(term.get("term") or term.get("domain") or "")
        yield LookUp(name, min(level, 4), own, str(term.get("fault") or ""))
        yield from _flat(inner, level + 1)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One of our keys with its record; ``status`` is what the last check found of it."""

    key: DkimKey
    name: str
    text: str
    status: str

    @property
    def is_in_order(self) -> bool:
        return self.status in ("pass", "short-key", "testing")


@dataclass(frozen=True, slots=True)
class DkimCard:
    tone: str
    badge: StrOrPromise
    text: StrOrPromise
    active: KeyRow | None
    waiting: KeyRow | None
    retiring: list[KeyRow]
    signs_here: bool


def dkim_card(domain: SenderDomain) -> DkimCard:
    rows = list(_key_rows(domain))
    of = {state: [row for row in rows if row.key.state == state] for state in KeyState}
    active = next(iter(of[KeyState.ACTIVE]), None)
    waiting = next(iter(of[KeyState.NEW]), None)
    signs = domains.signs_for(domain)
    words = _dkim_words(domain, active, waiting, signs_here=signs)
    return DkimCard(*words, active, waiting, of[KeyState.RETIRING], signs)


def _key_rows(domain: SenderDomain) -> Iterator[KeyRow]:
    statuses = {each.get("selector"): each.get("status") for each in dkim_reports(domain)}
    for key in domain.keys.exclude(state=KeyState.RETIRED).defer("private_key"):
        key.domain = domain
        status = str(statuses.get(key.selector) or "")
        yield KeyRow(key, record_name(key), record_text(key), status)


def dkim_reports(domain: SenderDomain) -> list[dict[str, Any]]:
    """The stored report lists one entry a selector."""
    stored: Any = domain.dkim
    listed = stored.get("keys", []) if isinstance(stored, dict) else stored
    return [each for each in listed if isinstance(each, dict)]


def _dkim_words(
    domain: SenderDomain, active: KeyRow | None, waiting: KeyRow | None, *, signs_here: bool
) -> tuple[str, StrOrPromise, StrOrPromise]:
    if active is None and waiting is None:
        if signs_here:
            return (
                "warn",
                _("No key yet"),
                _("Mail leaves without a signature. Make a key, and put its record into DNS."),
            )
        return (
            "idle",
            _("Not ours to sign"),
            _("Mail of this domain leaves through a provider, who puts the signature."),
        )
    if active is None:
        return (
            "warn",
            _("Waits for its record"),
            _("The key is made. Once its record is in DNS, all mail is signed by itself."),
        )
    if active.status in ("missing", "wrong-key", "revoked", "permerror", "several-records"):
        return (
            "bad",
            _("Record is gone"),
            _("Mail is signed, but receivers find no fitting key in DNS: the signature is void."),
        )
    if active.status == "temperror":
        return NO_ANSWER[0], NO_ANSWER[1], NO_ANSWER[3]
    if waiting is not None:
        return (
            "warn",
            _("Key is being changed"),
            _(
                "Mail is signed with the old key until the record of the new one is in DNS: "
                "there is no gap."
            ),
        )
    return (
        "ok",
        _("In order"),
        _("Every mail carries a seal that receivers can check. The key in DNS is ours."),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One domain of the list; ``domain`` is None where nobody has looked yet."""

    name: str
    domain: SenderDomain | None
    badges: list[Badge]
    operator: str
    addresses: list[str]


def rows_of(shop: Shop) -> list[Row]:
    """The domains that the shop's accounts send from, and what is known of them."""
    stored = {each.domain: each for each in SenderDomain.objects.for_shop(shop)}
    senders: dict[str, list[str]] = {}
    for account in accounts_of(shop):
        senders.setdefault(domain_of(account), []).append(account.from_address)
    return [_row(name, stored.get(name), senders[name]) for name in sorted(senders) if name]


def accounts_of(shop: Shop) -> list[SenderAccount]:
    """Those with a domain of the shop's own; the default account's is the installation's."""
    found = SenderAccount.objects.for_shop(shop).present().filter(is_default=False)
    return list(found.only("from_address", "shop_id", "is_default"))


def _row(name: str, domain: SenderDomain | None, addresses: list[str]) -> Row:
    operator = operators.by_slug(domain.dns_operator) if domain else None
    badges = badges_of(domain) if domain and domain.checked_at else []
    return Row(name, domain, badges, operator.name if operator else "", addresses)


def place_of(domain: SenderDomain) -> str:
    """Who runs the DNS and where to click there; "" if nobody knows."""
    return operators.place_words(domain.dns_operator, domain.domain, servers_of(domain))


def servers_of(domain: SenderDomain) -> list[str]:
    """The name servers of its zone, as found last."""
    return list(domain.mx.get("name_servers") or [])


def tabs_of(shop: Shop) -> dict[str, int]:
    """The counts beside "Accounts" and "Domains"."""
    names = {domain_of(each) for each in accounts_of(shop)} - {""}
    accounts = SenderAccount.objects.for_shop(shop).present().count()
    return {"accounts": accounts, "domains": len(names)}
