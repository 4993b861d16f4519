from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from mailaccounts.models import Breaker, SenderAccount, SenderDomain
from shops.models import AuditEntry, Role
from tests import factories
from tests.pages import form_values, submit

LIST = "admin:mailaccounts_senderaccount_changelist"
ADD = "admin:mailaccounts_senderaccount_add"
CHANGE = "admin:mailaccounts_senderaccount_change"
FORM = "senderaccount_form"
CANARY = "kanarek-4711"


@pytest.fixture
def admin_client(operator):
    client = Client()
    client.force_login(operator)
    return client


def limited_client(shop, role=Role.ADMIN, app="mailaccounts"):
    """A member of staff who may do everything in one app, in the admin, within one shop."""
    user = factories.make_user(shop, role, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label=app))
    client = Client()
    client.force_login(user)
    return client


def add(client, shop, **values):
    typed = {
        "shop": str(shop.pk),
        "from_address": "sklep@rowerownia.example",
        "from_name": "Rowerownia",
        "label": "Sklep",
        "kind": "smtp",
        "host": "smtp.ovh.example",
        "username": "sklep",
        "password": CANARY,
    }
    return submit(client, reverse(ADD), FORM, **{**typed, **values})


def act(client, action, *accounts):
    return client.post(
        reverse(LIST), {"action": action, "_selected_action": [each.pk for each in accounts]}
    )


@pytest.fixture
def account(shop):
    return factories.make_account(
        shop, host="a.example", tls_mode="implicit", username="sklep", password=CANARY
    )


@pytest.mark.promise("S0.8")
def test_the_first_account_added_in_the_admin_becomes_main(admin_client, shop):
    response = add(admin_client, shop)
    assert response.status_code == 302, response.context["errors"]
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    assert (account.is_main, account.password) == (True, CANARY)


@pytest.mark.promise("S1.13")
def test_the_admin_never_shows_a_password(admin_client, account):
    pages = [
        admin_client.get(reverse(CHANGE, args=[account.pk])),
        admin_client.get(reverse(LIST)),
        admin_client.get(reverse("admin:mailaccounts_senderaccount_history", args=[account.pk])),
    ]
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert not any(CANARY in page.content.decode() for page in pages)


def test_the_admin_asks_for_the_password_again_when_the_server_changes(admin_client, account):
    there = reverse(CHANGE, args=[account.pk])
    response = submit(admin_client, there, FORM, host="evil.example")
    assert "Enter the password again" in response.content.decode()
    assert submit(admin_client, there, FORM, label="Nowa").status_code == 302
    account.refresh_from_db()
    assert (account.host, account.label, account.password) == ("a.example", "Nowa", CANARY)


def test_the_state_is_changed_by_actions_alone(admin_client, account):
    submit(admin_client, reverse(CHANGE, args=[account.pk]), FORM, state="disabled", label="Nowa")
    account.refresh_from_db()
    assert (account.state, account.label) == ("active", "Nowa")


@pytest.mark.promise("S0.28")
def test_the_type_stays_what_it_was(admin_client, account):
    submit(admin_client, reverse(CHANGE, args=[account.pk]), FORM, kind="server")
    account.refresh_from_db()
    assert (account.kind, account.host, account.password) == ("smtp", "a.example", CANARY)


def test_check_spf_starts_the_check_of_the_accounts_domain(admin_client, account):
    page = admin_client.get(act(admin_client, "check_spf", account).url).content.decode()
    assert "ownia.example is being checked" in page
    assert SenderDomain.objects.filter(shop=account.shop, domain=account.from_domain).exists()


def test_editing_in_the_admin_mends_a_broken_account(admin_client, account):
    SenderAccount.objects.filter(pk=account.pk).update(breaker=Breaker.OPEN, auth_failures=2)
    submit(admin_client, reverse(CHANGE, args=[account.pk]), FORM, password="right")
    account.refresh_from_db()
    assert (account.breaker, account.password) == (Breaker.CLOSED, "right")


