"""Accounts that are deleted, copied and made main: what is refused, and what stays behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailaccounts.deeds import do
from mailaccounts.leaving import duplicate, remove
from mailaccounts.models import AccountRefusal, AccountState, Breaker, SenderAccount, system_account
from mailaccounts.signals import account_left
from shops.models import AuditEntry, Shop
from templates_tx.models import TemplateAssignment
from tests import factories
from tests.mailaccounts.account_pages import CANARY

pytestmark = pytest.mark.django_db


def default_of(shop: Shop) -> SenderAccount:
    return SenderAccount.objects.get(shop=shop, is_default=True)


@pytest.mark.promise("S0.3")
def test_the_default_account_may_be_deleted_once_an_own_one_is_there(shop: Shop) -> None:
    default = default_of(shop)
    with pytest.raises(AccountRefusal, match="only account"):
        remove(default)
    factories.make_account(shop)
    remove(default)
    default.refresh_from_db()
    assert default.state == AccountState.DELETED and default.deleted_at is not None
    assert default not in SenderAccount.objects.present()


@pytest.mark.promise("S0.8")
@pytest.mark.parametrize("other", ["active", "draft", "disabled", "deleted"])
def test_the_main_account_is_not_deleted(shop: Shop, other: str) -> None:
    main = factories.make_account(shop)
    remove(default_of(shop))
    factories.make_account(shop, state=other)
    with pytest.raises(AccountRefusal, match="main one" if other == "active" else "only account"):
        remove(main)
    main.refresh_from_db()
    assert main.state == AccountState.ACTIVE and main.is_main


@pytest.mark.parametrize("state", ["draft", "disabled"])
def test_an_account_that_sends_nothing_may_always_be_deleted(shop: Shop, state: str) -> None:
    spare = factories.make_account(shop, state=state)
    remove(spare)
    spare.refresh_from_db()
    assert spare.state == AccountState.DELETED


def test_a_deleted_account_and_the_installations_own_are_left_alone(shop: Shop) -> None:
    factories.make_account(shop)
    spare = factories.make_account(shop)
    remove(spare)
    for account in (spare, system_account()):
        with pytest.raises(AccountRefusal, match="cannot be changed"):
            remove(account)


def with_secrets(shop: Shop, **values: Any) -> SenderAccount:
    factories.make_account(shop)
    secrets = {
        "password": CANARY,
        "imap_password": CANARY,
        "oauth_refresh_token": CANARY,
        "oauth_access_token": CANARY,
    }
    return factories.make_account(shop, username="sklep", **{**secrets, **values})


SECRET_COLUMNS = "password, imap_password, oauth_refresh_token, oauth_access_token"


def stored_secrets(account: SenderAccount) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {SECRET_COLUMNS} FROM mailaccounts_senderaccount WHERE id = %s", [account.pk]
        )
        return tuple(cursor.fetchone())


def test_its_secrets_go_with_it_and_receivers_see_them_before(shop: Shop) -> None:
    account = with_secrets(shop, oauth_access_expires_at=timezone.now(), imap_enabled=True)
    seen: list[tuple[str, str]] = []

    def listen(account: SenderAccount, **_kwargs: Any) -> None:
        fresh = SenderAccount.objects.get(pk=account.pk)
        seen.append((fresh.state, fresh.oauth_refresh_token))

    account_left.connect(listen)
    try:
        remove(account)
    finally:
        account_left.disconnect(listen)
    assert seen == [("deleted", CANARY)]
    assert stored_secrets(account) == ("", "", "", "")
    account.refresh_from_db()
    assert account.oauth_access_expires_at is None and not account.imap_enabled


def test_nobody_falls_back_to_a_deleted_account(shop: Shop) -> None:
    factories.make_account(shop)
    spare = factories.make_account(shop)
    other = factories.make_account(shop, fallback=spare)
    remove(spare)
    other.refresh_from_db()
    assert other.fallback is None


@pytest.mark.promise("S0.3")
def test_what_was_assigned_to_a_deleted_account_leaves_from_the_main_one(
    shop: Shop, other_shop: Shop, owner: Any
) -> None:
    factories.make_account(shop)
    spare, other = factories.make_account(shop), factories.make_account(shop)
    for code, account in (("order.placed", spare), ("order.paid", spare), ("note", other)):
        TemplateAssignment.objects.create(shop=shop, message_type=code, account=account)
    said = do("remove", spare, owner)
    left = dict(TemplateAssignment.objects.values_list("message_type", "account"))
    assert left == {"order.placed": None, "order.paid": None, "note": other.pk}
    assert "2 message types now leave from the main account" in said
    entry = AuditEntry.objects.get(action="account.removed")
    assert (entry.details["assignments"], entry.details["messages"]) == (2, 0)
    assert entry.user == owner


def test_an_account_that_is_only_switched_off_keeps_its_assignments(shop: Shop, owner: Any) -> None:
    factories.make_account(shop)
    spare = factories.make_account(shop)
    TemplateAssignment.objects.create(shop=shop, message_type="note", account=spare)
    do("switch_off", spare, owner)
    assert TemplateAssignment.objects.get().account == spare


@pytest.mark.promise("S0.29")
def test_a_copy_sends_from_the_same_address_over_the_same_server(shop: Shop, owner: Any) -> None:
    account = with_secrets(
        shop,
        label="Zamówienia",
        copy_to="szef@sklep.example",
        per_day=100,
        breaker=Breaker.OPEN,
        breaker_reason="535",
        auth_failures=2,
    )
    do("duplicate", account, owner)
    copy = SenderAccount.objects.latest("pk")
    assert copy.label == "Zamówienia (copy)" and not copy.is_main and copy.copy_to == ""
    same = ("from_address", "from_name", "host", "port", "tls_mode", "username", "per_day", "kind")
    assert [getattr(copy, name) for name in same] == [getattr(account, name) for name in same]
    assert copy.state == AccountState.ACTIVE and not copy.is_troubled
    for name in ("password", "imap_password", "oauth_refresh_token", "oauth_access_token"):
        assert getattr(copy, name) == CANARY
    entry = AuditEntry.objects.get(action="account.duplicated")
    assert entry.details["copy"] == copy.pk and CANARY not in str(entry.details)


@pytest.mark.parametrize("state", ["draft", "disabled", "deleted"])
def test_only_an_account_that_is_switched_on_is_copied(shop: Shop, state: str) -> None:
    account = factories.make_account(shop, state=state)
    with pytest.raises(AccountRefusal):
        duplicate(account)
    with pytest.raises(AccountRefusal):
        duplicate(system_account())


def test_a_copy_of_the_default_account_leaves_the_first_own_one_its_place(shop: Shop) -> None:
    copy = duplicate(default_of(shop))
    assert not copy.is_main
    assert factories.make_account(shop).is_main


def test_the_name_of_a_copy_is_never_too_long(shop: Shop) -> None:
    copy = duplicate(factories.make_account(shop, label="Z" * 80))
    assert len(copy.label) == 80 and copy.label.endswith(" (copy)")


DEEDS = ("add", "add draft", "make_main", "switch_off", "switch_on", "remove", "duplicate")


@pytest.mark.promise("S0.8")
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 5)), max_size=12))
def test_whatever_staff_do_a_shop_has_one_main_account_that_sends(
    steps: list[tuple[str, int]],
) -> None:
    shop = factories.make_shop()
    own_came = False
    for deed, which in steps:
        if deed.startswith("add"):
            is_draft = deed.endswith("draft")
            account = factories.make_account(shop, state="draft" if is_draft else "active")
            own = SenderAccount.objects.usable().filter(shop=shop, is_default=False)
            first = not is_draft and not own.exclude(pk=account.pk).exists()
            assert account.is_main == first
            own_came = own_came or not is_draft
            continue
        accounts = list(SenderAccount.objects.filter(shop=shop).order_by("pk"))
        account = accounts[which % len(accounts)]
        was_main = account.is_main
        try:
            do(deed, account, None)
        except AccountRefusal:
            continue
        assert not (was_main and deed in ("switch_off", "remove"))
        if deed == "make_main":
            account.refresh_from_db()
            assert account.is_main
    [main] = SenderAccount.objects.filter(shop=shop, is_main=True)
    assert main.state == AccountState.ACTIVE
    assert own_came or main.is_default
