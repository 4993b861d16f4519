"""The name server, asked by a real resolver over loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

from demo.dns_stub import Names

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    announced = tmp_path_factory.mktemp("dns") / "dns.json"
    with subprocess.Popen(
        [sys.executable, "-m", "demo.dns_stub", "--announce", str(announced)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        found = json.loads(process.stdout.readline())
        assert json.loads(announced.read_text()) == found
        yield found["port"]
        process.terminate()
        assert process.wait(5) == 0


@pytest.fixture
def resolver(port: int) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], port, 3
    return resolver


def test_the_bicycle_shop_has_everything_that_mail_needs(resolver: dns.resolver.Resolver) -> None:
    def texts(name: str) -> str:
        return "".join(
            part.decode() for row in resolver.resolve(name, "TXT") for part in row.strings
        )

    assert str(resolver.resolve("demo.example", "A")[0]) == "192.0.2.10"
    assert str(resolver.resolve("demo.example", "MX")[0]) == "10 mail.demo.example."
    assert texts("demo.example").startswith("v=spf1 ") and texts("demo.example").endswith("-all")
    assert texts("_spf.demo.example").startswith("v=spf1 ip4:127.0.0.1")
    assert texts("_dmarc.demo.example").startswith("v=DMARC1; p=quarantine")
    assert len(texts("postroom._domainkey.demo.example")) > 255


def test_it_answers_over_tcp_too(port: int) -> None:
    query = dns.message.make_query("ullhuset.example", "MX")

    reply = dns.query.tcp(query, "127.0.0.1", timeout=3, port=port)

    assert len(reply.answer[0]) == 2


def rcode_of(name: str, kind: str = "TXT") -> str:
    query = dns.message.make_query(name, kind)
    reply = Names().answer(query.to_wire())
    assert reply is not None
    return dns.rcode.to_text(dns.message.from_wire(reply).rcode())


def test_missing_names_records_and_zones_are_told_apart() -> None:
    assert rcode_of("nobody.demo.example") == "NXDOMAIN"
    assert rcode_of("_dmarc.ullhuset.example") == "NXDOMAIN"
    assert rcode_of("elsewhere.example") == "NXDOMAIN"
    assert rcode_of("demo.example", "AAAA") == "NOERROR"
    assert rcode_of("_domainkey.demo.example") == "NOERROR"
    assert rcode_of("gmail.com", "MX") == "REFUSED"


def test_an_answer_too_large_for_udp_sends_the_asker_to_tcp(tmp_path: Path) -> None:
    head = "@ 60 SOA ns.large.example. root.large.example. 1 2 3 4 5\n@ 60 NS ns.large.example.\n"
    words = "".join(f'@ 60 TXT "{number} {"x" * 200}"\n' for number in range(8))
    (tmp_path / "large.example.zone").write_text(head + words)
    query = dns.message.make_query("large.example", "TXT")

    reply = Names(tmp_path).answer(query.to_wire(), largest=1232)

    assert reply is not None
    message = dns.message.from_wire(reply)
    assert message.flags & dns.flags.TC and not message.answer


@pytest.mark.parametrize("wire", [b"", b"x", b"\xff" * 40])
def test_garbage_gets_no_answer(wire: bytes) -> None:
    assert Names().answer(wire) is None
