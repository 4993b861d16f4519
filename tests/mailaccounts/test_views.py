from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from mailaccounts.models import Breaker, SenderAccount
from shops.models import AuditEntry, Role
from tests import factories
from tests.pages import submit

CANARY = "kanarek-4711"


def url(name, shop, pk=None):
    return reverse(f"mailaccounts:{name}", kwargs={"shop": shop.slug} | ({"pk": pk} if pk else {}))


def typed(**values):
    return {
        "kind": "smtp",
        "from_address": "sklep@rowerownia.example",
        "from_name": "Rowerownia",
        "label": "Sklep",
        "host": "smtp.ovh.example",
        "port": "465",
        "tls_mode": "implicit",
        "username": "sklep@rowerownia.example",
        "password": CANARY,
        **values,
    }


def add(client, shop, **values):
    return submit(client, url("account_add", shop), **typed(**values))


def edit(client, account, **values):
    return submit(client, url("account_edit", account.shop, account.pk), **values)


@pytest.fixture
def account(shop):
    return factories.make_account(
        shop,
        host="smtp.ovh.example",
        port=465,
        tls_mode="implicit",
        username="sklep@rowerownia.example",
        password=CANARY,
    )


def errors(response, field):
    assert response.status_code == 200
    return " ".join(response.context["form"].errors.get(field, []))


@pytest.mark.promise("S0.6", "S0.8", "S0.16", "S1.10", "S1.11")
def test_staff_add_an_account_over_smtp_and_it_becomes_the_main_one(owner_client, shop):
    response = add(owner_client, shop, copy_to="test@test.pl, test1@test.pl,")
    assert response.url == url("accounts", shop)
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    assert account.is_main
    assert (account.host, account.port, account.tls_mode) == ("smtp.ovh.example", 465, "implicit")
    assert (account.username, account.password) == ("sklep@rowerownia.example", CANARY)
    assert account.copy_to == "test@test.pl, test1@test.pl"
    assert "is now the main account" in owner_client.get(response.url).content.decode()


@pytest.mark.promise("S0.10")
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
    for _ in range(12):
        factories.make_account(shop)
    with django_assert_max_num_queries(12):
        owner_client.get(url("accounts", shop))


@pytest.mark.promise("S1.13")
def test_a_stored_password_never_comes_back_to_the_browser(owner_client, account):
    page = owner_client.get(url("account_edit", account.shop, account.pk)).content.decode()
    assert CANARY not in page
    assert 'placeholder="unchanged"' in page


@pytest.mark.promise("S1.13")
def test_the_password_is_in_no_page_no_audit_and_not_readable_in_the_database(owner_client, shop):
    pages = [add(owner_client, shop), add(owner_client, shop, host="")]
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    pages.append(edit(owner_client, account, password=CANARY + "2", host="other.example"))
    pages.append(owner_client.get(url("accounts", shop)))
    assert not any(CANARY in page.content.decode() for page in pages)
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [table for row in cursor.fetchall() if CANARY in str(row)]
    assert found == []


def test_an_empty_password_keeps_the_stored_one(owner_client, account):
    edit(owner_client, account, label="Nowa nazwa")
    account.refresh_from_db()
    assert (account.label, account.password) == ("Nowa nazwa", CANARY)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "evil.example"),
        ("port", "587"),
        ("username", "somebody"),
        ("tls_mode", "starttls"),
    ],
)
def test_a_change_of_what_the_password_belongs_to_needs_it_again(
    owner_client, account, field, value
):
    response = edit(owner_client, account, **{field: value})
    assert "Enter the password again" in errors(response, "password")
    stored = SenderAccount.objects.get(pk=account.pk)
    assert (stored.host, stored.port, stored.password) == ("smtp.ovh.example", 465, CANARY)
    edit(owner_client, account, **{field: value, "password": CANARY})
    stored.refresh_from_db()
    assert str(getattr(stored, field)) == value
    assert stored.password == CANARY


def test_without_a_user_name_no_password_is_kept(owner_client, account):
    assert "user name" in errors(edit(owner_client, account, username="", password="x"), "username")
    edit(owner_client, account, username="")
    account.refresh_from_db()
    assert (account.username, account.password) == ("", "")


def test_a_new_account_with_a_user_name_needs_its_password(owner_client, shop):
    assert "Enter the password" in errors(add(owner_client, shop, password=""), "password")


