"""The resolver against a real name server on loopback."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from mailaccounts.dns.resolver import DnsTrouble, Resolver
from tests.name_server import NameServer


def test_strings_of_one_record_are_joined_without_a_space(
    names: NameServer, resolver: Resolver
) -> None:
    text = "v=spf1 " + "x" * 440 + " -all"
    names.add("shop.example", "TXT", text, "other")

    assert sorted(resolver.txt("shop.example")) == ["other", text]


def test_no_domain_no_record_and_no_answer_are_told_apart(
    names: NameServer, resolver: Resolver
) -> None:
    names.add("shop.example", "A", "192.0.2.1").fail("ill.example", "servfail")

    assert not resolver.lookup("nobody.example", "TXT").domain_exists
    assert resolver.lookup("shop.example", "TXT").domain_exists
    assert resolver.lookup("shop.example", "TXT").rows == ()
    assert resolver.lookup("example", "TXT").domain_exists
    with pytest.raises(DnsTrouble):
        resolver.lookup("ill.example", "TXT")


def test_hosts_come_in_order(names: NameServer, resolver: Resolver) -> None:
    names.add("shop.example", "MX", "20 mx2.shop.example.", "10 MX1.shop.example.")
    names.add("shop.example", "NS", "ns2.ovh.example.", "NS1.ovh.example.")
    names.add("shop.example", "AAAA", "2001:db8::1")

    assert resolver.mx("shop.example") == [(10, "MX1.shop.example"), (20, "mx2.shop.example")]
    assert resolver.ns("shop.example") == ["ns1.ovh.example", "ns2.ovh.example"]
    assert [str(address) for address in resolver.addresses("shop.example", 6)] == ["2001:db8::1"]


@pytest.mark.promise("S5.2")
def test_a_truncated_answer_is_asked_for_again_over_tcp(
    names: NameServer, resolver: Resolver
) -> None:
    names.add("shop.example", "TXT", "v=spf1 -all").fail("shop.example", "truncated")

    assert resolver.txt("shop.example") == ("v=spf1 -all",)
    assert [way for _name, _kind, way in names.asked] == ["udp", "tcp"]


def test_an_answer_that_does_not_fit_comes_over_tcp(names: NameServer, resolver: Resolver) -> None:
    names.add("shop.example", "TXT", *(f"{number} {'x' * 200}" for number in range(9)))

    assert len(resolver.txt("shop.example")) == 9
    assert names.asked[-1][2] == "tcp"


def test_aliases_are_followed_and_a_circle_of_them_is_trouble(
    names: NameServer, resolver: Resolver
) -> None:
    names.add("www.shop.example", "CNAME", "shop.example.").add("shop.example", "TXT", "hello")
    names.add("a.shop.example", "CNAME", "b.shop.example.")
    names.add("b.shop.example", "CNAME", "a.shop.example.")

    assert resolver.txt("www.shop.example") == ("hello",)
    with pytest.raises(DnsTrouble):
        resolver.txt("a.shop.example")


def test_silence_ends_after_the_time_of_a_question(names: NameServer) -> None:
    names.fail("shop.example", "silent")
    resolver = Resolver([names.address], lifetime=0.15)
    started = time.monotonic()

    with pytest.raises(DnsTrouble):
        resolver.txt("shop.example")

    assert time.monotonic() - started < 1


def test_all_questions_together_end_after_the_time_of_a_report(names: NameServer) -> None:
    for number in range(20):
        names.fail(f"{number}.example", "silent")
    resolver = Resolver([names.address], lifetime=5, total=0.25)
    started = time.monotonic()

    with resolver.one_report():
        for number in range(20):
            with pytest.raises(DnsTrouble):
                resolver.txt(f"{number}.example")

    assert time.monotonic() - started < 1
    assert {name for name, _kind, _way in names.asked} == {"0.example"}


def test_one_question_is_asked_once(names: NameServer, resolver: Resolver) -> None:
    names.add("shop.example", "TXT", "hello").fail("ill.example", "servfail")
    for name in ("shop.example", "SHOP.example."):
        resolver.txt(name)
    for _again in range(2):
        with pytest.raises(DnsTrouble):
            resolver.txt("ill.example")

    assert len(names.asked) == 2


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example", "łódź.example", "y." * 130, ""])
def test_what_cannot_be_a_name_is_not_asked(
    names: NameServer, resolver: Resolver, name: str
) -> None:
    answer = resolver.lookup(name, "TXT")

    assert (answer.rows, answer.asked) == ((), False)
    assert names.asked == []


def test_the_settings_name_the_servers(names: NameServer, settings: Any) -> None:
    settings.DNS_SERVERS = [names.address]
    names.add("shop.example", "TXT", "hello")

    assert Resolver().txt("shop.example") == ("hello",)


@pytest.mark.parametrize("entry", ["dns.example:53", "127.0.0.1:dns", "127.0.0.1:53:53"])
def test_a_server_that_is_no_address_is_said_so(entry: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DNS_SERVERS"):
        Resolver([entry])


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1:53", "::1", "[::1]:53", "[::1]"])
def test_servers_are_written_with_or_without_a_port(entry: str) -> None:
    Resolver([entry])
