"""Fixtures of the transports' and the accounts' tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from mailaccounts.dns.resolver import Resolver
from mailaccounts.transports import smtp_opening
from tests import factories
from tests.mailaccounts.account_pages import CANARY
from tests.name_server import NameServer
from tests.smtp import make_certificate


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A certificate for 127.0.0.1 that the process trusts."""
    context = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    smtp_opening.tls_context.cache_clear()
    yield context
    smtp_opening.tls_context.cache_clear()


@pytest.fixture
def account(shop):
    """A shop's main account over SMTP, with a password that must turn up nowhere."""
    return factories.make_account(
        shop,
        host="smtp.ovh.example",
        port=465,
        tls_mode="implicit",
        username="sklep@rowerownia.example",
        password=CANARY,
    )


@pytest.fixture(scope="session")
def one_server() -> Iterator[NameServer]:
    with NameServer() as server:
        yield server


@pytest.fixture
def names(one_server: NameServer) -> NameServer:
    one_server.clear()
    return one_server


@pytest.fixture
def resolver(names: NameServer) -> Resolver:
    return Resolver([names.address], lifetime=2)


@pytest.fixture
def sound_names(names: NameServer, settings: Any) -> NameServer:
    """The only name server that is asked; the shop's domain is in order there."""
    settings.DNS_SERVERS, settings.SPF_INCLUDE = [names.address], "spf.post.example"
    own = "rowerownia.example"
    names.add(own, "TXT", "v=spf1 include:spf.post.example ~all")
    names.add("spf.post.example", "TXT", "v=spf1 ip4:192.0.2.1 ~all")
    names.add(f"_dmarc.{own}", "TXT", "v=DMARC1; p=reject")
    return names


@pytest.fixture
def loopback(settings: Any) -> None:
    """The outbound guard lets servers of this computer through."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1:*"]
