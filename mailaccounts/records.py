"""The DNS records that a domain should have, as somebody who edits a zone needs to read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mailaccounts import domains
from mailaccounts.dkim import record_name, record_strings, record_text
from mailaccounts.dns import wording
from mailaccounts.dns.dmarc import DmarcStatus
from mailaccounts.dns.spf_check import SpfStatus
from mailaccounts.dns.update import Wanted
from mailaccounts.models import (
    DkimKey,
    DomainStatus,
    KeyState,
    SenderDomain,
)

# How many retired keys' records are looked for, to be taken out of DNS.
OLD_KEYS = 3


@dataclass(frozen=True, slots=True)
class RecordToSet:
    """One TXT record. ``before`` are the records that it takes the place of: the first is edited,
    further ones are deleted. Without ``before`` it is added."""

    kind: str
    name: str
    before: tuple[str, ...]
    text: str

    @property
    def strings(self) -> list[str]:
        return record_strings(self.text)


def to_set(domain: SenderDomain) -> list[RecordToSet]:
    """What is missing or wrong at the domain, by the last check and our keys."""
    ready = may_be_stricter(domain)
    return [
        *_proposed("spf", domain.domain, spf_report(domain)),
        *(_key_record(key) for key in _keys_without_record(domain)),
        *(_proposed("dmarc", f"_dmarc.{domain.domain}", domain.dmarc) if ready else ()),
    ]


def may_be_stricter(domain: SenderDomain) -> bool:
    """False while a stricter DMARC policy could stop the shop's own mail: a first one, which only
    watches, may be set at any time."""
    if domain.dmarc.get("status") != DmarcStatus.WATCHING:
        return True
    is_signed = domain.dkim_status == DomainStatus.PASS or not domains.signs_for(domain)
    return domain.spf_status == DomainStatus.PASS and is_signed


def by_hand(domain: SenderDomain) -> list[str]:
    """What no record to copy can mend, in words."""
    found = []
    if domain.spf.get("status") == "permerror" and not domain.spf.get("proposed"):
        found += [wording.fault_words(domain.spf), *wording.spf_notes(domain.spf)]
        found += [f"{domain.domain} TXT {each}" for each in found_texts(domain.spf)]
    if domain.dmarc.get("status") == "several-records":
        found += [wording.dmarc_hint(domain.dmarc)]
        found += [f"_dmarc.{domain.domain} TXT {each}" for each in found_texts(domain.dmarc)]
    if "temperror" in (domain.spf.get("status"), domain.dmarc.get("status")):
        found.append(wording.spf_hint(domain.domain, {"status": "temperror"}))
    return [each for each in found if each]


def wanted(domain: SenderDomain) -> list[Wanted]:
    """The same for a name server that we may update, with the records of retired keys to go."""
    records = [Wanted(each.kind, each.name, each.text) for each in to_set(domain)]
    retired = domain.keys.filter(state=KeyState.RETIRED)[:OLD_KEYS]
    return records + [Wanted("dkim", record_name(key), "") for key in retired]


def spf_report(domain: SenderDomain) -> dict[str, Any]:
    """The stored report on SPF, without its proposal where no account sends from this server.

    Naming us would be of no use there, and a first record that names only us would have the mail
    of the domain's real servers refused.
    """
    report: dict[str, Any] = domain.spf
    if report.get("status") not in (SpfStatus.NOT_US, SpfStatus.MISSING):
        return report
    if domains.sends_from_here(domain):
        return report
    return {**report, "proposed": None, "diff": [], "delete": [], "lookups_after": None}


def found_texts(report: dict[str, Any]) -> tuple[str, ...]:
    """The records of a stored report, whichever way it keeps them."""
    found = report.get("found") or []
    return (found,) if isinstance(found, str) else tuple(str(each) for each in found)


def _proposed(kind: str, name: str, report: dict[str, Any]) -> Iterator[RecordToSet]:
    text, found = report.get("proposed"), found_texts(report)
    if text and found != (text,):
        yield RecordToSet(kind, report.get("name") or name, found, text)


def _keys_without_record(domain: SenderDomain) -> list[DkimKey]:
    keys = domain.keys.filter(state__in=[KeyState.NEW, KeyState.ACTIVE])
    lost = domain.dkim_status in (DomainStatus.MISSING, DomainStatus.WRONG)
    return [key for key in keys if key.state == KeyState.NEW or lost]


def _key_record(key: DkimKey) -> RecordToSet:
    return RecordToSet("dkim", record_name(key), (), record_text(key))
