"""From "Sign in at Google" to an account that may send, and all the ways it can go wrong."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from django.test import Client
from django.utils import timezone
from oidc_provider_mock import run_server_in_thread
from oidc_provider_mock._storage import Client as MockedClient

from mailaccounts import leaving
from mailaccounts.models import OAuthClient, SenderAccount, SignInAttempt, TokenToRevoke
from mailaccounts.oauth import tasks
from mailaccounts.oauth.tokens import access_token
from shops.models import AuditEntry, Membership, Role
from tests import factories
from tests.mailaccounts.sign_ins import (
    CALLBACK,
    address_of,
    come_back,
    draft,
    exchange,
    last_attempt,
    sign_in,
    url,
)
from tests.oauth_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    MAILBOX,
    oauth_provider,
    point_settings_at,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def google(settings):
    with oauth_provider() as provider:
        point_settings_at(provider, settings)
        yield provider


@pytest.mark.promise("S0.17")
def test_signing_in_at_google_makes_the_shops_main_account(shop, owner_client, owner, google):
    account = sign_in(owner_client, google, draft(shop))
    assert (account.state, account.is_main, account.username) == ("active", True, MAILBOX)
    assert account.oauth_refresh_token in google.refresh_tokens
    assert google.users[MAILBOX] == account.oauth_access_token
    assert (account.per_day, account.concurrency) == (2000, 2)
    entry = AuditEntry.objects.get(action="account.signed_in")
    assert entry.user == owner
    assert entry.details.items() >= {"provider": "google", "mailbox": MAILBOX}.items()
    page = owner_client.get(
        url("account_sign_in_progress", account, attempt=last_attempt(account).pk)
    )
    assert f"Signed in as {MAILBOX}" in page.content.decode()


@pytest.mark.promise("S0.17")
def test_google_is_asked_for_lasting_consent_with_state_and_pkce(shop, owner_client, google):
    asked = parse_qs(urlsplit(address_of(owner_client, draft(shop))).query)
    assert asked["scope"] == ["https://mail.google.com/ openid email"]
    assert (asked["access_type"], asked["prompt"]) == (["offline"], ["consent"])
    assert asked["code_challenge_method"] == ["S256"] and len(asked["state"][0]) >= 32
    assert asked["redirect_uri"] == ["http://localhost:8000/accounts/oauth/callback/"]
    assert asked["login_hint"] == [MAILBOX]


@pytest.mark.promise("S0.17")
def test_microsoft_is_asked_in_the_shops_own_directory_and_has_its_limits(
    shop, owner_client, google
):
    OAuthClient.objects.create(
        shop=shop,
        provider="microsoft",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        tenant="rowerownia.example",
    )
    account = draft(shop, "microsoft", concurrency=8)
    address = address_of(owner_client, account)
    assert urlsplit(address).path == "/rowerownia.example/oauth2/v2.0/authorize"
    assert parse_qs(urlsplit(address).query)["scope"] == [
        "https://outlook.office.com/SMTP.Send offline_access openid email"
    ]
    account = sign_in(owner_client, google, account)
    assert (account.per_minute, account.per_day, account.concurrency) == (30, 10_000, 3)
    assert account.oauth_client.shop == shop


@pytest.mark.promise("S0.18")
@pytest.mark.parametrize("granted", ["openid email", "https://mail.google.com/x openid", ""])
def test_without_the_ticked_box_the_account_stays_a_draft_and_nothing_is_kept(
    shop, owner_client, google, granted
):
    google.granted = granted or "email"
    account = sign_in(owner_client, google, draft(shop))
    attempt = last_attempt(account)
    assert (attempt.step, attempt.failure) == ("failed", "scope")
    assert (account.state, account.is_main) == ("draft", False)
    assert account.oauth_refresh_token == account.oauth_access_token == ""
    page = owner_client.get(url("account_sign_in_progress", account, attempt=attempt.pk))
    assert "The box for sending was not ticked" in page.content.decode()
    assert "Try again" in page.content.decode()
    tasks.tell_provider(TokenToRevoke.objects.get().pk)
    assert google.refresh_tokens == {} and not TokenToRevoke.objects.exists()


def test_an_unticked_box_does_not_take_away_what_another_account_lives_on(
    shop, owner_client, google
):
    sign_in(owner_client, google, draft(shop))
    google.granted = "email"
    sign_in(owner_client, google, draft(shop))
    assert not TokenToRevoke.objects.exists()


def test_free_gmail_starts_with_its_low_limit_and_names_the_other_mailbox(
    shop, owner_client, google
):
    google.mailbox = "rowerownia@gmail.com"
    account = sign_in(owner_client, google, draft(shop))
    assert (account.username, account.per_day) == ("rowerownia@gmail.com", 100)
    assert account.from_address == MAILBOX
    page = owner_client.get(url("account_sign_in", account)).content.decode()
    assert "The mailbox is not the sender&#x27;s address" in page


@pytest.mark.parametrize("state", ["", "made-up", "x" * 5000, "ż\x00"])
def test_a_state_that_nobody_gave_out_is_refused(shop, owner_client, google, state):
    come_back(owner_client, google, draft(shop))
    answer = owner_client.get(CALLBACK, {"code": "kanarek", "state": state})
    assert answer.status_code == 400
    assert "kanarek" not in answer.content.decode()


@pytest.mark.promise("S0.17")
def test_a_state_of_another_browser_or_another_person_is_refused(shop, owner, owner_client, google):
    account = draft(shop)
    back = google.consent(address_of(owner_client, account))
    elsewhere, colleague = Client(), Client()
    elsewhere.force_login(owner)
    colleague.force_login(factories.make_user(shop, Role.ADMIN))
    for browser in (elsewhere, colleague):
        address_of(browser, draft(shop))  # they have sign-ins of their own under way
    assert elsewhere.get(CALLBACK, back).status_code == 400
    assert colleague.get(CALLBACK, back).status_code == 400
    assert last_attempt(account).step == "started"
    assert owner_client.get(CALLBACK, back).status_code == 302


def test_coming_back_a_second_time_is_refused(shop, owner_client, google):
    account = draft(shop)
    back = google.consent(address_of(owner_client, account))
    assert owner_client.get(CALLBACK, back).status_code == 302
    assert owner_client.get(CALLBACK, back).status_code == 400
    exchange(account)
    exchange(account)
    assert len(google.asked) == 1
    assert owner_client.get(CALLBACK, back).status_code == 400


def test_a_code_of_somebody_elses_sign_in_is_worth_nothing(shop, owner_client, google):
    """PKCE: the code was asked for with another verifier."""
    account, other = draft(shop), draft(shop)
    stolen = google.consent(address_of(owner_client, other))["code"]
    back = google.consent(address_of(owner_client, account))
    owner_client.get(CALLBACK, {**back, "code": stolen})
    assert exchange(account).failure == "grant"


def test_after_ten_minutes_it_has_to_be_started_again(shop, owner_client, google):
    account = draft(shop)
    back = google.consent(address_of(owner_client, account))
    SignInAttempt.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    page = owner_client.get(CALLBACK, back, follow=True).content.decode()
    assert "more than ten minutes" in page
    assert google.asked == []


def test_somebody_who_lost_the_role_meanwhile_gets_no_further(shop, owner, owner_client, google):
    account = draft(shop)
    back = google.consent(address_of(owner_client, account))
    Membership.objects.filter(user=owner).update(role=Role.VIEWER)
    assert owner_client.get(CALLBACK, back).status_code == 400
    assert last_attempt(account).code == ""
    exchange(account)
    assert google.asked == []


def test_pressing_cancel_at_the_provider_is_said_in_plain_words(shop, owner_client, google):
    account = draft(shop)
    back = google.consent(address_of(owner_client, account))
    query = {"state": back["state"], "error": "access_denied"}
    page = owner_client.get(CALLBACK, query, follow=True).content.decode()
    assert "The permission was not given" in page


def test_nobody_signed_in_here_is_led_to_the_log_in_without_the_code(google):
    answer = Client().get(CALLBACK, {"code": "kanarek", "state": "x"})
    assert answer.headers["Location"] == "/accounts/login/"


def test_the_code_is_in_no_address_after_the_first_and_in_no_referrer(shop, owner_client, google):
    answer = come_back(owner_client, google, draft(shop))
    assert "?" not in answer.headers["Location"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (500, "oops", "net"),
        (200, "<html>", "net"),
        (200, "[]", "net"),
        (200, "{}", "net"),
        (200, '{"access_token": "a b\\r\\nDATA"}', "net"),
        (401, '{"error": "invalid_client"}', "client"),
        (400, '{"error": "invalid_grant", "error_description": "Bad Request"}', "grant"),
        (302, "", "net"),
    ],
)
def test_a_provider_that_fails_leaves_the_account_as_it_was(
    shop, owner_client, google, status, body, failure
):
    google.answers = [(status, body)]
    account = sign_in(owner_client, google, draft(shop))
    attempt = last_attempt(account)
    assert (attempt.failure, attempt.code, attempt.verifier) == (failure, "", "")
    assert (account.state, account.oauth_refresh_token) == ("draft", "")


def test_a_permission_that_does_not_last_is_not_taken(shop, owner_client, google):
    google.gives_refresh = False
    account = sign_in(owner_client, google, draft(shop))
    assert last_attempt(account).failure == "offline"
    assert account.state == "draft"


def test_an_account_that_was_deleted_meanwhile_is_not_signed_in(shop, owner_client, google):
    account = draft(shop)
    come_back(owner_client, google, account)
    SenderAccount.objects.filter(pk=account.pk).update(state="deleted")
    assert exchange(account).failure == "gone"
    assert TokenToRevoke.objects.count() == 1


def test_the_page_says_when_no_worker_fetches_the_permission(shop, owner_client, google):
    account = draft(shop)
    waiting = come_back(owner_client, google, account)
    page = owner_client.get(waiting.headers["Location"]).content.decode()
    assert 'hx-trigger="every 1s"' in page
    SignInAttempt.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    page = owner_client.get(waiting.headers["Location"], headers={"HX-Request": "true"})
    assert "Nobody has fetched the permission" in page.content.decode()
    assert "<html" not in page.content.decode()


def test_signing_in_again_mends_an_account_and_leaves_its_settings_alone(
    shop, owner_client, google
):
    account = sign_in(owner_client, google, draft(shop))
    SenderAccount.objects.filter(pk=account.pk).update(
        breaker="open", auth_failures=2, per_day=77, oauth_ends_at=timezone.now()
    )
    first = account.oauth_refresh_token
    account = sign_in(owner_client, google, account)
    assert (account.breaker, account.auth_failures, account.per_day) == ("closed", 0, 77)
    assert account.oauth_refresh_token != first and account.oauth_ends_at is None
    assert not TokenToRevoke.objects.exists(), "Google would end the new permission too"


def test_without_a_client_id_the_button_leads_to_where_it_is_entered(
    shop, owner_client, google, settings
):
    settings.GOOGLE_CLIENT_ID = ""
    answer = owner_client.post(url("account_sign_in", draft(shop)))
    assert answer.headers["Location"].endswith("/accounts/oauth/google/")


def test_accounts_with_passwords_have_no_such_page(shop, owner_client):
    account = factories.make_account(shop)
    assert owner_client.get(url("account_sign_in", account)).status_code == 404
    assert owner_client.post(url("account_sign_out", account)).status_code == 404


def test_signing_out_forgets_at_once_and_tells_the_provider(
    shop, owner_client, google, django_capture_on_commit_callbacks
):
    account = sign_in(owner_client, google, draft(shop))
    refresh = account.oauth_refresh_token
    page = owner_client.post(url("account_sign_out", account), follow=True)
    assert "is signed out of Google" in page.content.decode()
    account.refresh_from_db()
    assert (account.oauth_refresh_token, account.oauth_signed_in_at) == ("", None)
    assert google.revoked == []
    google.answers = []
    tasks.look_after()
    assert google.revoked == [refresh] and not TokenToRevoke.objects.exists()
    assert AuditEntry.objects.filter(action="account.signed_out").count() == 1


def test_a_deleted_account_gives_its_permission_back(shop, owner_client, google):
    account = sign_in(owner_client, google, draft(shop))
    factories.make_account(shop).make_main()
    account.refresh_from_db()
    refresh = account.oauth_refresh_token
    leaving.remove(account)
    account.refresh_from_db()
    assert (account.state, account.oauth_refresh_token) == ("deleted", "")
    tasks.look_after()
    assert google.revoked == [refresh]


def test_a_copy_of_an_account_is_signed_in_by_itself(shop, owner_client, google):
    """Two rows with one refresh token would take it away from each other when it rotates."""
    account = sign_in(owner_client, google, draft(shop))
    copy = SenderAccount.objects.get(pk=leaving.duplicate(account).pk)
    assert (copy.state, copy.oauth_refresh_token, copy.oauth_signed_in_at) == ("draft", "", None)
    copy = sign_in(owner_client, google, copy)
    assert (copy.state, copy.is_main) == ("active", False)


def test_the_hours_round_empties_what_was_never_finished(shop, owner_client, google):
    account = draft(shop)
    come_back(owner_client, google, account)
    assert last_attempt(account).code
    SignInAttempt.objects.update(created_at=timezone.now() - timedelta(minutes=30))
    tasks.look_after()
    attempt = last_attempt(account)
    assert (attempt.code, attempt.verifier, attempt.failure) == ("", "", "expired")


@pytest.mark.promise("S0.17", "S0.18")
@pytest.mark.parametrize("knows_gmail", [False, True])
def test_a_second_implementation_of_a_provider_understands_us(
    shop, owner_client, settings, monkeypatch, knows_gmail
):
    """oidc-provider-mock: it checks code, client and redirect address, and leaves out a scope
    that it does not know."""
    scopes = (*MockedClient.SCOPES_SUPPORTED, *(["https://mail.google.com/"] * knows_gmail))
    monkeypatch.setattr(MockedClient, "SCOPES_SUPPORTED", scopes)
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    with run_server_in_thread(port=0) as server:
        base = f"http://localhost:{server.server_port}/oauth2"
        settings.GOOGLE_AUTH_URL, settings.GOOGLE_TOKEN_URL = f"{base}/authorize", f"{base}/token"
        account = draft(shop)
        page, asked = address_of(owner_client, account), {"sub": MAILBOX}
        consent = requests.post(page, data=asked, allow_redirects=False, timeout=5)
        back = dict(parse_qsl(urlsplit(consent.headers["Location"]).query))
        owner_client.get(CALLBACK, back)
        attempt = exchange(account)
        assert attempt.failure == ("" if knows_gmail else "scope")
        account.refresh_from_db()
        assert account.state == ("active" if knows_gmail else "draft")
        if knows_gmail:
            first = account.oauth_access_token
            assert access_token(account, refused=first) not in ("", first)
