from __future__ import annotations

import pytest

from mailaccounts.models import Kind, SenderAccount
from tests.mailaccounts.account_pages import CANARY, add, edit, url
from tests.pages import form_values

COMMON = {
    *("from_address", "from_name", "label", "reply_to", "copy_to"),
    *("per_day", "per_minute", "concurrency", "fallback"),
}
SERVER = {"preset", "host", "port", "tls_mode", "username", "password"}
OWN = {
    "smtp": SERVER,
    "server": set(),
    "google": set(),
    "microsoft": set(),
    "freshmail": {"password", "price_per_message", "price_currency"},
}


def fields(client, shop, kind, **query):
    page = client.get(url("account_add", shop, kind=kind), query)
    values = form_values(page)
    # The sent folder has its own tests.
    return {name for name in values if not name.startswith("imap_")} - {"csrfmiddlewaretoken"}


@pytest.mark.promise("S0.6")
def test_the_type_is_asked_for_first(owner_client, shop):
    start = owner_client.get(url("accounts", shop)).content.decode()
    assert f'href="{url("account_pick", shop)}"' in start
    page = owner_client.get(url("account_pick", shop)).content.decode()
    for kind in Kind.values:
        assert f'name="kind" value="{kind}"' in page
        response = owner_client.get(url("account_pick", shop), {"kind": kind})
        assert response.url == url("account_add", shop, kind=kind)


@pytest.mark.promise("S0.6", "S3.5")
@pytest.mark.parametrize("kind", list(OWN))
def test_each_type_shows_its_own_fields_only(owner_client, shop, kind):
    common = COMMON - ({"copy_to"} if kind == "freshmail" else set())
    shown = fields(owner_client, shop, kind) - {"tagged_envelope", "q", "next"}
    assert shown == common | OWN[kind]


@pytest.mark.promise("S0.19")
@pytest.mark.parametrize("kind", [*OWN, "esp"])
def test_every_type_but_freshmail_takes_copies(owner_client, shop, kind):
    shown = fields(owner_client, shop, kind, **({"service": "brevo"} if kind == "esp" else {}))
    assert ("copy_to" in shown) == (kind != "freshmail")


@pytest.mark.promise("S1.12", "S3.5")
def test_the_user_name_is_proposed_from_the_address_and_may_be_changed(owner_client, shop):
    there = url("account_add", shop, kind="smtp")
    values = form_values(owner_client.get(there, {"address": "sklep@rowerownia.example"}))
    assert values["username"] == ["sklep@rowerownia.example"]
    add(owner_client, shop, username="u1234")
    assert SenderAccount.objects.get(shop=shop, kind="smtp").username == "u1234"


@pytest.mark.promise("S3.13", "S3.10")
def test_gmails_server_and_limit_are_filled_in_and_the_limit_may_be_raised(owner_client, shop):
    typed = {"preset": "gmail", "host": "", "from_address": "r.serwis@gmail.com"}
    response = add(owner_client, shop, **typed, per_day="")
    assert response.status_code == 302, response.context["form"].errors
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    assert (account.host, account.port, account.tls_mode) == ("smtp.gmail.com", 465, "implicit")
    assert account.per_day == 100
    edited = owner_client.post(
        url("account_edit", shop, account.pk),
        {**form_values(owner_client.get(url("account_edit", shop, account.pk))), "per_day": "500"},
        follow=True,
    )
    account.refresh_from_db()
    assert account.per_day == 500
    assert "may block the mailbox" in edited.content.decode()


@pytest.mark.promise("S3.12")
@pytest.mark.parametrize("typed", ["abcd efgh ijkl mnop", "abcdefghijklmnop"])
def test_googles_app_password_is_taken_with_and_without_spaces(owner_client, shop, typed):
    add(owner_client, shop, preset="gmail", host="smtp.gmail.com", password=typed)
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    assert account.password == "abcdefghijklmnop"


def test_elsewhere_a_space_in_a_password_stays(owner_client, shop):
    add(owner_client, shop, password="abcd efgh ijkl mnop")
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    assert account.password == "abcd efgh ijkl mnop"


