"""Domains as a check leaves them, against a name server that a test fills."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

from django.urls import reverse

from mailaccounts import domain_work
from mailaccounts.models import SenderDomain
from shops.models import Shop
from tests import factories
from tests.name_server import NameServer

INCLUDE = "spf.poczta.example"
DOMAIN = "rowerownia.example"
FOUND = "v=spf1 a mx include:mx.hoster.example ~all"
PROPOSED = f"v=spf1 a mx include:mx.hoster.example include:{INCLUDE} ~all"


def fill(server: NameServer) -> None:
    """A domain that does not name our server yet, at OVH, with a DMARC policy that watches."""
    server.add(DOMAIN, "TXT", FOUND).add(DOMAIN, "A", "192.0.2.1")
    server.add(DOMAIN, "MX", f"10 mail.{DOMAIN}.").add(f"mail.{DOMAIN}", "A", "192.0.2.2")
    server.add(DOMAIN, "NS", "dns104.ovh.net.", "ns104.ovh.net.")
    server.add("mx.hoster.example", "TXT", "v=spf1 ip4:198.51.100.0/24 ~all")
    server.add(INCLUDE, "TXT", "v=spf1 ip4:192.0.2.99 -all")
    server.add(f"_dmarc.{DOMAIN}", "TXT", f"v=DMARC1; p=none; rua=mailto:dmarc@{DOMAIN}")


@contextmanager
def filled_server(settings: Any) -> Iterator[NameServer]:
    """The name server that the checks ask, filled as above."""
    with NameServer() as running:
        settings.DNS_SERVERS = [running.address]
        settings.SPF_INCLUDE = INCLUDE
        fill(running)
        yield running


def make_domain(shop: Shop, name: str = DOMAIN, **account: Any) -> SenderDomain:
    """A domain that an account of the shop sends from, over this server or as told."""
    factories.make_account(shop, from_address=f"sklep@{name}", **{"kind": "server", **account})
    domain, _made = SenderDomain.objects.get_or_create(shop=shop, domain=name)
    return domain


def checked(domain: SenderDomain) -> SenderDomain:
    """After the task that the button starts."""
    domain_work.check(domain.pk)
    domain.refresh_from_db()
    return domain


def url(name: str, domain: SenderDomain, **kwargs: Any) -> str:
    return reverse(f"mailaccounts:{name}", args=[domain.shop.slug, domain.pk], **kwargs)


def seen(response: Any) -> str:
    """The page as its reader has it: entities resolved, white space of one kind."""
    assert response.status_code == 200, response.status_code
    return " ".join(unescape(response.content.decode()).split())