def test_changing_to_this_server_forgets_the_server_and_its_password(owner_client, account):
    edit(owner_client, account, kind="server")
    account.refresh_from_db()
    assert (account.kind, account.host, account.username, account.password) == (
        "server",
        "",
        "",
        "",
    )


def test_a_password_that_no_key_can_read_is_asked_for_again(owner_client, account):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailaccounts_senderaccount SET password = 'gAAAA-other-key' WHERE id = %s",
            [account.pk],
        )
    assert owner_client.get(url("accounts", account.shop)).status_code == 200
    assert "Enter the password" in errors(edit(owner_client, account, label="x"), "password")
    edit(owner_client, account, password="new one")
    account.refresh_from_db()
    assert account.password == "new one"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("from_address", "sklep", "email address"),
        ("from_address", "a b@rowerownia.example", "address"),
        ("from_name", "\u200b\u200e", "name"),
        ("host", "", "server"),
        ("host", "http://smtp.ovh.example/", "only the server"),
        ("host", "smtp.ovh.example:465", "only the server"),
        ("port", "70000", "65535"),
        ("port", "smtp", "number"),
        ("tls_mode", "rot13", "rot13"),
        ("kind", "pigeon", "pigeon"),
        ("copy_to", "good@b.example, bad@, c@d.example", "bad@"),
        ("reply_to", "nobody", "address"),
        ("concurrency", "0", "1"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(owner_client, shop, field, value, words):
    assert words in errors(add(owner_client, shop, **{field: value}), field)
    assert SenderAccount.objects.filter(shop=shop).count() == 1


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("SMTP.OVH.example.", "smtp.ovh.example"),
        ("poczta.łódź.example", "poczta.xn--d-uga0v4h.example"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::7]", "2001:db8::7"),
    ],
)
def test_a_server_may_be_named_in_every_usual_way(owner_client, shop, written, kept):
    response = add(owner_client, shop, host=written)
    assert response.status_code == 302, response.context["form"].errors
    assert SenderAccount.objects.get(shop=shop, kind="smtp").host == kept


def test_the_senders_name_is_cleaned_and_staff_are_told(owner_client, shop):
    response = add(owner_client, shop, from_name="Rower\u202eownia\n  Kraków")
    assert SenderAccount.objects.get(shop=shop, kind="smtp").from_name == "Rower ownia Kraków"
    assert "was cleaned" in owner_client.get(response.url).content.decode()


def test_an_empty_name_in_lists_becomes_the_senders_name(owner_client, shop):
    add(owner_client, shop, label="")
    assert SenderAccount.objects.get(shop=shop, kind="smtp").label == "Rowerownia"


@pytest.mark.promise("S1.14", "S1.15")
def test_the_usual_ports_are_offered_and_others_may_be_typed(owner_client, shop):
    page = owner_client.get(url("account_add", shop)).content.decode()
    for port in (25, 465, 587, 2525):
        assert f'<option value="{port}">' in page
    assert 'value="465"' in page
    add(owner_client, shop, port="10025", tls_mode="none")
    assert SenderAccount.objects.get(shop=shop, kind="smtp").port == 10025


@pytest.mark.promise("S1.16")
def test_an_account_that_ignores_certificate_errors_wears_a_warning(owner_client, account):
    page = url("accounts", account.shop)
    assert "Certificate not checked" not in owner_client.get(page).content.decode()
    edit(owner_client, account, ignore_certificate_errors="on")
    assert "Certificate not checked" in owner_client.get(page).content.decode()


@pytest.mark.promise("S0.29")
def test_a_second_account_may_have_the_same_address(owner_client, shop):
    add(owner_client, shop)
    add(owner_client, shop, label="Zamówienia")
    twins = SenderAccount.objects.filter(shop=shop, from_address="sklep@rowerownia.example")
    assert [each.is_main for each in twins] == [True, False]


def test_the_default_accounts_address_and_server_cannot_be_edited(owner_client, shop):
    default = SenderAccount.objects.get(shop=shop)
    edit(
        owner_client,
        default,
        **typed(from_name="Rowerownia Kraków", from_address="ceo@bank.example"),
    )
    stored = SenderAccount.objects.get(pk=default.pk)
    assert stored.from_name == "Rowerownia Kraków"
    assert (stored.kind, stored.from_address) == ("server", default.from_address)
    assert stored.host == ""


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
    assert entries[1].details == {"fields": ["host", "password"]}
    assert entries[1].user == owner


ROUTES = [
    ("get", "accounts", False),
    ("get", "account_add", False),
    ("post", "account_add", False),
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
