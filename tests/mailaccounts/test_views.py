from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mailaccounts.models import Breaker, SenderAccount
from shops.models import AuditEntry, Role
from tests import factories
from tests.mailaccounts.account_pages import CANARY, add, edit, typed, url
from tests.pages import form_values


@pytest.mark.promise("S0.8", "S0.16", "S1.10", "S1.11")
def test_staff_add_an_account_over_smtp_and_it_becomes_the_main_one(owner_client, shop):
    response = add(owner_client, shop, copy_to="test@test.pl, test1@test.pl,")
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    assert response.url == url("account_test", shop, account.pk)
    assert account.is_main
    assert (account.host, account.port, account.tls_mode) == ("smtp.ovh.example", 465, "implicit")
    assert (account.username, account.password) == ("sklep@rowerownia.example", CANARY)
    assert account.copy_to == "test@test.pl, test1@test.pl"
    assert "is now the main account" in owner_client.get(response.url).content.decode()


def test_staff_add_an_account_of_this_server_without_server_data(owner_client, shop):
    add(owner_client, shop, kind="server", host="junk host", port="0", username="x", password="y")
    account = SenderAccount.objects.get(shop=shop, is_default=False)
    assert (account.kind, account.host, account.username, account.password) == (
        "server",
        "",
        "",
        "",
    )


@pytest.mark.promise("S0.9", "S0.4")
def test_the_list_shows_type_address_main_copies_and_last_use(owner_client, account):
    SenderAccount.objects.filter(pk=account.pk).update(copy_to="a@b.example, c@d.example")
    page = owner_client.get(url("accounts", account.shop)).content.decode()
    for words in ("sklep@rowerownia.example", "SMTP, smtp.ovh.example", "Main", "a@b.example"):
        assert words in page
    assert "and 1 more" in page
    assert "Never" in page
    assert "it does not keep mailboxes" in page
    assert "Konfiguracja kont e-mail i SMS" in page
    SenderAccount.objects.update(last_used_at=timezone.now())
    assert "Never" not in owner_client.get(url("accounts", account.shop)).content.decode()


@pytest.mark.promise("S0.9")
@pytest.mark.parametrize(("ok", "words"), [(True, "test passed"), (False, "test failed")])
def test_the_list_says_how_the_last_test_ended(owner_client, account, ok, words):
    page = url("accounts", account.shop)
    assert words not in owner_client.get(page).content.decode()
    SenderAccount.objects.filter(pk=account.pk).update(last_test_at=timezone.now(), last_test_ok=ok)
    assert words in owner_client.get(page).content.decode()


def test_the_note_about_the_default_account_comes_and_goes(owner_client, shop):
    page = url("accounts", shop)
    assert "can go now" not in owner_client.get(page).content.decode()
    factories.make_account(shop)
    assert "can go now" in owner_client.get(page).content.decode()
    default = SenderAccount.objects.get(shop=shop, is_default=True)
    owner_client.post(url("account_switch_off", shop, default.pk))
    assert "can go now" not in owner_client.get(page).content.decode()


def test_the_list_asks_the_same_number_of_questions_for_many_accounts(
    owner_client, shop, django_assert_max_num_queries
):
    factories.make_account(shop)
    owner_client.get(url("accounts", shop))
    with CaptureQueriesContext(connection) as for_two:
        owner_client.get(url("accounts", shop))
    for _ in range(12):
        factories.make_account(shop)
    with django_assert_max_num_queries(len(for_two)):
        owner_client.get(url("accounts", shop))
    assert len(for_two) < 20


@pytest.mark.promise("S1.16")
def test_an_account_that_ignores_certificate_errors_wears_a_warning(owner_client, account):
    page = url("accounts", account.shop)
    assert "Certificate not checked" not in owner_client.get(page).content.decode()
    edit(owner_client, account, ignore_certificate_errors="on")
    assert "Certificate not checked" not in owner_client.get(page).content.decode()
    SenderAccount.objects.filter(pk=account.pk).update(ignore_certificate_errors=True)
    assert "Certificate not checked" in owner_client.get(page).content.decode()
    form = url("account_edit", account.shop, account.pk)
    values = form_values(owner_client.get(form))
    assert values.pop("ignore_certificate_errors") == ["on"]
    owner_client.post(form, values)
    assert "Certificate not checked" not in owner_client.get(page).content.decode()


def test_a_second_account_may_have_the_same_address(owner_client, shop):
    add(owner_client, shop)
    add(owner_client, shop, label="Zamówienia")
    twins = SenderAccount.objects.filter(shop=shop, from_address="sklep@rowerownia.example")
    assert [each.is_main for each in twins] == [True, False]


