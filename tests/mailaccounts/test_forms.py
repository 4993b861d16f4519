from __future__ import annotations

import pytest
from django.db import connection

from mailaccounts.models import SenderAccount
from tests import factories
from tests.mailaccounts.account_pages import CANARY, add, edit, errors, typed, url


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


def test_the_type_of_an_account_stays_what_it_was(owner_client, account):
    edit(owner_client, account, kind="server")
    account.refresh_from_db()
    assert (account.kind, account.host, account.password) == ("smtp", "smtp.ovh.example", CANARY)


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
        ("copy_to", "good@b.example, bad@, c@d.example", "bad@"),
        ("reply_to", "nobody", "address"),
        ("concurrency", "0", "1"),
        ("per_day", "0", "1"),
        ("per_minute", "0", "1"),
        ("per_minute", "many", "number"),
        ("per_day", "99999999999", "10000000"),
        ("username", "a\r\nb", "line breaks"),
        ("password", "a\r\nb", "line breaks"),
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
    page = owner_client.get(url("account_add", shop, kind="smtp")).content.decode()
    for port in (25, 465, 587, 2525):
        assert f'<option value="{port}">' in page
    assert 'value="465"' in page
    add(owner_client, shop, port="10025", tls_mode="starttls")
    assert SenderAccount.objects.get(shop=shop, kind="smtp").port == 10025


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


def test_a_password_without_encryption_is_refused_in_the_form(owner_client, shop):
    response = add(owner_client, shop, tls_mode="none", port="25")
    assert "must not travel unencrypted" in errors(response, "tls_mode")
    assert not SenderAccount.objects.filter(shop=shop, kind="smtp").exists()


def test_a_new_password_is_asked_for_again_when_something_else_was_wrong(owner_client, account):
    response = edit(owner_client, account, password="new-one", copy_to="nonsense")
    assert "Type it again" in errors(response, "password")
    page = response.content.decode()
    assert "new-one" not in page
    assert 'placeholder="unchanged"' not in page
    edit(owner_client, account, password="new-one")
    account.refresh_from_db()
    assert account.password == "new-one"


def test_a_fallback_that_is_switched_off_stays_chosen(owner_client, account):
    other = factories.make_account(account.shop)
    edit(owner_client, account, fallback=str(other.pk))
    other.switch_off()
    edit(owner_client, account, label="Nowa")
    account.refresh_from_db()
    assert (account.label, account.fallback) == ("Nowa", other)


def test_two_accounts_do_not_fall_back_on_each_other(owner_client, account):
    other = factories.make_account(account.shop)
    edit(owner_client, account, fallback=str(other.pk))
    response = edit(owner_client, other, fallback=str(account.pk))
    assert "falls back on this one" in errors(response, "fallback")


@pytest.mark.parametrize("choice", ["itself", "another shop's", "0", "x"])
def test_a_fallback_is_another_account_of_the_shop(owner_client, account, other_shop, choice):
    picks = {"itself": account.pk, "another shop's": factories.make_account(other_shop).pk}
    response = edit(owner_client, account, fallback=str(picks.get(choice, choice)))
    assert errors(response, "fallback")


@pytest.mark.parametrize(
    ("typed", "kept"), [("0,003", "0.0030"), ("0.003", "0.0030"), ("-1", None), ("x", None)]
)
def test_a_price_is_written_with_a_comma_or_a_point(owner_client, shop, typed, kept):
    response = add(owner_client, shop, kind="freshmail", price_per_message=typed)
    if kept is None:
        assert errors(response, "price_per_message")
    else:
        account = SenderAccount.objects.get(shop=shop, kind="freshmail")
        assert (str(account.price_per_message), account.price_currency) == (kept, "PLN")
