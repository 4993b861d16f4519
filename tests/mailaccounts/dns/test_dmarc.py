"""DMARC policies: found, read, aligned, made stricter."""

from __future__ import annotations

import pytest

from mailaccounts.dns.dmarc import alignment, check_dmarc, organisation, read_policy
from mailaccounts.dns.resolver import Resolver
from tests.name_server import NameServer


@pytest.mark.promise("S5.3", "S0.13")
@pytest.mark.parametrize(
    ("records", "status", "proposed"),
    [
        ([], "missing", "v=DMARC1; p=none; rua=mailto:postmaster@shop.example"),
        (["hello"], "missing", "v=DMARC1; p=none; rua=mailto:postmaster@shop.example"),
        (["v=DMARC1; p=none; rua=mailto:d@shop.example"], "watching",
         "v=DMARC1; p=quarantine; rua=mailto:d@shop.example"),
        (["v=DMARC1;p=none;rua=mailto:d@shop.example;adkim=s"], "watching",
         "v=DMARC1; p=quarantine; rua=mailto:d@shop.example; adkim=s"),
        (["v=DMARC1; p=quarantine; pct=20"], "watching", "v=DMARC1; p=quarantine"),
        (["v=DMARC1; p=reject; t=y"], "watching", "v=DMARC1; p=reject"),
        (["v=DMARC1; rua=mailto:d@shop.example"], "watching",
         "v=DMARC1; p=quarantine; rua=mailto:d@shop.example"),
        (["v=DMARC1; p=monitor; rua=mailto:d@shop.example"], "watching",
         "v=DMARC1; p=quarantine; rua=mailto:d@shop.example"),
        (["v=DMARC1; p=quarantine; adkim=s; aspf=s"], "pass", None),
        (["v=DMARC1; p=reject; sp=none; pct=100;"], "pass", None),
        (["v = DMARC1 ; P=Reject"], "pass", None),
        (["v=DMARC1; p=reject", "other"], "pass", None),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "several-records", None),
        (["v=DMARC1; p=monitor"], "permerror",
         "v=DMARC1; p=none; rua=mailto:postmaster@shop.example"),
        (["v=DMARC1; p=none p=none"], "permerror",
         "v=DMARC1; p=none; rua=mailto:postmaster@shop.example"),
        (["v=DMARC1 p=reject"], "permerror",
         "v=DMARC1; p=none; rua=mailto:postmaster@shop.example"),
        (["v=dmarc1; p=reject"], "permerror",
         "v=DMARC1; p=none; rua=mailto:postmaster@shop.example"),
        (["v=DMARC1; p=reject; p=none"], "permerror",
         "v=DMARC1; p=none; rua=mailto:postmaster@shop.example"),
    ],
)  # fmt: skip
def test_a_policy_gets_its_status_and_the_next_step(
    names: NameServer, resolver: Resolver, records: list[str], status: str, proposed: str | None
) -> None:
    names.add("_dmarc.shop.example", "TXT", *records)

    found = check_dmarc("shop.example", resolver).as_dict()

    assert (found["status"], found["proposed"]) == (status, proposed)
    assert found["name"] == "_dmarc.shop.example"


def test_what_was_not_answered_is_not_missing(names: NameServer, resolver: Resolver) -> None:
    names.fail("_dmarc.shop.example", "servfail")

    assert check_dmarc("shop.example", resolver).status == "temperror"


@pytest.mark.promise("S5.3")
@pytest.mark.parametrize(
    ("policy", "effective", "status", "proposed"),
    [
        ("v=DMARC1; p=reject", "reject", "pass", None),
        ("v=DMARC1; p=reject; sp=none", "none", "watching", "v=DMARC1; p=reject; sp=quarantine"),
        ("v=DMARC1; p=none", "none", "watching", "v=DMARC1; p=quarantine"),
        ("v=DMARC1; p=none; sp=quarantine", "quarantine", "pass", None),
    ],
)
def test_a_domain_below_has_the_policy_of_the_one_above(
    names: NameServer,
    resolver: Resolver,
    policy: str,
    effective: str,
    status: str,
    proposed: str | None,
) -> None:
    names.add("_dmarc.shop.example", "TXT", policy)

    found = check_dmarc("news.mail.shop.example", resolver).as_dict()

    assert (found["policy"], found["status"], found["proposed"]) == (effective, status, proposed)
    assert (found["name"], found["found"]) == ("_dmarc.shop.example", [policy])


@pytest.mark.promise("S5.3")
@pytest.mark.parametrize(
    ("tags", "spf_domain", "dkim_domains", "aligned"),
    [
        ("", "shop.example", ["shop.example"], (True, True)),
        ("", "bounces.shop.example", ["mail.shop.example"], (True, True)),
        ("; aspf=s; adkim=s", "bounces.shop.example", ["mail.shop.example"], (False, False)),
        ("; aspf=s", "shop.example", ["mail.shop.example"], (True, True)),
        ("", "provider.example", ["provider.example"], (False, False)),
        ("", "provider.example", ["provider.example", "shop.example"], (False, True)),
        ("", "ashop.example", [], (False, False)),
    ],
)
def test_spf_and_dkim_count_only_for_the_same_organisation(
    names: NameServer,
    resolver: Resolver,
    tags: str,
    spf_domain: str,
    dkim_domains: list[str],
    aligned: tuple[bool, bool],
) -> None:
    text = f"v=DMARC1; p=none{tags}"
    names.add("_dmarc.shop.example", "TXT", text)
    policy = read_policy("shop.example", text)
    assert policy is not None

    found = alignment(policy, "shop.example", spf_domain, dkim_domains, resolver)

    assert (found["spf"], found["dkim"]) == aligned


def test_two_domains_below_one_are_of_one_organisation(
    names: NameServer, resolver: Resolver
) -> None:
    names.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=none")

    found = check_dmarc("news.shop.example", resolver, spf_domain="mail.shop.example")

    assert found.aligned == {"spf": True, "dkim": True}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ({}, "a.b.shop.example"),
        ({"shop.example": "v=DMARC1; p=none"}, "shop.example"),
        ({"b.shop.example": "v=DMARC1; p=none", "shop.example": "v=DMARC1; p=none"},
         "shop.example"),
        ({"b.shop.example": "v=DMARC1; p=none; psd=n", "shop.example": "v=DMARC1; p=none"},
         "b.shop.example"),
        ({"example": "v=DMARC1; p=none; psd=y"}, "shop.example"),
        ({"shop.example": "v=DMARC1; p=wrong"}, "a.b.shop.example"),
    ],
)  # fmt: skip
def test_the_organisation_is_found_by_walking_up(
    names: NameServer, resolver: Resolver, records: dict[str, str], expected: str
) -> None:
    for domain, text in records.items():
        names.add(f"_dmarc.{domain}", "TXT", text)

    assert organisation("a.b.shop.example", resolver) == expected


def test_the_walk_asks_eight_times_at_most(names: NameServer, resolver: Resolver) -> None:
    organisation(".".join("abcdefghijklm") + ".shop.example", resolver)

    asked = [name for name, _kind, _way in names.asked]
    assert len(asked) == 8
    assert asked[1] == "_dmarc.i.j.k.l.m.shop.example" and asked[-1] == "_dmarc.example"
