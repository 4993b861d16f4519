"""DMARC: the policy for a domain, who it is aligned with, and the next step up.

The organisational domain is found by the walk up the DNS tree that replaces the public suffix
list (draft-ietf-dmarc-dmarcbis, section 4.10).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mailaccounts.dns.resolver import DnsTrouble, Resolver
from mailaccounts.dns.spf_record import compare
from mailaccounts.dns.spf_syntax import LONGEST_RECORD
from mailaccounts.dns.tags import BadTags, read_tags

MOST_QUERIES = 8
_POLICIES = ("none", "quarantine", "reject")
_IS_DMARC = re.compile(r"v\s*=\s*DMARC1\s*(;|$)")
_IS_ALIKE = re.compile(r"[\s\"]*v\s*=\s*dmarc|[\s\"]*p\s*=", re.IGNORECASE)


class DmarcStatus(StrEnum):
    PASS = "pass"
    WATCHING = "watching"  # p=none, or a policy for a part of the mail only
    MISSING = "missing"
    SEVERAL = "several-records"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


@dataclass(frozen=True, slots=True)
class Policy:
    """A record that can be read. ``domain`` is where it stands."""

    domain: str
    text: str
    tags: dict[str, str] = field(default_factory=dict)

    def for_domain(self, domain: str) -> str:
        """ "none", "quarantine" or "reject"; domains below may have a policy of their own."""
        own = self.tags.get("p", "none").lower()
        return own if domain == self.domain else self.tags.get("sp", own).lower()

    def is_strict(self, tag: str) -> bool:
        """For "aspf" and "adkim"."""
        return self.tags.get(tag, "r").lower() == "s"

    @property
    def is_partial(self) -> bool:
        """ "pct" below 100, or the test mode that takes its place."""
        percent = self.tags.get("pct", "100")
        return percent.isdigit() and int(percent) < 100 or self.tags.get("t", "n").lower() == "y"


@dataclass(frozen=True, slots=True)
class DmarcReport:
    """``name`` is where ``proposed`` belongs. ``aligned`` is None where there is no policy."""

    status: DmarcStatus
    name: str
    found: tuple[str, ...] = ()
    policy: Policy | None = None
    effective: str = ""
    proposed: str | None = None
    aligned: dict[str, bool] | None = None

    def as_dict(self) -> dict[str, Any]:
        old = self.found[0][:LONGEST_RECORD] if self.found else ""
        tokens = compare(_spaced(old), self.proposed) if self.proposed else ()
        return {
            "status": self.status.value,
            "name": self.name,
            "found": list(self.found),
            "proposed": self.proposed,
            "diff": [token.as_dict() for token in tokens],
            "policy": self.effective,
            "reports": self.policy.tags.get("rua", "") if self.policy else "",
            "aligned": self.aligned,
        }


def check_dmarc(
    domain: str,
    resolver: Resolver,
    *,
    spf_domain: str = "",
    dkim_domains: Collection[str] = (),
) -> DmarcReport:
    """The policy that receivers apply to mail from ``domain``. Never raises for what DNS does.

    ``spf_domain`` is the envelope sender's, ``dkim_domains`` are those of passing signatures;
    both are ``domain`` itself where nothing is given.
    """
    try:
        return _checked(domain, resolver, spf_domain or domain, dkim_domains or (domain,))
    except DnsTrouble:
        return DmarcReport(DmarcStatus.TEMPERROR, f"_dmarc.{domain}")


def alignment(
    policy: Policy,
    from_domain: str,
    spf_domain: str,
    dkim_domains: Collection[str],
    resolver: Resolver,
) -> dict[str, bool]:
    """Whether SPF's and DKIM's domains count for the one that people see. Raises ``DnsTrouble``."""

    def fits(other: str, tag: str) -> bool:
        if other.lower() == from_domain or policy.is_strict(tag):
            return other.lower() == from_domain
        return organisation(other, resolver) == organisation(from_domain, resolver)

    return {
        "spf": fits(spf_domain, "aspf"),
        "dkim": any(fits(domain, "adkim") for domain in dkim_domains),
    }


def organisation(domain: str, resolver: Resolver) -> str:
    """The domain that ``domain`` belongs to: the highest with a policy, unless one says otherwise.

    Raises ``DnsTrouble``.
    """
    domain = domain.lower().rstrip(".")
    highest, below = domain, domain
    for name in _walk(domain):
        policy = _policy_at(name, resolver)
        if policy is not None:
            if policy.tags.get("psd", "u").lower() == "n":
                return name
            if policy.tags.get("psd", "u").lower() == "y":
                return name if name == domain else below
            highest = name
        below = name
    return highest


def records_at(domain: str, resolver: Resolver) -> tuple[str, ...]:
    """The TXT records at ``_dmarc`` that claim to be policies. Raises ``DnsTrouble``."""
    texts = resolver.txt(f"_dmarc.{domain}")
    return tuple(text for text in texts if _IS_DMARC.match(text))


def read_policy(domain: str, text: str) -> Policy | None:
    """None for what receivers take for no policy."""
    if len(text) > LONGEST_RECORD:
        return None
    try:
        tags = read_tags(text)
    except BadTags:
        return None
    wrong = tags.get("p", "").lower() not in _POLICIES
    wrong = wrong or tags.get("sp", "none").lower() not in _POLICIES
    # RFC 7489, section 6.6.3: a record that only asks for reports counts as "p=none".
    return None if wrong and not tags.get("rua") else Policy(domain, text, _mended(tags, wrong))


def _mended(tags: dict[str, str], wrong: bool) -> dict[str, str]:
    return {**tags, "p": "none", "sp": "none"} if wrong else tags


def _walk(domain: str) -> Iterator[str]:
    """The domain and those above it; of a very long one only the last seven labels' worth."""
    labels = domain.split(".")
    yield domain
    for count in range(min(len(labels) - 1, MOST_QUERIES - 1), 0, -1):
        yield ".".join(labels[-count:])


