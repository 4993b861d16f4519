"""Dynamic updates against a server that understands them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from mailaccounts.dns.update import Change, UpdateFailed, Wanted, plan, publish, zone_of
from mailaccounts.dns.update_settings import staff_may_publish, where
from shops.models import Shop
from tests.smtp import closed_port
from tests.update_server import KEY, SECRET, UpdateServer

ZONE = "rowerownia.example"
OLD_SPF = "v=spf1 a mx ~all"
NEW_SPF = "v=spf1 a mx include:spf.postroom.example ~all"
DKIM = "v=DKIM1; k=rsa; p=" + "A" * 392
WANTED = [
    Wanted("spf", ZONE, NEW_SPF),
    Wanted("dkim", f"pr1._domainkey.{ZONE}", DKIM),
    Wanted("dmarc", f"_dmarc.{ZONE}", "v=DMARC1; p=none"),
]


@pytest.fixture
def server(settings: Any) -> Iterator[UpdateServer]:
    with UpdateServer(ZONE) as running:
        running.add(ZONE, "TXT", OLD_SPF, 'other="people\'s"')
        settings.DNS_UPDATE_SERVER = running.address
        settings.DNS_UPDATE_ZONES = [ZONE]
        settings.DNS_UPDATE_KEY = KEY
        yield running


def facts(changes: list[Change]) -> list[tuple[str, list[str], list[str]]]:
    return [(change.kind, change.before, change.after) for change in changes]


@pytest.mark.promise("S0.11")
def test_it_shows_what_would_change_and_touches_nothing(server: UpdateServer) -> None:
    assert facts(plan(ZONE, WANTED)) == [
        ("spf", [OLD_SPF], [NEW_SPF]),
        ("dkim", [], [DKIM]),
        ("dmarc", [], ["v=DMARC1; p=none"]),
    ]
    assert server.updates == []


@pytest.mark.promise("S0.11")
def test_it_publishes_all_three_and_leaves_other_peoples_records(server: UpdateServer) -> None:
    publish(ZONE, plan(ZONE, WANTED))
    [update] = server.updates
    assert update.had_tsig
    assert sorted(server.texts(ZONE)) == sorted([f'"{NEW_SPF}"', '"other=\\"people\'s\\""'])
    assert server.texts(f"_dmarc.{ZONE}") == ['"v=DMARC1; p=none"']
    [stored] = server.texts(f"pr1._domainkey.{ZONE}")
    assert [len(each) for each in stored.strip('"').split('" "')] == [255, len(DKIM) - 255]
    # What is as it should be is not in the next plan.
    assert plan(ZONE, WANTED) == []


def test_a_plan_survives_being_stored_as_data(server: UpdateServer) -> None:
    changes = plan(ZONE, WANTED)
    assert [Change.from_dict(each.as_dict()) for each in changes] == changes


@pytest.mark.promise("S0.11")
@pytest.mark.parametrize("name", [ZONE, f"_dmarc.{ZONE}"])
def test_a_change_by_somebody_else_meanwhile_stops_all_of_it(
    server: UpdateServer, name: str
) -> None:
    changes = plan(ZONE, WANTED)
    server.add(name, "TXT", "somebody else's")
    before = {each: list(server.texts(each)) for each in (ZONE, f"_dmarc.{ZONE}")}
    with pytest.raises(UpdateFailed, match="meanwhile"):
        publish(ZONE, changes)
    assert {each: server.texts(each) for each in before} == before


def test_a_record_that_should_go_goes(server: UpdateServer) -> None:
    name = f"pr0._domainkey.{ZONE}"
    server.add(name, "TXT", "v=DKIM1; p=AAAA")
    publish(ZONE, plan(ZONE, [Wanted("dkim", name, "")]))
    assert server.texts(name) == []


def test_two_spf_records_become_one(server: UpdateServer) -> None:
    server.add(ZONE, "TXT", "v=spf1 -all")
    publish(ZONE, plan(ZONE, WANTED[:1]))
    assert [each for each in server.texts(ZONE) if "spf1" in each] == [f'"{NEW_SPF}"']


def test_an_alias_is_not_written_over(server: UpdateServer) -> None:
    server.put(f"_dmarc.{ZONE}", "CNAME", "dmarc.elsewhere.example.")
    with pytest.raises(UpdateFailed, match="alias"):
        plan(ZONE, WANTED)


def test_a_server_that_only_says_yes_is_found_out(server: UpdateServer) -> None:
    changes = plan(ZONE, WANTED)
    server.deaf = True
    with pytest.raises(UpdateFailed, match="old record"):
        publish(ZONE, changes)


def test_an_answer_without_a_signature_is_not_believed(server: UpdateServer) -> None:
    changes = plan(ZONE, WANTED)
    server.unsigned = True
    with pytest.raises(UpdateFailed, match="not signed"):
        publish(ZONE, changes)


def test_a_wrong_key_is_refused_and_not_told(server: UpdateServer, settings: Any) -> None:
    settings.DNS_UPDATE_KEY = "postroom:hmac-sha256:d3Jvbmcga2V5"
    with pytest.raises(UpdateFailed) as failure:
        plan(ZONE, WANTED)
    assert "d3Jvbmcga2V5" not in f"{failure.value!r} {failure.value.__cause__!r}"
    assert server.updates == []


def test_only_listed_zones_are_touched(server: UpdateServer) -> None:
    with pytest.raises(UpdateFailed, match="not among"):
        plan("ullhuset.example", WANTED)


def test_a_server_that_is_away_is_named(server: UpdateServer, settings: Any) -> None:
    settings.DNS_UPDATE_SERVER = f"127.0.0.1:{closed_port()}"
    with pytest.raises(UpdateFailed, match="cannot be reached"):
        plan(ZONE, WANTED)


@pytest.mark.parametrize(
    ("domain", "zone"),
    [
        (ZONE, ZONE),
        (f"mail.{ZONE}", ZONE),
        (f"news.sub.{ZONE}", f"sub.{ZONE}"),
        ("notrowerownia.example", None),
        ("ullhuset.example", None),
    ],
)
def test_the_longest_zone_holds_a_domain(
    server: UpdateServer, settings: Any, domain: str, zone: str | None
) -> None:
    settings.DNS_UPDATE_ZONES = [f"{ZONE}.", f"Sub.{ZONE}=rowerownia"]
    assert zone_of(domain) == zone


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DNS_UPDATE_SERVER", "127.0.0.1"),
        ("DNS_UPDATE_KEY", f"postroom:{SECRET}"),
        ("DNS_UPDATE_KEY", f"postroom:hmac-md5:{SECRET}"),
        ("DNS_UPDATE_KEY", "postroom:hmac-sha256:%%%"),
    ],
)
def test_settings_that_make_no_sense_are_named_without_the_secret(
    server: UpdateServer, settings: Any, name: str, value: str
) -> None:
    setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=name) as failure:
        where()
    assert SECRET not in str(failure.value)
    assert zone_of(ZONE) is None


def test_the_key_is_in_no_repr(server: UpdateServer) -> None:
    assert SECRET not in repr(where())


@pytest.mark.django_db
def test_a_zone_of_one_shop_is_not_open_to_another(
    server: UpdateServer, settings: Any, shop: Shop
) -> None:
    assert staff_may_publish(ZONE, shop)
    other = Shop.objects.create(name="Ullhuset", slug="ullhuset")
    assert not staff_may_publish(ZONE, shop)
    settings.DNS_UPDATE_ZONES = [f"{ZONE}={other.slug}"]
    assert staff_may_publish(ZONE, other)
    assert not staff_may_publish(ZONE, shop)
    assert not staff_may_publish("ullhuset.example", other)
