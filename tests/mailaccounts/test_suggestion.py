from __future__ import annotations

import pytest
from django.core.cache import cache

from mailaccounts import suggestion
from tests.mailaccounts.account_pages import url


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """The look-ups that were started; the task's own test is elsewhere."""
    cache.clear()
    started = []
    monkeypatch.setattr(suggestion, "async_task", lambda *args: started.append(args))
    return started


def suggest(client, shop, address, **values):
    there = url("account_suggest", shop)
    return client.post(there, {"address": address, **values}).content.decode()


@pytest.mark.promise("S0.6")
def test_a_free_mailbox_is_known_without_asking_anybody(owner_client, shop, asked):
    page = suggest(owner_client, shop, "rowerownia.serwis@gmail.com")
    assert 'data-kind="google"' in page
    assert asked == []


@pytest.mark.promise("S3.4")
def test_a_free_mailbox_gets_a_warning(owner_client, shop):
    assert "open to everybody" in suggest(owner_client, shop, "sklep@wp.pl")


def test_a_domain_of_ones_own_is_looked_up_once_and_then_known(owner_client, shop, asked):
    assert "Looking up" in suggest(owner_client, shop, "sklep@rowerownia.example")
    assert "Looking up" in suggest(owner_client, shop, "sklep@rowerownia.example", tries="1")
    assert asked == [("mailaccounts.tasks.look_up_mailbox", "rowerownia.example")]
    suggestion.remember("rowerownia.example", "ovh")
    page = suggest(owner_client, shop, "sklep@rowerownia.example")
    assert 'data-kind="smtp"' in page
    assert "is kept at OVH" in page
    assert 'name="preset" value="ovh"' in page
    suggestion.remember("rowerownia.example", None)
    assert "the data come from whoever keeps" in suggest(
        owner_client, shop, "sklep@rowerownia.example"
    )


def test_a_look_up_that_nobody_answers_ends_with_advice(owner_client, shop):
    page = suggest(owner_client, shop, "sklep@rowerownia.example", tries="99")
    assert "Nobody answers" in page
    assert "hx-post" not in page


@pytest.mark.parametrize("typed", ["", "skl", "a b@c", "x" * 5000, "a@b@c", "\x00@x.pl"])
def test_what_is_no_address_yet_starts_nothing(owner_client, shop, asked, typed):
    assert "on your shop’s own domain" in suggest(owner_client, shop, typed)
    assert asked == []


def test_the_chosen_hoster_fills_in_its_server(owner_client, shop):
    there = url("account_pick", shop)
    response = owner_client.get(there, {"kind": "smtp", "address": "a@b.example", "preset": "ovh"})
    page = owner_client.get(response.url).content.decode()
    assert 'value="ssl0.ovh.net"' in page
    assert 'value="a@b.example"' in page
