"""May this server send for this domain? Evaluation of SPF records (RFC 7208).

``evaluate`` answers for one address and stops where a receiver stops. ``survey`` walks every term,
as a receiver does whom nothing matches: it counts the look-ups that a record can cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from mailaccounts.dns.resolver import Answer, DnsTrouble, Resolver
from mailaccounts.dns.spf_macros import Sending, expand_domain
from mailaccounts.dns.spf_syntax import Fault, SpfError, Term, is_spf, parse

MOST_LOOKUPS = 10  # section 4.6.4, as the two below
MOST_VOIDS = 2
MOST_HOSTS = 10
SURVEY_LOOKUPS = 40  # a survey goes on for a while to say how many there are
DEEPEST = 20


class Verdict(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


_BY_QUALIFIER = {
    "": Verdict.PASS,
    "+": Verdict.PASS,
    "-": Verdict.FAIL,
    "~": Verdict.SOFTFAIL,
    "?": Verdict.NEUTRAL,
}


@dataclass(slots=True)
class Counted:
    """One term that asks DNS. ``own`` is 1; ``lookups`` counts what stands in its record too."""

    term: str
    domain: str
    own: int = 1
    voids: int = 0
    fault: str = ""
    terms: list[Counted] = field(default_factory=list)

    @property
    def lookups(self) -> int:
        return self.own + sum(term.lookups for term in self.terms)

    def as_dict(self) -> dict[str, Any]:
        return {
            "term": self.term,
            "domain": self.domain,
            "lookups": self.lookups,
            "voids": self.voids,
            "fault": self.fault,
            "terms": [term.as_dict() for term in self.terms],
        }


@dataclass(frozen=True, slots=True)
class SpfResult:
    """``term`` is the one that decided, ``error`` what is wrong with the record.

    ``passing`` are the domains whose records a passing ``include`` or ``redirect`` leads to.
    """

    verdict: Verdict
    records: tuple[str, ...]
    term: str = ""
    error: SpfError | None = None
    lookups: int = 0
    voids: int = 0
    terms: tuple[Counted, ...] = ()
    passing: frozenset[str] = frozenset()


def evaluate(
    ip: str, domain: str, resolver: Resolver, *, sender: str = "", helo: str = ""
) -> SpfResult:
    """Section 4: what a receiver makes of mail from ``ip``. Never raises for what DNS does."""
    address = ip_address(ip)
    mapped = getattr(address, "ipv4_mapped", None)
    sending = Sending(mapped or address, sender or f"postmaster@{domain}", helo or domain)
    return _Walk(resolver, sending).result(domain)


def survey(domain: str, resolver: Resolver, *, record: str | None = None) -> SpfResult:
    """All terms of the record and of those it includes; the verdict is ``neutral`` if it is valid.

    More than ten look-ups or two empty answers are a ``permerror``, as for a receiver whom no
    term matches. With ``record`` it tells what would come of this one.
    """
    sending = Sending(None, f"postmaster@{domain}", domain)
    walk = _Walk(resolver, sending)
    if record is not None:
        walk.instead = {domain.lower(): (record,)}
    return walk.result(domain)


def spf_records(domain: str, resolver: Resolver) -> tuple[str, ...]:
    """The TXT records that are SPF records; several are an error. Raises ``DnsTrouble``.

    Sorted, because name servers give them in any order.
    """
    return tuple(sorted(text for text in resolver.txt(domain) if is_spf(text)))


class _Walk:
    """One evaluation. Without an address nothing matches, so that every term is walked."""

    def __init__(self, resolver: Resolver, sending: Sending) -> None:
        self.resolver = resolver
        self.sending = sending
        self.instead: dict[str, tuple[str, ...]] = {}  # records that are not in DNS yet
        self.lookups = 0
        self.voids = 0
        self.late: SpfError | None = None  # a limit that a survey has passed
        self.term = ""
        self.asking = ""  # the term whose answer is waited for
        self.passing: set[str] = set()
        self.top = Counted("", "", own=0)
        self.branch = self.top
        self.chain: list[tuple[str, bool]] = []  # domain; whether all on the way here may pass

    @property
    def surveys(self) -> bool:
        return self.sending.ip is None

    def result(self, domain: str) -> SpfResult:
        records: tuple[str, ...] = ()
        error: SpfError | None = None
        try:
            records = self._records(domain.lower())
            verdict = self.check(domain, True)
        except DnsTrouble:
            verdict, error = Verdict.TEMPERROR, SpfError(Fault.TEMPORARY, self.asking, domain)
        except SpfError as raised:
            verdict, error = Verdict.PERMERROR, raised
        if self.late is not None and verdict is not Verdict.TEMPERROR:
            verdict, error = Verdict.PERMERROR, error or self.late
        return SpfResult(
            verdict,
            records,
            term=self.term,
            error=error,
            lookups=self.lookups,
            voids=self.voids,
            terms=tuple(self.top.terms),
            passing=frozenset(self.passing),
        )

    def _records(self, domain: str) -> tuple[str, ...]:
        return self.instead.get(domain) or spf_records(domain, self.resolver)

    def check(self, domain: str, may_pass: bool) -> Verdict:
        """Section 4.6: the record of one domain."""
        domain = domain.lower().rstrip(".")
        if any(domain == above for above, _may in self.chain) or len(self.chain) > DEEPEST:
            raise SpfError(Fault.LOOP, self.branch.term, self.chain[-1][0])
        records = self._records(domain)
        if len(records) > 1:
            raise SpfError(Fault.SEVERAL, "", domain)
        if not records:
            return Verdict.NONE
        terms = parse(records[0], domain)
        if may_pass:
            self.passing.add(domain)
        self.chain.append((domain, may_pass))
        try:
            return self._terms(terms, domain)
        finally:
            self.chain.pop()

    def _terms(self, terms: tuple[Term, ...], domain: str) -> Verdict:
        mechanisms = [term for term in terms if not term.modifier]
        for term in mechanisms:
            if self.surveys and term.name == "all":
                return Verdict.NEUTRAL
            if self._matches(term, domain):
                self._decided_by(term)
                return _BY_QUALIFIER[term.qualifier]
        redirect = next((term for term in terms if term.name == "redirect"), None)
        if redirect is None or any(term.name == "all" for term in mechanisms):
            return Verdict.NEUTRAL
        with self._counted(redirect, domain) as target:
            verdict = self.check(target, self.chain[-1][1])
        if verdict is Verdict.NONE:
            raise SpfError(Fault.NO_RECORD, redirect.text, domain)
        return verdict

    def _decided_by(self, term: Term) -> None:
        if len(self.chain) == 1 or not self.term:
            self.term = term.text

    def _matches(self, term: Term, domain: str) -> bool:
        if term.name == "all":
            return True
        if term.network is not None:
            return self.sending.ip is not None and self.sending.ip in term.network
        with self._counted(term, domain) as target:
            return bool(getattr(self, f"_{term.name}")(term, target))

    @contextmanager
    def _counted(self, term: Term, domain: str) -> Iterator[str]:
        """Counts a look-up and opens its place in the tree; gives the domain it asks for."""
        self._limit(self.lookups + 1 > MOST_LOOKUPS, Fault.LOOKUPS, term.text, domain)
        self.lookups += 1
        self.asking = term.text
        if self.lookups > SURVEY_LOOKUPS:
            raise SpfError(Fault.LOOKUPS, term.text, domain)
        target = expand_domain(term.value, lambda letter: self._letter(letter, domain))
        above, self.branch = self.branch, Counted(term.text, target or domain)
        above.terms.append(self.branch)
        try:
            yield target.lower() or domain
        finally:
            self.branch = above

    def _limit(self, passed: bool, fault: Fault, term: str, domain: str) -> None:
        if not passed:
            return
        error = SpfError(fault, term, domain)
        if not self.surveys:
            raise error
        self.late = self.late or error

    def _letter(self, letter: str, domain: str) -> str:
        if letter == "p":
            return next(iter(self._own_names(domain)), "unknown")
        return self.sending.letter(letter, domain)

    def _rows(self, name: str, kind: str) -> Answer:
        answer = self.resolver.lookup(name, kind)
        if answer.asked and not answer.rows:
            self.voids += 1
            self.branch.voids += 1
            self._limit(self.voids > MOST_VOIDS, Fault.VOIDS, self.branch.term, self.chain[-1][0])
        return answer

    def _include(self, term: Term, target: str) -> bool:
        decided = self.term
        try:
            verdict = self.check(target, term.passes and self.chain[-1][1])
            if verdict is Verdict.NONE:
                raise SpfError(Fault.NO_RECORD, term.text, self.chain[-1][0])
        except SpfError as error:
            if not self.surveys or self.lookups > SURVEY_LOOKUPS:
                raise
            self.branch.fault = error.fault.value
            self.late = self.late or error
            return False
        self.term = decided
        return verdict is Verdict.PASS

    def _a(self, term: Term, target: str) -> bool:
        return self._is_at(target, term)

    def _mx(self, term: Term, target: str) -> bool:
        hosts = [row.split(" ", 1) for row in self._rows(target, "MX").rows]
        if len(hosts) > MOST_HOSTS:
            raise SpfError(Fault.MANY_HOSTS, term.text, self.chain[-1][0])
        hosts.sort(key=lambda pair: int(pair[0]))
        return any(self._is_at(host.rstrip("."), term) for _preference, host in hosts)

    def _exists(self, term: Term, target: str) -> bool:
        # What a macro makes of no address stands for nothing, so its absence counts for nothing.
        if self.surveys and "%" in term.value:
            return False
        return bool(self._rows(target, "A").rows) and not self.surveys

    def _ptr(self, term: Term, target: str) -> bool:
        """Section 5.5: errors of DNS are no match."""
        names = self._own_names(target)
        return any(name == target or name.endswith(f".{target}") for name in names)

    def _own_names(self, domain: str) -> list[str]:
        """The server's validated names, those of ``domain`` first (section 5.5)."""
        if self.sending.ip is None:
            return []
        try:
            rows = self._rows(self.sending.ip.reverse_pointer, "PTR").rows[:MOST_HOSTS]
        except DnsTrouble:
            return []
        names = [row.rstrip(".").lower() for row in rows]
        return sorted(
            (name for name in names if self._leads_back(name)),
            key=lambda name: (name != domain, not name.endswith(f".{domain}")),
        )

    def _leads_back(self, name: str) -> bool:
        try:
            return self.sending.ip in self._addresses(name)
        except DnsTrouble:
            return False

    def _addresses(self, name: str) -> list[IPv4Address | IPv6Address]:
        six = self.sending.ip is not None and self.sending.ip.version == 6
        return [ip_address(row) for row in self._rows(name, "AAAA" if six else "A").rows]

    def _is_at(self, host: str, term: Term) -> bool:
        found = self._addresses(host)
        if self.sending.ip is None:
            return False
        prefix = term.prefix4 if self.sending.ip.version == 4 else term.prefix6
        return any(
            self.sending.ip in ip_network(f"{address}/{prefix}", strict=False) for address in found
        )
