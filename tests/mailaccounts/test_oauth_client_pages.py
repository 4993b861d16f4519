"""The form of the shop's own client: write-only secret, redirect address, guide."""

from __future__ import annotations

import pytest
from django.urls import reverse

from mailaccounts.models import OAuthClient, SenderAccount
from shops.models import AuditEntry
from tests.mailaccounts.sign_ins import draft, url
from tests.oauth_provider import CLIENT_ID, CLIENT_SECRET
from tests.pages import submit

pytestmark = pytest.mark.django_db


def page_of(shop, provider="google"):
    return reverse("mailaccounts:oauth_client", kwargs={"shop": shop.slug, "provider": provider})


def saved(client, shop, provider="google", **typed):
    facts = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **typed}
    return submit(client, page_of(shop, provider), **facts)


def errors(response):
    return {name: str(said) for name, said in response.context["form"].errors.items()}


@pytest.mark.promise("S0.17")
def test_a_shop_enters_its_own_client_and_goes_on_to_the_sign_in(shop, owner_client):
    account = draft(shop)
    answer = saved(owner_client, shop)
    assert answer.headers["Location"] == url("account_sign_in", account)
    row = OAuthClient.objects.get()
    assert (row.shop, row.client_secret) == (shop, CLIENT_SECRET)
    entry = AuditEntry.objects.get(action="oauth_client.saved")
    assert entry.details == {"fields": ["client_id", "client_secret"]}


@pytest.mark.parametrize(
    ("provider", "step"), [("google", "Publish app"), ("microsoft", "Authenticated SMTP")]
)
def test_the_page_shows_the_redirect_address_and_the_guide(shop, owner_client, provider, step):
    page = owner_client.get(page_of(shop, provider)).content.decode()
    assert "http://localhost:8000/accounts/oauth/callback/" in page and step in page


def test_each_provider_has_its_own_fields(shop, owner_client):
    google = owner_client.get(page_of(shop)).context["form"].fields
    microsoft = owner_client.get(page_of(shop, "microsoft")).context["form"].fields
    assert list(google) == ["client_id", "client_secret", "in_testing"]
    assert list(microsoft) == ["client_id", "client_secret", "tenant", "secret_expires_on"]
    assert owner_client.get(page_of(shop, "yahoo")).status_code == 404


def test_the_secret_is_never_shown_and_stays_when_left_empty(shop, owner_client):
    saved(owner_client, shop)
    page = owner_client.get(page_of(shop)).content.decode()
    assert CLIENT_SECRET not in page and CLIENT_ID in page
    saved(owner_client, shop, client_secret="", in_testing="on")
    row = OAuthClient.objects.get()
    assert (row.client_secret, row.in_testing) == (CLIENT_SECRET, True)


def test_the_secret_is_not_kept_for_another_client_id(shop, owner_client):
    saved(owner_client, shop)
    answer = saved(owner_client, shop, client_id="another", client_secret="")
    assert list(errors(answer)) == ["client_secret"]
    assert OAuthClient.objects.get().client_id == CLIENT_ID


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"client_id": ""}, "client_id"),
        ({"client_id": "with space"}, "client_id"),
        ({"client_secret": ""}, "client_secret"),
        ({"client_secret": "zażółć"}, "client_secret"),
        ({"tenant": "../../other"}, "tenant"),
        ({"tenant": "x" * 200}, "tenant"),
        ({"secret_expires_on": "soon"}, "secret_expires_on"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(shop, owner_client, typed, field):
    assert field in errors(saved(owner_client, shop, "microsoft", **typed))
    assert not OAuthClient.objects.exists()


def test_a_new_secret_lets_accounts_that_were_refused_try_again(shop, owner_client):
    saved(owner_client, shop)
    account = draft(shop, state="active", oauth_client=OAuthClient.objects.get())
    SenderAccount.objects.filter(pk=account.pk).update(breaker="open", auth_failures=2)
    saved(owner_client, shop, client_secret="the-new-one")
    account.refresh_from_db()
    assert (account.breaker, account.auth_failures) == ("closed", 0)


def test_operators_enter_the_installations_client_in_the_admin(operator, client, shop):
    client.force_login(operator)
    add = reverse("admin:mailaccounts_oauthclient_add")
    facts = {"provider": "microsoft", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    assert submit(client, add, "oauthclient_form", **facts).status_code == 302
    row = OAuthClient.objects.get()
    assert (row.shop, row.client_secret) == (None, CLIENT_SECRET)
    change = reverse("admin:mailaccounts_oauthclient_change", args=[row.pk])
    assert CLIENT_SECRET not in client.get(change).content.decode()
    assert submit(client, change, "oauthclient_form", tenant="x.example").status_code == 200
    facts = {"tenant": "x.example", "client_secret": "another"}
    assert submit(client, change, "oauthclient_form", **facts).status_code == 302
    row.refresh_from_db()
    assert (row.tenant, row.client_secret) == ("x.example", "another")
