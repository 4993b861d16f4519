"""Records written from the panel, into a name server that takes updates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django_q.models import OrmQ

from mailaccounts import domain_work
from mailaccounts.models import DkimKey, KeyState, SenderDomain
from shops.models import AuditEntry
from tests.mailaccounts.domain_pages import (
    DOMAIN,
    PROPOSED,
    fill,
    filled_server,
    make_domain,
    seen,
    url,
)
from tests.name_server import NameServer
from tests.update_server import KEY, UpdateServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Any) -> Iterator[NameServer]:
    with filled_server(settings) as running:
        yield running


@pytest.fixture
def domain(shop, server) -> SenderDomain:
    return make_domain(shop)


@pytest.fixture
def zone(settings: Any, server) -> Iterator[UpdateServer]:
    """The name server is the operator's own: it answers the checks too."""
    with UpdateServer(DOMAIN) as running:
        fill(running)
        settings.DNS_SERVERS = [running.address]
        settings.DNS_UPDATE_SERVER = running.address
        settings.DNS_UPDATE_ZONES = [DOMAIN]
        settings.DNS_UPDATE_KEY = KEY
        yield running


@pytest.mark.promise("S0.11")
def test_records_are_published_from_the_panel_after_a_look_at_what_changes(
    owner_client, owner, domain, zone
):
    owner_client.post(url("domain_plan", domain))
    domain_work.plan(domain.pk)
    page = seen(owner_client.get(url("domain", domain)))
    assert "Exactly this will change" in page
    assert f"<mark>{PROPOSED}</mark>" in page
    assert zone.updates == []
    digest = domain_work.plan_of(domain).digest
    owner_client.post(url("domain_publish", domain), {"digest": digest})
    domain_work.publish(domain.pk, digest, owner.pk)
    assert zone.texts(DOMAIN) == [f'"{PROPOSED}"']
    page = seen(owner_client.get(url("domain", domain)))
    # The check after it has seen all three, and the new key signs from now on.
    assert "Your record names our server." in page
    assert "Every mail carries a seal" in page
    assert "the name server answers them" in page
    assert DkimKey.objects.get().state == KeyState.ACTIVE
    entry = AuditEntry.objects.get(action="domain.records_published")
    assert entry.user == owner and DOMAIN in entry.details["names"]


@pytest.mark.promise("S0.11")
def test_what_was_not_shown_is_not_published(owner_client, owner, domain, zone):
    domain_work.plan(domain.pk)
    owner_client.post(url("domain_publish", domain), {"digest": "0" * 64})
    assert not OrmQ.objects.exists()
    domain_work.publish(domain.pk, "0" * 64, owner.pk)
    assert zone.updates == []


def test_an_update_that_fails_says_why(owner_client, owner, domain, zone):
    domain_work.plan(domain.pk)
    zone.add(DOMAIN, "TXT", "somebody was here")
    domain_work.publish(domain.pk, domain_work.plan_of(domain).digest, owner.pk)
    page = seen(owner_client.get(url("domain", domain)))
    assert "Somebody changed the records meanwhile" in page
    assert "Write these records" not in page


def test_another_shops_staff_may_not_write_into_the_zone(owner_client, domain, zone, other_shop):
    assert "Set these records from here" not in seen(owner_client.get(url("domain", domain)))
    for name in ("domain_plan", "domain_publish"):
        assert owner_client.post(url(name, domain)).status_code == 403
    assert not OrmQ.objects.exists()


def test_an_operator_may_write_into_every_zone(client, operator, domain, zone, other_shop):
    client.force_login(operator)
    assert "Set these records from here" in seen(client.get(url("domain", domain)))
    assert client.post(url("domain_plan", domain)).status_code == 302
