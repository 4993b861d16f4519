"""A whole report: its shape, its words, its time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from mailaccounts.dns.dkim_record import KeyToFind
from mailaccounts.dns.mx import check_mx
from mailaccounts.dns.operators import OPERATORS, by_slug, operator_of
from mailaccounts.dns.report import domain_report, our_include
from mailaccounts.dns.resolver import Resolver
from tests.name_server import NameServer

US = "spf.desk.example"


@pytest.fixture
def shop_zone(names: NameServer) -> NameServer:
    """A domain at OVH, with Google's mailboxes."""
    names.add(US, "TXT", "v=spf1 ip4:198.51.100.0/24 -all")
    names.add("shop.example", "TXT", "v=spf1 mx ~all", "google-site-verification=abc")
    names.add("shop.example", "MX", "10 aspmx.l.google.com.", "20 alt1.aspmx.l.google.com.")
    names.add("shop.example", "NS", "dns104.ovh.net.", "ns104.ovh.net.")
    return names


@pytest.mark.promise("S5.2", "S0.13", "S0.25")
def test_a_report_has_the_promised_shape(shop_zone: NameServer, resolver: Resolver) -> None:
    found = domain_report(
        "shop.example", resolver=resolver, keys=[KeyToFind("pr1")], include=US
    ).as_dict()

    assert json.loads(json.dumps(found)) == found
    assert found["domain"] == "shop.example"
    assert found["spf"]["status"] == "not-including-us"
    assert found["spf"]["found"] == ["v=spf1 mx ~all"]
    assert found["spf"]["proposed"] == f"v=spf1 mx include:{US} ~all"
    assert (found["spf"]["lookups"], found["spf"]["lookups_after"]) == (1, 2)
    assert [key["status"] for key in found["dkim"]] == ["missing"]
    assert found["dmarc"]["status"] == "missing"
    assert found["mx"]["hosts"][0] == {"preference": 10, "host": "aspmx.l.google.com"}
    assert found["mx"]["hoster"] == "google_workspace"
    assert found["dns"]["operator"] == "ovh"


@pytest.mark.promise("S0.25")
def test_the_hint_for_a_missing_record_names_the_operator_of_the_dns(
    shop_zone: NameServer, resolver: Resolver
) -> None:
    shop_zone.put("shop.example", "TXT")

    spf = domain_report("shop.example", resolver=resolver, include=US).as_dict()["spf"]

    assert spf["status"] == "missing"
    assert "will refuse mail" in spf["hint"]
    assert "OVH › Web Cloud › Domain names › shop.example › DNS zone" in spf["hint"]


def test_a_domain_that_does_not_exist_is_said_so(shop_zone: NameServer, resolver: Resolver) -> None:
    spf = domain_report("shpo.example", resolver=resolver, include=US).as_dict()["spf"]

    assert (spf["status"], spf["proposed"]) == ("missing", f"v=spf1 a mx include:{US} -all")
    assert spf["hint"].startswith("There is no domain shpo.example")


def test_a_domain_below_is_edited_where_its_zone_is(
    shop_zone: NameServer, resolver: Resolver
) -> None:
    found = domain_report("news.shop.example", resolver=resolver, include=US).as_dict()

    assert found["dns"]["operator"] == "ovh"
    assert found["dns"]["servers"] == ["dns104.ovh.net", "ns104.ovh.net"]


def test_an_unknown_operator_is_named_by_its_servers(
    shop_zone: NameServer, resolver: Resolver
) -> None:
    shop_zone.put("shop.example", "NS", "ns1.tiny.example.")

    found = domain_report("shop.example", resolver=resolver, include=US).as_dict()

    assert found["dns"]["operator"] is None
    assert "ns1.tiny.example" in found["spf"]["hint"]


@pytest.mark.promise("S5.2")
@pytest.mark.parametrize("fault", ["servfail", "refused", "silent"])
def test_nobody_answering_is_never_missing_and_ends_in_time(names: NameServer, fault: str) -> None:
    for name in ("shop.example", "_dmarc.shop.example", "pr1._domainkey.shop.example"):
        names.fail(name, fault)
    started = time.monotonic()

    found = domain_report(
        "shop.example",
        resolver=Resolver([names.address], lifetime=0.1, total=0.3),
        keys=[KeyToFind("pr1")],
        include=US,
    ).as_dict()

    assert time.monotonic() - started < 1
    kinds = [found["spf"], found["dkim"][0], found["dmarc"], found["mx"]]
    assert [kind["status"] for kind in kinds] == ["temperror"] * 4
    assert found["spf"]["proposed"] is None
    assert all("did not answer" in kind["hint"] for kind in kinds)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("v=spf1 ipv4:192.0.2.1 -all", "“ipv4:192.0.2.1” in the record of shop.example"),
        ("v=spf1 include:gone.example -all", "“include:gone.example”"),
        ("v=spf1 include:shop.example -all", "in a circle"),
        ("v=spf1 " + " ".join(f"a:h{n}.x.example" for n in range(3)), "names that do not exist"),
        ("v=spf1 " + " ".join(["mx"] * 11), "stop after 10 look-ups"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    shop_zone: NameServer, resolver: Resolver, record: str, words: str
) -> None:
    shop_zone.put("shop.example", "TXT", record)
    shop_zone.add("aspmx.l.google.com", "A", "192.0.2.1")
    shop_zone.add("alt1.aspmx.l.google.com", "A", "192.0.2.2")

    spf = domain_report("shop.example", resolver=resolver, include=US).as_dict()["spf"]

    assert spf["status"] == "permerror"
    assert words in spf["hint"]


