"""An account that sends from this server is switched on only once SPF names the server."""

from __future__ import annotations

import pytest
from django.utils import timezone

from mailaccounts.deeds import do
from mailaccounts.models import AccountRefusal, SenderAccount, SenderDomain
from shops.models import AuditEntry
from tests import factories
from tests.mailaccounts.account_pages import add, edit, errors, url

pytestmark = pytest.mark.promise("S0.28")


@pytest.fixture
def draft(owner_client, shop):
    add(owner_client, shop, kind="server", from_address="sklep@rowerownia.example")
    return SenderAccount.objects.get(shop=shop, is_default=False)


def found(shop, status):
    SenderDomain.objects.update_or_create(
        shop=shop,
        domain="rowerownia.example",
        defaults={"spf": {"status": status, "proposed": "v=spf1 a -all"}}
        | {"checked_at": timezone.now()},
    )


def test_a_new_one_is_kept_as_a_draft_that_says_what_it_waits_for(owner_client, shop, draft):
    assert (draft.state, draft.is_main) == ("draft", False)
    assert SenderAccount.objects.main_of(shop).is_default
    found(shop, "missing")
    page = owner_client.get(url("accounts", shop)).content.decode()
    assert "Not switched on yet: SPF first" in page
    assert "v=spf1 a -all" in page


@pytest.mark.parametrize("deed", ["account_switch_on", "account_make_main"])
@pytest.mark.parametrize("status", ["missing", "not-including-us", "permerror", "temperror"])
def test_it_cannot_be_switched_on_before(owner_client, shop, draft, status, deed):
    found(shop, status)
    owner_client.post(url(deed, shop, draft.pk))
    draft.refresh_from_db()
    assert (draft.state, draft.is_main) == ("draft", False)


@pytest.mark.promise("S0.8")
def test_once_spf_is_in_order_it_can_and_becomes_the_main_one(owner_client, shop, draft):
    found(shop, "pass")
    page = owner_client.get(url("accounts", shop)).content.decode()
    assert "Ready to be switched on" in page
    owner_client.post(url("account_switch_on", shop, draft.pk))
    draft.refresh_from_db()
    assert (draft.state, draft.is_main) == ("active", True)


def test_only_an_operator_may_switch_it_on_all_the_same_and_that_is_written_down(
    owner_client, admin_client, shop, draft
):
    found(shop, "missing")
    there = url("account_switch_on_anyway", shop, draft.pk)
    owner_client.post(there)
    draft.refresh_from_db()
    assert draft.state == "draft"
    assert "Switch on all the same" not in owner_client.get(url("accounts", shop)).content.decode()
    assert "Switch on all the same" in admin_client.get(url("accounts", shop)).content.decode()
    admin_client.post(there)
    draft.refresh_from_db()
    assert draft.state == "active"
    assert AuditEntry.objects.filter(shop=shop, action="account.switched_on_anyway").exists()


def test_once_on_a_later_failure_does_not_stop_it(owner_client, shop, draft):
    found(shop, "pass")
    owner_client.post(url("account_switch_on", shop, draft.pk))
    found(shop, "missing")
    draft.refresh_from_db()
    assert draft.state == "active"
    assert SenderAccount.objects.usable().filter(pk=draft.pk).exists()


@pytest.mark.parametrize("kind", ["smtp", "freshmail"])
def test_other_types_are_not_held_up(owner_client, shop, kind):
    found(shop, "missing")
    add(owner_client, shop, kind=kind)
    account = SenderAccount.objects.get(shop=shop, is_default=False)
    assert (account.state, account.is_main) == ("active", True)


@pytest.mark.promise("S0.18")
@pytest.mark.parametrize("kind", ["google", "microsoft"])
@pytest.mark.parametrize("deed", ["account_switch_on", "account_make_main"])
def test_nobody_switches_on_what_nobody_has_signed_in_for(owner_client, shop, kind, deed):
    add(owner_client, shop, kind=kind)
    account = SenderAccount.objects.get(shop=shop, is_default=False)
    assert account.state == "draft"
    page = owner_client.get(url("accounts", shop)).content.decode()
    assert "Nobody has signed in yet" in page
    owner_client.post(url(deed, shop, account.pk))
    account.refresh_from_db()
    assert (account.state, account.is_main) == ("draft", False)


def test_another_address_of_an_account_that_is_on_does_not_get_around_the_gate(owner_client, shop):
    found(shop, "pass")
    add(owner_client, shop, kind="server", from_address="sklep@rowerownia.example")
    account = SenderAccount.objects.get(shop=shop, is_default=False)
    assert account.state == "active"
    response = edit(owner_client, account, from_address="ceo@bank.example")
    assert "does not name this server yet" in errors(response, "from_address")
    account.refresh_from_db()
    assert account.from_address == "sklep@rowerownia.example"
    edit(owner_client, account, from_address="biuro@rowerownia.example")
    account.refresh_from_db()
    assert account.from_address == "biuro@rowerownia.example"


def test_the_admin_has_the_same_gate(admin_client, operator, shop):
    account = factories.make_account(shop, kind="server", host="", state="draft")
    with pytest.raises(AccountRefusal, match="has not been checked yet"):
        do("switch_on", account, operator)


def test_a_shop_cannot_send_from_a_domain_that_another_shop_has_proved(
    owner_client, other_shop, shop
):
    found(other_shop, "pass")
    SenderDomain.objects.update(verified_at=timezone.now())
    add(owner_client, shop, kind="server", from_address="ceo@rowerownia.example")
    account = SenderAccount.objects.get(shop=shop, is_default=False)
    found(shop, "pass")
    owner_client.post(url("account_switch_on", shop, account.pk))
    account.refresh_from_db()
    assert account.state == "draft"
    assert (
        "Another shop of this installation"
        in owner_client.get(url("accounts", shop)).content.decode()
    )
    mine = SenderDomain.objects.get(shop=shop)
    mine.keys.create(selector="pr1", private_key="x", public_key="y", found_at=timezone.now())
    owner_client.post(url("account_switch_on", shop, account.pk))
    account.refresh_from_db()
    assert account.state == "active"
