"""``manage.py check_domain``."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from mailaccounts.models import DkimKey, SenderDomain
from shops.models import Shop
from tests.mailaccounts.dns.test_dkim_record import public_key
from tests.name_server import NameServer

US = "spf.desk.example"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def zone(names: NameServer, settings: Any) -> NameServer:
    settings.DNS_SERVERS, settings.SPF_INCLUDE = [names.address], US
    names.add(US, "TXT", "v=spf1 ip4:198.51.100.0/24 -all")
    names.add("shop.example", "TXT", "v=spf1 mx ~all", "v=spf10")
    names.add("shop.example", "MX", "10 mx1.mail.ovh.net.").add(
        "mx1.mail.ovh.net", "A", "192.0.2.9"
    )
    return names.add("shop.example", "NS", "dns104.ovh.net.")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("check_domain", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.promise("S5.2")
def test_json_is_one_object_of_the_promised_shape() -> None:
    found = json.loads(run("shop.example", "--json"))

    assert found["domain"] == "shop.example"
    assert found["spf"]["status"] == "not-including-us"
    assert found["spf"]["found"] == ["v=spf1 mx ~all"]
    assert found["spf"]["proposed"] == f"v=spf1 mx include:{US} ~all"
    assert found["spf"]["lookups"] == 1
    assert "OVH" in found["spf"]["hint"]
    assert found["dkim"] == []
    assert found["dmarc"]["status"] == "missing"
    assert found["mx"]["hosts"] == [{"preference": 10, "host": "mx1.mail.ovh.net"}]


@pytest.mark.promise("S5.2", "S0.13")
def test_the_text_says_what_to_do() -> None:
    text = run("shop.example", "--ip", "192.0.2.9")

    assert f"publish  v=spf1 mx include:{US} ~all" in text
    assert "look-ups: 1 of 10, 2 with the new record" in text
    assert "OVH › Web Cloud › Domain names › shop.example › DNS zone" in text
    assert "as a TXT record at _dmarc.shop.example" in text
    assert "from the address given: pass" in text
    assert "no key found" in text


def test_a_record_that_is_too_long_is_shown_in_pieces(zone: NameServer) -> None:
    zone.put("shop.example", "TXT", "v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(18)))

    assert 'shop.example. IN TXT "v=spf1 ' in run("shop.example")


def test_a_terminal_is_not_commanded(zone: NameServer) -> None:
    zone.put("shop.example", "TXT", "v=spf1 \x1b[2J -all")

    assert "\x1b" not in run("shop.example")


def test_records_to_delete_are_named(zone: NameServer) -> None:
    zone.put("shop.example", "TXT", "v=spf1 a -all", "v=spf1 mx -all")

    assert "delete   v=spf1 mx -all" in run("shop.example")


@pytest.mark.promise("S0.13")
def test_keys_are_those_that_we_hold_or_that_are_named(zone: NameServer, shop: Shop) -> None:
    row = SenderDomain.objects.create(shop=shop, domain="shop.example")
    DkimKey.objects.create(domain=row, selector="pr1", public_key=public_key(2048))
    zone.add("s9._domainkey.shop.example", "TXT", f"p={public_key(1024)}")

    held = json.loads(run("shop.example", "--json"))["dkim"]
    named = json.loads(run("shop.example", "--json", "--selector", "s9"))["dkim"]

    assert [(key["selector"], key["status"]) for key in held] == [("pr1", "missing")]
    assert held[0]["proposed"] == f"v=DKIM1; k=rsa; p={public_key(2048)}"
    assert [(key["selector"], key["status"]) for key in named] == [("s9", "short-key")]


def test_a_usual_selector_is_found_by_itself(zone: NameServer) -> None:
    zone.add("google._domainkey.shop.example", "TXT", f"p={public_key(2048)}")

    found = json.loads(run("shop.example", "--json"))["dkim"]

    assert [(key["selector"], key["status"]) for key in found] == [("google", "pass")]


def test_names_of_any_script_are_taken(zone: NameServer) -> None:
    zone.add("xn--d-uga0v4h.example", "TXT", f"v=spf1 include:{US} -all")

    found = json.loads(run("Łódź.example.", "--json"))

    assert (found["domain"], found["spf"]["status"]) == ("xn--d-uga0v4h.example", "pass")


def test_our_own_record_can_be_checked(zone: NameServer, settings: Any) -> None:
    settings.SPF_INCLUDE = "_spf.desk.example"
    zone.add("_spf.desk.example", "TXT", "v=spf1 ip4:198.51.100.0/24 -all")

    assert json.loads(run("_spf.desk.example", "--json"))["spf"]["status"] == "pass"


@pytest.mark.parametrize(
    "typed", ["", "shop", "a b.example", "shop@shop.example", "http://shop.example", "_.example",
              "_;.shop.example", "a..example", "x" * 300]
)  # fmt: skip
def test_what_is_no_domain_is_refused_in_a_sentence(typed: str) -> None:
    with pytest.raises(CommandError, match="is not a domain such as"):
        run(typed)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(CommandError, match="--ip"):
        run("shop.example", "--ip", "here")