def test_actions_do_what_the_panels_buttons_do(admin_client, operator, account):
    second = factories.make_account(account.shop)
    act(admin_client, "make_main", second)
    act(admin_client, "switch_off", account)
    account.refresh_from_db()
    second.refresh_from_db()
    assert (second.is_main, account.state) == (True, "disabled")
    actions = (
        AuditEntry.objects.filter(user=operator).order_by("id").values_list("action", flat=True)
    )
    assert list(actions) == ["account.made_main", "account.switched_off"]


def test_a_refused_action_is_told_in_words_and_changes_nothing(admin_client, account):
    second = factories.make_account(account.shop)
    response = act(admin_client, "switch_off", second, account)
    page = admin_client.get(response.url).content.decode()
    assert "make another account the main one first" in page
    second.refresh_from_db()
    assert second.state == "active"
    assert not AuditEntry.objects.exists()


def test_the_action_stands_on_the_accounts_own_page_too(admin_client, account):
    second = factories.make_account(account.shop)
    there = reverse(CHANGE, args=[second.pk])
    values = form_values(admin_client.get(there), FORM)
    typed = {"CHANGE_FORM-action": "make_main", "_selected_action": str(second.pk)}
    sent = {name: value for name, value in values.items() if not name.startswith("CHANGE_FORM")}
    admin_client.post(there, {**sent, **typed})
    second.refresh_from_db()
    assert second.is_main


def test_accounts_are_never_deleted(admin_client, account):
    there = reverse("admin:mailaccounts_senderaccount_delete", args=[account.pk])
    assert admin_client.post(there, {"post": "yes"}).status_code == 403
    act(admin_client, "delete_selected", account)
    assert SenderAccount.objects.filter(pk=account.pk).exists()


def test_an_account_links_to_its_page_in_the_panel(admin_client, account):
    page = admin_client.get(reverse(CHANGE, args=[account.pk])).content.decode()
    there = reverse(
        "mailaccounts:account_edit", kwargs={"shop": account.shop.slug, "pk": account.pk}
    )
    assert f'href="{there}"' in page
    assert "Open in the panel" in page


@pytest.mark.promise("S0.1")
def test_limited_staff_see_and_change_only_their_shops_accounts(account, other_shop):
    theirs = factories.make_account(other_shop, host="b.example", from_address="x@ull.example")
    client = limited_client(account.shop)
    page = client.get(reverse(LIST)).content.decode()
    assert "sklep@rowerownia.example" in page
    assert "x@ull.example" not in page
    assert "Ullhuset" not in page
    assert client.get(reverse(CHANGE, args=[theirs.pk])).status_code == 302
    values = form_values(client.get(reverse(CHANGE, args=[account.pk])), FORM)
    client.post(reverse(CHANGE, args=[theirs.pk]), {**values, "label": "forged"})
    act(client, "switch_off", theirs)
    theirs.refresh_from_db()
    assert (theirs.label, theirs.state) == ("Sklep", "active")


def test_limited_staff_cannot_add_an_account_to_another_shop(shop, other_shop):
    response = add(limited_client(shop), other_shop)
    assert "Select a valid choice" in response.content.decode()
    assert SenderAccount.objects.filter(shop=other_shop).count() == 1


def test_a_role_that_does_not_reach_changes_nothing(account):
    client = limited_client(account.shop, Role.VIEWER)
    there = reverse(CHANGE, args=[account.pk])
    assert client.get(there).status_code == 200
    assert client.post(there, {"label": "forged"}).status_code == 403
    second = factories.make_account(account.shop)
    assert act(client, "make_main", second).status_code == 403
    second.refresh_from_db()
    assert not second.is_main


def test_staff_without_permissions_see_nothing(account):
    client = Client()
    client.force_login(factories.make_user(account.shop, is_staff=True))
    assert client.get(reverse(LIST)).status_code == 403
