"""SPF evaluation against a real name server; pyspf is the second opinion."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

import dns.exception
import dns.resolver
import pytest

from mailaccounts.dns.resolver import Resolver
from mailaccounts.dns.spf import evaluate, survey
from mailaccounts.dns.spf_check import check_spf
from tests.mailaccounts.dns.spf_zone import INCLUDE, OURS, VERDICTS, fill
from tests.name_server import NameServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import spf as pyspf  # its docstrings have escapes that Python no longer knows

SENDER, HELO = "anna@{}", "mail.desk.example"


@pytest.fixture(scope="module")
def zone() -> Iterator[NameServer]:
    with NameServer() as server:
        yield fill(server)


@pytest.fixture
def resolver(zone: NameServer) -> Resolver:
    return Resolver([zone.address], lifetime=2)


@pytest.fixture
def second_opinion(zone: NameServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """pyspf, asking the same server."""
    stub = dns.resolver.Resolver(configure=False)
    stub.nameservers, stub.port, stub.lifetime = ["127.0.0.1"], zone.port, 2

    def look_up(name: str, kind: str, tcp: bool = True, timeout: float = 30) -> list[Any]:
        try:
            rows = stub.resolve(name, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise pyspf.TempError(str(error)) from error
        values = {
            "A": lambda row: row.address,
            "AAAA": lambda row: row.address,
            "MX": lambda row: (row.preference, row.exchange.to_text(True)),
            "PTR": lambda row: row.target.to_text(True),
            "TXT": lambda row: tuple(row.strings),
        }
        return [((name, kind), values[kind](row)) for row in rows]

    monkeypatch.setattr(pyspf, "DNSLookup", look_up)
    return pyspf


@pytest.mark.promise("S5.2")
@pytest.mark.parametrize(("domain", "ip", "verdict"), VERDICTS)
def test_the_verdict_is_that_of_pyspf(
    resolver: Resolver, second_opinion: Any, domain: str, ip: str, verdict: str
) -> None:
    found = evaluate(ip, domain, resolver, sender=SENDER.format(domain), helo=HELO)
    theirs, _words = second_opinion.check2(ip, SENDER.format(domain), HELO)

    assert (found.verdict, theirs) == (verdict, verdict)


def test_the_table_has_more_than_sixty_records() -> None:
    assert len({domain for domain, _ip, _verdict in VERDICTS}) > 60


@pytest.mark.parametrize(
    ("domain", "ip", "term"),
    [
        ("full.example", OURS, f"include:{INCLUDE}"),
        ("full.example", "203.0.113.6", "mx"),
        ("soft.example", OURS, "~all"),
        ("include-fail.example", OURS, "ip4:198.51.100.7"),
        ("redirect.example", OURS, f"include:{INCLUDE}"),
        ("endless.example", OURS, ""),
    ],
)
def test_it_names_the_term_that_decided(
    resolver: Resolver, domain: str, ip: str, term: str
) -> None:
    assert evaluate(ip, domain, resolver).term == term


@pytest.mark.parametrize(
    ("domain", "fault", "term"),
    [
        ("typo.example", "syntax", "ipv4:198.51.100.7"),
        ("loop.example", "loop", "include:loop.example"),
        ("loop-a.example", "loop", "include:loop-a.example"),
        ("many.example", "too-many-lookups", "include:i10.many.example"),
        ("voids.example", "too-many-voids", "a:n3.gone.example"),
        ("include-away.example", "no-record-there", "include:gone.example"),
        ("redirect-away.example", "no-record-there", "redirect=gone.example"),
        ("two.example", "several-records", ""),
        ("crowd.example", "too-many-mail-servers", "mx"),
        ("ill-inside.example", "temporary", "include:ill.example"),
        ("macro-zero.example", "syntax", "exists:%{d0}.example"),
        ("macro-open.example", "syntax", "exists:%{i.list.example"),
        ("umlaut.example", "syntax", "a:łódź.example"),
    ],
)
def test_it_says_what_is_wrong(
    zone: NameServer, resolver: Resolver, domain: str, fault: str, term: str
) -> None:
    zone.put("macro-zero.example", "TXT", "v=spf1 exists:%{d0}.example -all")
    zone.put("macro-open.example", "TXT", "v=spf1 exists:%{i.list.example -all")
    zone.put("umlaut.example", "TXT", "v=spf1 a:łódź.example -all")

    for found in (evaluate("192.0.2.250", domain, resolver), survey(domain, resolver)):
        assert found.error is not None
        assert (found.error.fault, found.error.term) == (fault, term)


@pytest.mark.promise("S5.2")
def test_a_survey_counts_each_term_and_what_is_inside(resolver: Resolver) -> None:
    found = survey("nested.example", resolver)

    assert (found.verdict, found.lookups, found.voids) == ("neutral", 5, 0)
    assert [term.as_dict() for term in found.terms] == [
        {
            "term": "include:redirect.example",
            "domain": "redirect.example",
            "lookups": 5,
            "voids": 0,
            "fault": "",
            "terms": [
                {
                    "term": "redirect=full.example",
                    "domain": "full.example",
                    "lookups": 4,
                    "voids": 0,
                    "fault": "",
                    "terms": [
                        _leaf("a", "full.example"),
                        _leaf("mx", "full.example"),
                        _leaf(f"include:{INCLUDE}", INCLUDE),
                    ],
                }
            ],
        }
    ]
    assert INCLUDE in found.passing


def _leaf(term: str, domain: str) -> dict[str, Any]:
    return {"term": term, "domain": domain, "lookups": 1, "voids": 0, "fault": "", "terms": []}


@pytest.mark.parametrize(
    ("domain", "lookups", "voids"),
    [
        ("many.example", 11, 0),
        ("voids.example", 3, 3),
        ("deep.example", 11, 0),
        ("ten.example", 10, 0),
    ],
)
def test_a_survey_counts_on_where_receivers_stop(
    resolver: Resolver, domain: str, lookups: int, voids: int
) -> None:
    found = survey(domain, resolver)

    assert (found.lookups, found.voids) == (lookups, voids)


@pytest.mark.parametrize(
    "domain", ["include-minus.example", "include-soft.example", "late.example"]
)
def test_only_an_include_that_passes_leads_to_us(resolver: Resolver, domain: str) -> None:
    assert INCLUDE not in survey(domain, resolver).passing


def test_what_stands_behind_all_costs_nothing(resolver: Resolver) -> None:
    assert survey("late.example", resolver).lookups == 0
    assert survey("redirect-all.example", resolver).lookups == 0


@pytest.mark.promise("S5.2")
def test_a_record_of_several_strings_is_read_as_one(zone: NameServer, resolver: Resolver) -> None:
    (record,) = survey("long.example", resolver).records

    assert len(record) > 450


def test_a_server_without_a_name_has_none_in_macros(zone: NameServer, resolver: Resolver) -> None:
    zone.put("p.example", "TXT", "v=spf1 exists:%{p}.names.example -all")
    zone.put("unknown.names.example", "A", "127.0.0.2")

    assert evaluate("192.0.2.77", "p.example", resolver).verdict == "pass"


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 a:a." + "b" * 3900 + "!",
        "v=spf1 a:" + "%{d}" * 990,
        "v=spf1 a:" + "a." * 1900 + "!",
        "v=spf1" + " a" * 1900,
        "v=spf1" + " a" * 30000,
        "v=spf1 exists:" + "%{l1r.-+,/_=}" * 300,
    ],
)
def test_a_hostile_record_costs_little_time(
    zone: NameServer, resolver: Resolver, record: str
) -> None:
    zone.put("hostile.example", "TXT", record)
    started = time.process_time()

    found = check_spf("hostile.example", resolver, include=INCLUDE).as_dict()

    assert found["status"] in ("permerror", "not-including-us")
    assert time.process_time() - started < 2