def test_editing_a_broken_account_lets_its_mail_go(owner_client, account):
    SenderAccount.objects.filter(pk=account.pk).update(
        breaker=Breaker.OPEN, auth_failures=2, breaker_reason="535 5.7.8 Error: <b>no</b>"
    )
    page = owner_client.get(url("accounts", account.shop)).content.decode()
    assert "Paused" in page
    assert "535 5.7.8 Error: &lt;b&gt;no&lt;/b&gt;" in page
    assert "Enter new password" in page
    edit(owner_client, account, password="the right one")
    account.refresh_from_db()
    assert (account.breaker, account.breaker_reason) == (Breaker.CLOSED, "")


def test_try_again_now_lets_the_mail_of_a_paused_account_go(owner_client, account):
    SenderAccount.objects.filter(pk=account.pk).update(breaker=Breaker.OPEN, net_failures=5)
    owner_client.post(url("account_retry", account.shop, account.pk))
    account.refresh_from_db()
    assert not account.is_troubled


def test_saving_a_form_does_not_undo_what_others_did_meanwhile(owner_client, account):
    values = typed(password="", label="Nowa")
    other = factories.make_account(account.shop)
    other.make_main()
    owner_client.post(url("account_edit", account.shop, account.pk), {**values, "concurrency": "2"})
    account.refresh_from_db()
    assert (account.label, account.is_main) == ("Nowa", False)


@pytest.mark.promise("S0.8")
def test_make_main_and_switching_are_one_click_each(owner_client, account):
    shop, second = account.shop, factories.make_account(account.shop)
    response = owner_client.post(url("account_switch_off", shop, account.pk), follow=True)
    assert "another account the main one first" in response.content.decode()
    owner_client.post(url("account_make_main", shop, second.pk))
    owner_client.post(url("account_switch_off", shop, account.pk))
    account.refresh_from_db()
    second.refresh_from_db()
    assert (account.state, second.is_main) == ("disabled", True)
    owner_client.post(url("account_switch_on", shop, account.pk))
    account.refresh_from_db()
    assert account.state == "active"


def test_every_change_is_written_down_by_field_name_only(owner_client, owner, shop):
    add(owner_client, shop)
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    edit(owner_client, account, host="other.example", password=CANARY)
    factories.make_account(shop).make_main()
    owner_client.post(url("account_switch_off", shop, account.pk))
    entries = list(AuditEntry.objects.filter(shop=shop).order_by("id"))
    assert [entry.action for entry in entries] == [
        "account.added",
        "account.changed",
        "account.switched_off",
    ]
    assert entries[1].details["fields"] == ["host", "password"]
    assert entries[1].user == owner


ROUTES = [
    ("get", "accounts", False),
    ("get", "account_pick", False),
    ("get", "account_edit", True),
    ("post", "account_edit", True),
    ("post", "account_make_main", True),
    ("post", "account_switch_off", True),
    ("post", "account_switch_on", True),
    ("post", "account_retry", True),
]


@pytest.mark.promise("S0.1")
@pytest.mark.parametrize(("method", "name", "has_pk"), ROUTES)
def test_nobody_reaches_another_shops_accounts(
    owner_client, stranger, account, method, name, has_pk
):
    outsider = Client()
    outsider.force_login(stranger)
    before = SenderAccount.objects.filter(pk=account.pk).values().get()
    there = url(name, account.shop, account.pk if has_pk else None)
    assert getattr(outsider, method)(there, typed()).status_code == 404
    if has_pk:
        # Through one's own shop's address either.
        theirs = SenderAccount.objects.exclude(shop=account.shop).get()
        here = url(name, account.shop, theirs.pk)
        assert getattr(owner_client, method)(here, typed()).status_code == 404
    assert SenderAccount.objects.filter(pk=account.pk).values().get() == before


@pytest.mark.parametrize(("method", "name", "has_pk"), ROUTES)
def test_a_role_below_accounts_is_refused(account, method, name, has_pk):
    client = Client()
    client.force_login(factories.make_user(account.shop, Role.EDITOR))
    there = url(name, account.shop, account.pk if has_pk else None)
    assert getattr(client, method)(there, typed()).status_code == 403


def test_nobody_signs_in_nobody_sees(account):
    response = Client().get(url("accounts", account.shop))
    assert response.status_code == 302
    assert "login" in response.url


@pytest.mark.parametrize("name", [route[1] for route in ROUTES[5:]])
def test_looking_changes_nothing(owner_client, account, name):
    assert owner_client.get(url(name, account.shop, account.pk)).status_code == 405


def test_a_deleted_account_is_gone_from_every_page(owner_client, shop):
    factories.make_account(shop)
    gone = factories.make_account(shop, state="deleted", host="", from_address="old@shop.example")
    assert "old@shop.example" not in owner_client.get(url("accounts", shop)).content.decode()
    assert owner_client.get(url("account_edit", shop, gone.pk)).status_code == 404
    assert owner_client.post(url("account_switch_on", shop, gone.pk)).status_code == 404