def test_a_report_speaks_the_reader_s_language_later_too(
    shop_zone: NameServer, resolver: Resolver
) -> None:
    """Every code that is stored has words, so that they can be said again in any language."""
    from mailaccounts.dns import wording
    from mailaccounts.dns.dkim_record import DkimStatus
    from mailaccounts.dns.dmarc import DmarcStatus
    from mailaccounts.dns.spf_check import Obstacle, SpfStatus
    from mailaccounts.dns.spf_record import Advice
    from mailaccounts.dns.spf_syntax import Fault

    for status in SpfStatus:
        assert wording.spf_hint("shop.example", {"status": status.value})
    for dkim in DkimStatus:
        assert wording.dkim_hint({"status": dkim.value, "name": "x", "bits": 512})
    for dmarc in DmarcStatus:
        assert wording.dmarc_hint({"status": dmarc.value})
    for fault in Fault:
        assert wording.fault_words({"error": {"fault": fault.value, "term": "a", "domain": "b"}})
    codes = [code.value for code in (*Advice, *Obstacle)]
    assert len(wording.spf_notes({"advice": codes})) == len(codes)
    assert wording.mx_hint("shop.example", {"status": "missing"})


@pytest.mark.parametrize(
    ("servers", "slug"),
    [
        (["dns104.ovh.net"], "ovh"),
        (["dns.home.pl", "dns2.home.pl"], "home.pl"),
        (["ns1.nazwa.pl"], "nazwa"),
        (["lara.ns.cloudflare.com"], "cloudflare"),
        (["ns01.domaincontrol.com"], "godaddy"),
        (["ns1045.ui-dns.org"], "ionos"),
        (["ns-11-b.gandi.net"], "gandi"),
        (["ns1.infomaniak.ch"], "infomaniak"),
        (["ns01.one.com"], "one.com"),
        (["ns1.hyp.net"], "domeneshop"),
        (["gama.ns.active24.sk"], "active24"),
        (["ns.forpsi.net"], "forpsi"),
        (["ns.wedos.eu"], "wedos"),
        (["ns-1234.awsdns-26.org"], "aws"),
        (["ns-cloud-a1.googledomains.com"], "google"),
        (["ns1-07.azure-dns.com"], "azure"),
        (["ns1.o2switch.net"], "o2switch"),
        (["ns1.tiny.example", "NS-11-B.GANDI.NET."], "gandi"),
        (["ns1.notovh.net"], None),
        ([], None),
    ],
)
def test_an_operator_is_known_by_its_name_servers(servers: list[str], slug: str | None) -> None:
    found = operator_of(servers)

    assert (found.slug if found else None) == slug


def test_every_operator_says_where_to_click() -> None:
    assert len({operator.slug for operator in OPERATORS}) == len(OPERATORS)
    assert all("shop.example" in operator.path("shop.example") for operator in OPERATORS)
    assert all(by_slug(operator.slug) is operator for operator in OPERATORS)
    assert all(len(operator.slug) <= 40 for operator in OPERATORS)


@pytest.mark.parametrize(
    ("hosts", "status", "hoster"),
    [
        (["10 mx1.mail.ovh.net."], "pass", "ovh"),
        (["0 shop-example.mail.protection.outlook.com."], "pass", "office365"),
        (["10 mx.tiny.example."], "pass", None),
        (["0 ."], "refuses-mail", None),
        ([], "missing", None),
    ],
)
def test_mailboxes_are_known_by_the_mail_exchangers(
    names: NameServer, resolver: Resolver, hosts: list[str], status: str, hoster: str | None
) -> None:
    names.add("shop.example", "MX", *hosts)

    found = check_mx("shop.example", resolver)

    assert (found.status, found.hoster) == (status, hoster)


def test_the_settings_name_our_record(settings: Any) -> None:
    settings.SYSTEM_SENDER_ADDRESS = "no-reply@Post.example"
    settings.SPF_INCLUDE = ""
    assert our_include() == "spf.post.example"

    settings.SPF_INCLUDE = " include:_spf.Post.example. "
    assert our_include() == "_spf.post.example"
