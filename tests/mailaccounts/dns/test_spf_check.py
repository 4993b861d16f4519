"""The SPF doctor on live records: status, found, exact proposal, advice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailaccounts.dns.resolver import Resolver
from mailaccounts.dns.spf_check import SpfReport, check_spf
from tests.mailaccounts.dns.spf_zone import INCLUDE, OURS, fill
from tests.name_server import NameServer

US = f"include:{INCLUDE}"
MANY = " ".join(f"include:i{number}.many.example" for number in range(10))


@pytest.fixture(scope="module")
def zone() -> Iterator[NameServer]:
    with NameServer() as server:
        fill(server)
        server.add("nested-minus.example", "TXT", "v=spf1 -include:full.example +mx -all")
        server.add("nine.example", "TXT", f"v=spf1 {MANY.rpartition(' ')[0]} -all")
        server.add("eleven-ours.example", "TXT", f"v=spf1 {MANY} {US} -all")
        server.add("eleven-double.example", "TXT", f"v=spf1 {MANY[24:]} {US} {US} -all")
        server.add("alike.example", "TXT", "v=spf1;a mx -all", "hello")
        server.add("three.example", "TXT", "v=spf1 a -all", "v=spf1 mx ~all", f"v=spf1 {US}")
        server.add("split.example", "TXT", "v=spf1 a -all", "v=spf1 redirect=full.example")
        server.add("merge-many.example", "TXT", f"v=spf1 {MANY} -all", "v=spf1 a -all")
        server.add("cname-a.example", "CNAME", "cname-b.example.")
        server.add("cname-b.example", "CNAME", "cname-a.example.")
        server.add("alias.example", "CNAME", "full.example.")
        server.add("truncated.example", "TXT", "v=spf1 mx -all").fail(
            "truncated.example", "truncated"
        )
        yield server


@pytest.fixture
def resolver(zone: NameServer) -> Resolver:
    return Resolver([zone.address], lifetime=2)


LONG = "v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(1, 37))

# domain, status, exact proposal (None: nothing to change, or no single edit helps), advice
TABLE = [
    ("gone.example", "missing", f"v=spf1 a mx {US} -all", []),
    ("plain.example", "missing", f"v=spf1 a mx {US} -all", []),
    ("lookalike.example", "missing", f"v=spf1 a mx {US} -all", ["looks-like-spf"]),
    ("alike.example", "missing", f"v=spf1 a mx {US} -all", ["looks-like-spf"]),
    ("full.example", "pass", None, []),
    ("alias.example", "pass", None, []),
    ("upper.example", "pass", None, []),
    ("redirect.example", "pass", None, []),
    ("nested.example", "pass", None, []),
    (INCLUDE, "pass", None, []),
    ("soft.example", "not-including-us", f"v=spf1 a mx {US} ~all", []),
    ("neutral.example", "not-including-us", f"v=spf1 mx {US} ?all", []),
    ("endless.example", "not-including-us", f"v=spf1 mx {US}", ["no-end"]),
    ("plus.example", "not-including-us", f"v=spf1 {US} +all", ["everyone-may-send"]),
    ("never.example", "not-including-us", f"v=spf1 {US} -all", ["nobody-could-send"]),
    ("empty.example", "not-including-us", f"v=spf1 {US}", ["no-end"]),
    ("blanks.example", "not-including-us", f"v=spf1 a mx {US} -all", []),
    ("redirect-mid.example", "pass", None, []),
    (
        "redirect-all.example",
        "not-including-us",
        f"v=spf1 redirect=full.example {US} -all",
        [],
    ),
    ("late.example", "not-including-us", f"v=spf1 {US} -all", ["moved"]),
    ("include-minus.example", "not-including-us", f"v=spf1 {US} +all",
     ["moved", "everyone-may-send"]),
    ("include-soft.example", "not-including-us", f"v=spf1 {US} -all", ["moved"]),
    ("include-fail.example", "not-including-us",
     f"v=spf1 include:never.example ip4:198.51.100.7 {US} -all", []),
    ("nested-minus.example", "not-including-us",
     f"v=spf1 -include:full.example +mx {US} -all", []),
    ("two-voids.example", "not-including-us",
     f"v=spf1 a:n1.gone.example a:n2.gone.example ip4:198.51.100.7 {US} -all", []),
    ("exp.example", "not-including-us",
     f"v=spf1 ip4:198.51.100.7 exp=why.example.org {US} -all", []),
    ("exists.example", "not-including-us", f"v=spf1 exists:%{{ir}}.%{{v}}.list.example {US} -all",
     []),
    ("ptr.example", "not-including-us", f"v=spf1 ptr {US} -all", ["ptr"]),
    ("truncated.example", "not-including-us", f"v=spf1 mx {US} -all", []),
    ("long.example", "not-including-us", f"{LONG} {US} -all", ["long"]),
    ("nine.example", "not-including-us", f"v=spf1 {MANY.rpartition(' ')[0]} {US} -all", []),
    ("two.example", "permerror", f"v=spf1 a mx {US} -all", ["merged"]),
    ("three.example", "permerror", f"v=spf1 a {US} mx ~all", ["merged"]),
    ("eleven-double.example", "permerror", f"v=spf1 {MANY[24:]} {US} -all", ["named-twice"]),
    ("ten.example", "not-including-us", None, ["would-be-too-many-lookups"]),
    ("many.example", "permerror", None, ["would-be-too-many-lookups"]),
    ("deep.example", "permerror", None, ["would-be-too-many-lookups"]),
    ("eleven-ours.example", "permerror", None, ["would-be-too-many-lookups"]),
    ("merge-many.example", "permerror", None, ["would-be-too-many-lookups"]),
    ("split.example", "permerror", None, ["merge-by-hand"]),
    ("voids.example", "permerror", None, ["mend-this-first"]),
    ("loop.example", "permerror", None, ["mend-this-first"]),
    ("loop-redirect.example", "permerror", None, ["mend-this-first"]),
    ("include-away.example", "permerror", None, ["mend-this-first"]),
    ("redirect-away.example", "permerror", None, ["mend-this-first"]),
    ("bad-inside.example", "permerror", None, ["mend-this-first"]),
    ("crowd.example", "permerror", None, ["mend-this-first"]),
    ("typo.example", "permerror", None, ["syntax"]),
    ("twice.example", "permerror", None, ["syntax"]),
    ("ill.example", "temperror", None, []),
    ("cname-a.example", "temperror", None, []),
    ("ill-inside.example", "temperror", f"v=spf1 include:ill.example {US} -all", []),
]  # fmt: skip


def check(domain: str, resolver: Resolver) -> SpfReport:
    return check_spf(domain, resolver, include=INCLUDE)


@pytest.mark.promise("S5.2", "S0.26", "S0.27")
@pytest.mark.parametrize(("domain", "status", "proposed", "advice"), TABLE)
def test_each_record_gets_its_status_and_the_exact_new_one(
    resolver: Resolver, domain: str, status: str, proposed: str | None, advice: list[str]
) -> None:
    found = check(domain, resolver).as_dict()

    assert (found["status"], found["proposed"], found["advice"]) == (status, proposed, advice)


@pytest.mark.promise("S5.2")
@pytest.mark.parametrize("domain", [row[0] for row in TABLE if row[2] and row[1] != "temperror"])
def test_what_is_proposed_is_in_order_once_published(
    names: NameServer, resolver: Resolver, domain: str
) -> None:
    proposed = check(domain, resolver).as_dict()
    later = fill(names).put(domain, "TXT", str(proposed["proposed"]))
    after = check(domain, Resolver([later.address])).as_dict()

    assert (after["status"], after["proposed"]) == ("pass", None)
    assert after["lookups"] == proposed["lookups_after"] <= 10


def test_it_shows_what_costs_look_ups(resolver: Resolver) -> None:
    found = check("soft.example", resolver).as_dict()

    assert [(term["term"], term["lookups"]) for term in found["terms"]] == [("a", 1), ("mx", 1)]
    assert (found["lookups"], found["lookups_after"], found["voids"]) == (2, 3, 0)
    assert {"text": US, "change": "new"} in found["diff"]


def test_the_others_of_several_records_are_to_be_deleted(resolver: Resolver) -> None:
    found = check("three.example", resolver).as_dict()

    assert set(found["delete"]) < set(found["found"]) and len(found["delete"]) == 2


def test_our_own_record_that_is_missing_is_said_and_stands_in_nobody_s_way(
    resolver: Resolver,
) -> None:
    found = check_spf("soft.example", resolver, include="spf.not-yet.example").as_dict()

    assert found["proposed"] == "v=spf1 a mx include:spf.not-yet.example ~all"
    assert found["advice"] == ["our-record-is-missing"]


def test_a_known_address_is_tried_too(resolver: Resolver) -> None:
    found = check_spf("mx-net.example", resolver, include=INCLUDE, our_ip="203.0.113.6").as_dict()
    refused = check_spf("mx-net.example", resolver, include=INCLUDE, our_ip=OURS).as_dict()

    assert found["this_server"] == {"verdict": "pass", "term": "mx/30"}
    assert refused["this_server"] == {"verdict": "fail", "term": "-all"}
