"""The life of a DKIM key, and its record."""

from __future__ import annotations

from base64 import b64decode
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.db import connection
from django.utils import timezone

from mailaccounts.dkim import (
    KEPT_IN_DNS,
    activate,
    advance_keys,
    drop_new_key,
    new_key,
    record_name,
    record_strings,
    record_text,
    signing_keys,
)
from mailaccounts.models import DkimKey, KeyState, SenderDomain
from shops.alarms import raise_alarm
from shops.models import Alarm, Shop
from tests.dkim_keys import PRIVATE, PUBLIC

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain(shop: Shop) -> SenderDomain:
    return SenderDomain.objects.create(shop=shop, domain="rowerownia.example")


def key_of(domain: SenderDomain, selector: str, state: KeyState, **values: object) -> DkimKey:
    facts = {"private_key": PRIVATE, "public_key": PUBLIC, **values}
    return DkimKey.objects.create(domain=domain, selector=selector, state=state, **facts)


def states(domain: SenderDomain) -> dict[str, str]:
    return dict(domain.keys.values_list("selector", "state"))


@pytest.mark.promise("S5.3")
def test_a_new_key_waits_and_has_a_record_that_dns_can_carry(domain: SenderDomain) -> None:
    key = new_key(domain)
    assert (key.state, len(key.selector)) == (KeyState.NEW, 12)
    assert key.selector.startswith(f"pr{timezone.now():%Y%m}")
    assert record_name(key) == f"{key.selector}._domainkey.rowerownia.example"
    text = record_text(key)
    assert text.startswith("v=DKIM1; k=rsa; p=MII")
    strings = record_strings(text)
    assert [len(each) <= 255 for each in strings] == [True, True]
    assert "".join(strings) == text
    public = load_der_public_key(b64decode(key.public_key))
    assert public.key_size == 2048  # type: ignore[union-attr]


def test_its_private_half_is_encrypted_in_the_database(domain: SenderDomain) -> None:
    new_key(domain)
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM mailaccounts_dkimkey")
        [[stored]] = cursor.fetchall()
    assert "PRIVATE KEY" not in stored
    assert "PRIVATE KEY" in DkimKey.objects.get().private_key


def test_asking_twice_gives_the_same_key(domain: SenderDomain) -> None:
    assert new_key(domain) == new_key(domain)


def test_two_shops_with_one_domain_have_different_selectors(
    domain: SenderDomain, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter("aaaa" + "aaaa" + "bbbb")
    monkeypatch.setattr("mailaccounts.dkim.keys.secrets.choice", lambda letters: next(drawn))
    twin = SenderDomain.objects.create(shop=other_shop, domain=domain.domain)
    assert new_key(domain).selector.endswith("aaaa")
    assert new_key(twin).selector.endswith("bbbb")


@pytest.mark.promise("S5.3")
def test_a_change_of_keys_has_no_gap(domain: SenderDomain) -> None:
    key_of(domain, "old", KeyState.ACTIVE)
    new = new_key(domain)
    # Its record is not in DNS yet: the old one goes on signing.
    advance = advance_keys(domain, {"old"})
    assert (advance.activated, advance.lost) == (None, None)
    assert signing_keys(domain.shop)[domain.domain].selector == "old"
    # Both are found: the new one takes over, the old one stays in DNS.
    assert advance_keys(domain, {"old", new.selector}).activated == new
    assert states(domain) == {"old": KeyState.RETIRING, new.selector: KeyState.ACTIVE}
    assert signing_keys(domain.shop)[domain.domain].selector == new.selector
    assert new_key(domain).selector != new.selector


@pytest.mark.promise("S5.3")
def test_an_old_key_is_retired_after_a_week_and_its_private_half_is_gone(
    domain: SenderDomain,
) -> None:
    week_ago = timezone.now() - KEPT_IN_DNS
    key_of(domain, "due", KeyState.RETIRING, retired_at=week_ago)
    key_of(domain, "later", KeyState.RETIRING, retired_at=week_ago + timedelta(minutes=5))
    assert advance_keys(domain, set()).retired == 1
    assert states(domain) == {"due": KeyState.RETIRED, "later": KeyState.RETIRING}
    assert DkimKey.objects.get(selector="due").private_key == ""


def test_a_key_in_use_whose_record_is_gone_is_named_and_goes_on_signing(
    domain: SenderDomain,
) -> None:
    key = key_of(domain, "old", KeyState.ACTIVE)
    assert advance_keys(domain, set()).lost == key
    assert states(domain) == {"old": KeyState.ACTIVE}


def test_a_key_is_activated_once(domain: SenderDomain) -> None:
    key = new_key(domain)
    assert activate(key)
    assert not activate(key)
    assert advance_keys(domain, {key.selector}).activated is None


def test_a_change_of_keys_can_be_given_up(domain: SenderDomain) -> None:
    key_of(domain, "old", KeyState.ACTIVE)
    new_key(domain)
    assert drop_new_key(domain)
    assert not drop_new_key(domain)
    assert states(domain) == {"old": KeyState.ACTIVE}


def test_a_usable_key_closes_the_alarm_about_it(domain: SenderDomain) -> None:
    def is_open() -> bool:
        return Alarm.objects.filter(closed_at=None).exists()

    raise_alarm(
        "domain.dkim_key", shop=domain.shop, target=f"domain:{domain.pk}", title="", urgent=False
    )
    advance_keys(domain, set())
    assert is_open()
    advance_keys(domain, {new_key(domain).selector})
    assert not is_open()
