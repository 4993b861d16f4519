"""The SPF doctor: what stands in DNS, whether it lets us send, and the record that would."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mailaccounts.dns.resolver import DnsTrouble, Resolver
from mailaccounts.dns.spf import SpfResult, Verdict, evaluate, spf_records, survey
from mailaccounts.dns.spf_record import ABOUT_THE_NEW, Proposal, names_include, propose
from mailaccounts.dns.spf_syntax import Fault, SpfError, is_spf

# What a person may have typed for "v=spf1 …" and nobody reads as such.
_ALIKE = ("v=spf", "v = spf", '"v=spf', "spf1", "spf2.0/", "v-spf")


class SpfStatus(StrEnum):
    PASS = "pass"
    MISSING = "missing"
    NOT_US = "not-including-us"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


class Obstacle(StrEnum):
    """Advice that needs DNS, beside ``spf_record.Advice``."""

    LOOKUPS = "would-be-too-many-lookups"
    FAULT = "mend-this-first"
    OURS_MISSING = "our-record-is-missing"
    ALIKE = "looks-like-spf"


@dataclass(frozen=True, slots=True)
class SpfReport:
    """``proposal.record`` is what to publish; ``after`` is what it would cost."""

    status: SpfStatus
    include: str
    found: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    now: SpfResult | None = None
    after: SpfResult | None = None
    proposal: Proposal = field(default_factory=lambda: Proposal(None))
    advice: tuple[str, ...] = ()
    for_ip: SpfResult | None = None
    domain_exists: bool = True

    @property
    def error(self) -> SpfError | None:
        return self.now.error if self.now else None

    def as_dict(self) -> dict[str, Any]:
        error, changes = self.error, self.proposal.changes
        return {
            "status": self.status.value,
            "found": list(self.found),
            "proposed": self.proposal.record if changes else None,
            "lookups": self.now.lookups if self.now else 0,
            "voids": self.now.voids if self.now else 0,
            "terms": [term.as_dict() for term in self.now.terms] if self.now else [],
            "lookups_after": self.after.lookups if self.after and changes else None,
            "diff": [token.as_dict() for token in self.proposal.tokens] if changes else [],
            "delete": list(self.proposal.replaces[1:]) if changes else [],
            "advice": list(self.advice),
            "error": _error_dict(error) if error else None,
            "alike": list(self.alike),
            "include": self.include,
            "domain_exists": self.domain_exists,
            "this_server": _this_server(self.for_ip) if self.for_ip else None,
        }


def check_spf(
    domain: str, resolver: Resolver, *, include: str, our_ip: str | None = None
) -> SpfReport:
    """Reads the record of ``domain`` and says what to publish so that ``include`` passes."""
    include = include.lower().rstrip(".")
    try:
        answer = resolver.lookup(domain, "TXT")
    except DnsTrouble:
        return SpfReport(SpfStatus.TEMPERROR, include, now=survey(domain, resolver))
    found = spf_records(domain, resolver)
    now = survey(domain, resolver)
    proposal = _proposal(domain, found, include, now)
    after = survey(domain, resolver, record=proposal.record) if proposal.record else None
    obstacle = _obstacle(after, include)
    if obstacle in (Obstacle.LOOKUPS, Obstacle.FAULT):
        about_old = tuple(each for each in proposal.advice if each not in ABOUT_THE_NEW)
        proposal = Proposal(None, proposal.replaces, about_old)
    alike = tuple(text[:200] for text in answer.rows if not is_spf(text) and _is_alike(text))
    advice: list[StrEnum] = [*proposal.advice, *([obstacle] if obstacle else [])]
    advice += [Obstacle.ALIKE] if alike else []
    return SpfReport(
        _status(domain, now, include),
        include,
        found,
        alike,
        now,
        after,
        proposal,
        tuple(each.value for each in advice),
        evaluate(our_ip, domain, resolver) if our_ip else None,
        answer.domain_exists,
    )


def _proposal(domain: str, found: tuple[str, ...], include: str, now: SpfResult) -> Proposal:
    """Nothing to change where another record leads to ours, or at our own record."""
    proposal = propose(found, include)
    leads_on = include in now.passing and not names_include(found[0], include)
    if leads_on or found and domain == include:
        return Proposal(found[0], found[:1], proposal.advice)
    return proposal


def _obstacle(after: SpfResult | None, include: str) -> Obstacle | None:
    """What stands against the new record."""
    error = after.error if after else None
    if error is None or error.fault is Fault.TEMPORARY:
        return None
    if error.fault is Fault.LOOKUPS:
        return Obstacle.LOOKUPS
    is_ours = error.domain == include or names_include(f"v=spf1 {error.term}", include)
    return Obstacle.OURS_MISSING if is_ours else Obstacle.FAULT


def _is_alike(text: str) -> bool:
    return text.strip().lower().startswith(_ALIKE)


def _error_dict(error: SpfError) -> dict[str, str]:
    return {"fault": error.fault.value, "term": error.term, "domain": error.domain}


def _this_server(result: SpfResult) -> dict[str, str]:
    return {"verdict": result.verdict.value, "term": result.term}


def _status(domain: str, now: SpfResult, include: str) -> SpfStatus:
    if now.verdict is Verdict.TEMPERROR:
        return SpfStatus.TEMPERROR
    if now.verdict is Verdict.PERMERROR:
        return SpfStatus.PERMERROR
    if now.verdict is Verdict.NONE:
        return SpfStatus.MISSING
    if include in now.passing or domain == include:
        return SpfStatus.PASS
    return SpfStatus.NOT_US