@pytest.mark.promise("S3.7")
def test_a_hoster_that_is_not_in_the_list_is_set_up_by_hand(owner_client, shop):
    page = owner_client.get(url("account_add", shop, kind="smtp")).content.decode()
    assert "Another one" in page
    assert "hoster’s documentation" in page
    add(owner_client, shop, preset="other", host="smtp.small.example")
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    assert (account.preset, account.host) == ("other", "smtp.small.example")


@pytest.mark.promise("S3.3")
def test_a_mailbox_just_for_automatic_mail_is_advised(owner_client, shop):
    assert "just for automatic mail" in owner_client.get(url("account_pick", shop)).content.decode()


@pytest.mark.promise("S3.9", "S3.11", "S3.12")
def test_the_guide_for_gmail_stands_beside_its_fields(owner_client, shop):
    page = owner_client.get(url("account_add", shop, kind="smtp")).content.decode()
    for words in ("two-step verification", "App passwords", "16 letters"):
        assert words in page


@pytest.mark.promise("S0.14")
def test_a_freshmail_account_needs_its_token_and_nothing_else(owner_client, shop):
    refused = add(owner_client, shop, kind="freshmail", password="")
    assert "Enter the key" in str(refused.context["form"].errors["password"])
    add(owner_client, shop, kind="freshmail", price_per_message="0.003", price_currency="PLN")
    account = SenderAccount.objects.get(shop=shop, kind="freshmail")
    assert (account.password, account.host, str(account.price_per_message)) == (
        CANARY,
        "",
        "0.0030",
    )


def test_an_unknown_type_is_not_found(owner_client, shop):
    assert owner_client.get(url("account_add", shop, kind="pigeon")).status_code == 404


def test_a_sending_service_is_chosen_by_name_and_asks_for_what_it_needs(owner_client, shop):
    there = url("account_add", shop, kind="esp")
    page = owner_client.get(there).content.decode()
    for name in ("Brevo", "Postmark", "Mailgun", "Resend", "Amazon SES"):
        assert name in page
    assert owner_client.post(there, {"password": "x"}).status_code == 404
    mailgun = fields(owner_client, shop, "esp", service="mailgun")
    assert {"esp_domain", "esp_region", "password"} <= mailgun
    assert not {"username", "host", "esp"} & mailgun
    ses = fields(owner_client, shop, "esp", service="ses")
    assert {"username", "esp_region", "password"} <= ses


def test_a_services_values_are_checked_where_they_are_typed(owner_client, shop):
    there = url("account_add", shop, kind="esp") + "?service=mailgun"
    values = form_values(owner_client.get(there))
    sender = {"from_address": "a@b.example", "from_name": "A"}
    refused = owner_client.post(there, {**values, **sender, "esp_domain": "mg b", "password": "k"})
    assert "copy it once more" in str(refused.context["form"].errors["esp_domain"])
    owner_client.post(there, {**values, **sender, "esp_domain": "mg.b.example", "password": "k"})
    account = SenderAccount.objects.get(shop=shop, kind="esp")
    assert (account.esp, account.esp_domain, account.password) == ("mailgun", "mg.b.example", "k")
    assert (account.state, account.is_main) == ("active", True)


def test_who_does_not_know_the_servers_data_asks_a_technician(owner_client, shop):
    there = url("account_add", shop, kind="smtp")
    values = form_values(owner_client.get(there)) | {"host": "", "port": "", "username": ""}
    sender = {"from_address": "sklep@rowerownia.example", "from_name": "R"}
    assert owner_client.post(there, {**values, "ask": "1"}).status_code == 200  # no address yet
    response = owner_client.post(there, {**values, **sender, "ask": "1"})
    account = SenderAccount.objects.get(shop=shop, kind="smtp")
    assert (account.state, account.host, account.is_main) == ("draft", "", False)
    assert response.url == url("account_technician", shop, account.pk)
    asked = owner_client.get(response.url).content.decode()
    assert "sklep@rowerownia.example" in asked
    listed = owner_client.get(url("accounts", shop)).content.decode()
    assert "Waits for the server’s data" in listed
    owner_client.post(url("account_switch_on", shop, account.pk))
    account.refresh_from_db()
    assert account.state == "draft"
    edit(owner_client, account, host="smtp.ovh.example", username="x", password="y", port="465")
    owner_client.post(url("account_switch_on", shop, account.pk))
    account.refresh_from_db()
    assert (account.state, account.is_main, account.host) == ("active", True, "smtp.ovh.example")