def _policy_at(domain: str, resolver: Resolver) -> Policy | None:
    found = records_at(domain, resolver)
    return read_policy(domain, found[0]) if len(found) == 1 else None


def _checked(
    domain: str, resolver: Resolver, spf_domain: str, dkim_domains: Collection[str]
) -> DmarcReport:
    own = records_at(domain, resolver)
    name = f"_dmarc.{domain}"
    if len(own) > 1:
        return DmarcReport(DmarcStatus.SEVERAL, name, own)
    policy = read_policy(domain, own[0]) if own else None
    if own and policy is None:
        return DmarcReport(DmarcStatus.PERMERROR, name, own, proposed=_first(domain))
    alike = tuple(text for text in resolver.txt(name) if _IS_ALIKE.match(text))
    if not own and alike:
        return DmarcReport(DmarcStatus.PERMERROR, name, alike, proposed=_first(domain))
    if policy is None:
        above = organisation(domain, resolver)
        policy = _policy_at(above, resolver) if above != domain else None
    if policy is None:
        return DmarcReport(DmarcStatus.MISSING, name, proposed=_first(domain))
    aligned = alignment(policy, domain, spf_domain, dkim_domains, resolver)
    effective = policy.for_domain(domain)
    enough = effective != "none" and not policy.is_partial
    return DmarcReport(
        DmarcStatus.PASS if enough else DmarcStatus.WATCHING,
        f"_dmarc.{policy.domain}",
        (policy.text,),
        policy,
        effective,
        None if enough else _stricter(policy, domain),
        aligned,
    )


def _first(domain: str) -> str:
    """Watching first: a policy that refuses mail is for who has read the reports."""
    return f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"


def _stricter(policy: Policy, domain: str) -> str:
    """The next step: quarantine for everything."""
    tags = read_tags(policy.text)
    if policy.for_domain(domain) == "none":
        own = "p" if domain == policy.domain or "sp" not in tags else "sp"
        if own == "p" and "p" not in tags:
            first, *rest = tags.items()
            tags = {first[0]: first[1], "p": "", **dict(rest)}
        tags[own] = "quarantine"
    tags.pop("pct", None)
    tags.pop("t", None)
    return "; ".join(f"{tag}={value}" for tag, value in tags.items())


def _spaced(text: str) -> str:
    """The same record with a blank behind each semicolon, for a comparison word by word."""
    return "; ".join(part.strip() for part in text.split(";") if part.strip())
