"""Access tokens: fetched once, kept, renewed, and what happens when they cannot be."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from oidc_provider_mock import run_server_in_thread

from mailaccounts.esp.guarded import Patience
from mailaccounts.models import OAuthClient, SenderAccount
from mailaccounts.oauth import http, tokens
from mailaccounts.transports.base import AccountTrouble
from tests.mailaccounts.sign_ins import draft
from tests.oauth_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    MAILBOX,
    oauth_provider,
    point_settings_at,
)
from tests.smtp import closed_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def google(settings):
    with oauth_provider() as provider:
        point_settings_at(provider, settings)
        yield provider


def signed_in(shop, provider, *, expires_in=-1, **values):
    """An account as a sign-in has left it, with a token that lives ``expires_in`` more seconds."""
    _status, answer = provider._tokens()
    given = json.loads(answer)
    return draft(
        shop,
        state="active",
        username=MAILBOX,
        oauth_refresh_token=given["refresh_token"],
        oauth_access_token=given["access_token"],
        oauth_access_expires_at=timezone.now() + timedelta(seconds=expires_in),
        oauth_signed_in_at=timezone.now(),
        **values,
    )


def stored(account):
    return SenderAccount.objects.get(pk=account.pk)


def trouble_of(account):
    with pytest.raises(AccountTrouble) as caught:
        tokens.access_token(account)
    return caught.value


def test_a_token_that_lives_is_used_without_asking_anybody(shop, google):
    account = signed_in(shop, google, expires_in=600)
    assert tokens.access_token(account) == google.users[MAILBOX]
    assert google.asked == []


@pytest.mark.parametrize("expires_in", [-4000, -1, 30, 80])
def test_a_token_that_ends_soon_is_renewed_before_it_is_refused(shop, google, expires_in):
    account = signed_in(shop, google, expires_in=expires_in)
    old = account.oauth_refresh_token
    assert tokens.access_token(account) == google.users[MAILBOX]
    assert tokens.access_token(account) == google.users[MAILBOX]
    assert google.refreshes == 1
    assert stored(account).oauth_refresh_token in google.refresh_tokens
    assert stored(account).oauth_refresh_token != old, "rotated: the new one must be kept"


def test_every_refresh_uses_the_newest_of_the_rotated_tokens(shop, google):
    account = signed_in(shop, google)
    for _round in range(3):
        tokens.access_token(account)
        SenderAccount.objects.update(oauth_access_expires_at=timezone.now())
    assert google.refreshes == 3 and len(google.refresh_tokens) == 1


def test_a_provider_that_does_not_rotate_keeps_the_token_in_use(shop, google):
    google.rotates = False
    account = signed_in(shop, google)
    tokens.access_token(account)
    assert stored(account).oauth_refresh_token == account.oauth_refresh_token


@pytest.mark.django_db(transaction=True)
def test_eight_workers_that_notice_at_once_ask_the_provider_once(shop, google):
    google.delay = 0.15
    account = signed_in(shop, google)
    together, got = threading.Barrier(8), []

    def work():
        try:
            together.wait()
            got.append(tokens.access_token(SenderAccount.objects.get(pk=account.pk)))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert google.refreshes == 1
    assert got == [google.users[MAILBOX]] * 8


def test_of_two_that_read_the_same_row_one_renews(shop, google):
    account = signed_in(shop, google)
    both = [tokens._read(account), tokens._read(account)]
    assert [bool(tokens._take(account, kept)) for kept in both] == [True, False]


@pytest.mark.django_db(transaction=True)
def test_the_database_is_free_while_the_provider_is_waited_for(shop, google):
    """On SQLite an open transaction would stop every other writer."""
    google.delay = 0.4
    account = signed_in(shop, google)

    def renew():
        tokens.access_token(account)
        connection.close()

    thread = threading.Thread(target=renew)
    thread.start()
    time.sleep(0.15)
    started = time.monotonic()
    SenderAccount.objects.filter(pk=account.pk).update(last_used_at=timezone.now())
    assert time.monotonic() - started < 0.2
    thread.join(10)
    assert google.refreshes == 1


def test_a_worker_that_died_in_the_middle_is_replaced_when_its_lease_ends(shop, google):
    account = signed_in(shop, google)
    ahead = timezone.now() + timedelta(seconds=0.4)
    SenderAccount.objects.update(oauth_access_token="", oauth_access_expires_at=ahead)
    started = time.monotonic()
    assert tokens.access_token(account) == google.users[MAILBOX]
    assert 0.2 < time.monotonic() - started < 3


def test_who_signs_in_during_a_renewal_is_not_overwritten(shop, google, monkeypatch):
    account = signed_in(shop, google)
    ask = tokens._ask

    def slow(client, refresh):
        answer = ask(client, refresh)
        SenderAccount.objects.update(
            oauth_access_token="of-the-new-sign-in",
            oauth_refresh_token="also-new",
            oauth_access_expires_at=timezone.now() + timedelta(hours=1),
        )
        return answer

    monkeypatch.setattr(tokens, "_ask", slow)
    assert tokens.access_token(account) == "of-the-new-sign-in"
    assert stored(account).oauth_refresh_token == "also-new"


def outlived(monkeypatch, then=None):
    """The first renewal takes longer than its lease; ``then`` is what others do until it ends."""
    ask, slow = tokens._ask, []

    def slowly(client, refresh):
        if slow:
            return ask(client, refresh)
        slow.append(True)
        if then is None:
            answer = ask(client, refresh)
            past = timezone.now() - timedelta(seconds=1)
            SenderAccount.objects.update(oauth_access_expires_at=past)
            return answer
        SenderAccount.objects.update(oauth_access_expires_at=timezone.now() - timedelta(seconds=1))
        then()
        return ask(client, refresh)

    monkeypatch.setattr(tokens, "_ask", slowly)


def test_a_rotated_token_is_kept_though_the_lease_was_over(shop, google, monkeypatch):
    account = signed_in(shop, google)
    outlived(monkeypatch)
    assert tokens.access_token(account) == google.users[MAILBOX]
    row = stored(account)
    assert {row.oauth_refresh_token} == set(google.refresh_tokens)
    assert row.oauth_access_token == google.users[MAILBOX]
    assert google.refreshes == 1


def test_of_two_renewals_the_one_that_the_provider_took_counts(shop, google, monkeypatch):
    """The slow one is refused: its refresh token was used by the other, and rotated."""
    account = signed_in(shop, google)
    outlived(monkeypatch, lambda: tokens.access_token(account))
    assert tokens.access_token(account) == google.users[MAILBOX]
    row = stored(account)
    assert {row.oauth_refresh_token} == set(google.refresh_tokens)
    assert google.refreshes == 2 and row.oauth_access_expires_at > timezone.now()


def test_who_disconnects_during_a_renewal_stays_disconnected(shop, google, monkeypatch):
    account = signed_in(shop, google)
    outlived(monkeypatch)
    read = tokens._store_late

    def disconnected(*args):
        SenderAccount.objects.update(oauth_refresh_token="", oauth_access_expires_at=None)
        return read(*args)

    monkeypatch.setattr(tokens, "_store_late", disconnected)
    assert trouble_of(account).answer == "auth"
    assert stored(account).oauth_refresh_token == ""


def test_the_lease_outlasts_the_longest_answer_and_a_slow_look_up():
    assert tokens.LEASE.total_seconds() > http.LONGEST_SECONDS + tokens.LOOK_UP_SECONDS


def test_a_token_that_the_mail_server_refused_is_renewed_though_it_seems_to_live(shop, google):
    account = signed_in(shop, google, expires_in=3000)
    old = account.oauth_access_token
    assert tokens.access_token(account, refused=old) != old
    assert tokens.access_token(account, refused=old) == google.users[MAILBOX]
    assert google.refreshes == 1


@pytest.mark.promise("S0.17")
def test_a_withdrawn_permission_asks_staff_to_sign_in_again(shop, google):
    account = signed_in(shop, google)
    google.revoke_all()
    trouble = trouble_of(account)
    assert trouble.answer == "auth" and "sign in again" in trouble.text
    assert "Token has been expired or revoked" in trouble.text


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, "oops"),
        (503, "{}"),
        (429, "<html>slow down</html>"),
        (200, "<html>"),
        (200, '{"expires_in": 3600}'),
        (400, '{"error": "temporarily_unavailable"}'),
    ],
)
def test_a_provider_in_trouble_is_waited_for(shop, google, status, body):
    account = signed_in(shop, google)
    google.answers = [(status, body)]
    assert trouble_of(account).answer == "net"
    started = time.monotonic()
    assert tokens.access_token(account) == google.users[MAILBOX]
    assert time.monotonic() - started < 5, "the lease of the one that failed must be over"


def test_a_provider_that_nobody_reaches_is_waited_for(shop, google, settings):
    account = signed_in(shop, google)
    settings.GOOGLE_TOKEN_URL = f"http://127.0.0.1:{closed_port()}/token"
    trouble = trouble_of(account)
    assert (trouble.answer, trouble.phase) == ("net", "login")


def test_a_provider_that_drips_is_given_up(shop, google, settings, monkeypatch):
    monkeypatch.setattr(http, "PATIENCE", Patience(answer=0.3))
    account = signed_in(shop, google)
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.GOOGLE_TOKEN_URL = f"http://127.0.0.1:{server.getsockname()[1]}/token"
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        started = time.monotonic()
        assert trouble_of(account).answer == "net"
    assert time.monotonic() - started < 2


def drip(server):
    talk, _peer = server.accept()
    with talk:
        talk.recv(65536)
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        try:
            for _byte in range(100):
                talk.sendall(b" ")
                time.sleep(0.05)
        except OSError:
            pass


def test_an_expired_client_secret_is_named(shop, google):
    row = OAuthClient.objects.create(
        shop=shop, provider="google", client_id=CLIENT_ID, client_secret="the-old-one"
    )
    trouble = trouble_of(signed_in(shop, google, oauth_client=row))
    assert trouble.answer == "auth" and "secret" in trouble.text
    assert "the-old-one" not in trouble.text


def test_tokens_are_renewed_by_the_client_they_came_from(shop, google):
    """A client that the shop enters later knows nothing of them."""
    account = signed_in(shop, google)
    OAuthClient.objects.create(
        shop=shop, provider="google", client_id="another", client_secret="another"
    )
    assert tokens.access_token(account) == google.users[MAILBOX]
    assert google.asked[-1]["client_secret"] == CLIENT_SECRET


def test_a_secret_that_the_provider_repeats_is_not_shown(shop, google):
    account = signed_in(shop, google)
    said = f"bad {account.oauth_refresh_token} and {CLIENT_SECRET}"
    google.answers = [(400, json.dumps({"error": "invalid_grant", "error_description": said}))]
    trouble = trouble_of(account)
    assert "kanarek" not in trouble.text and "***" in trouble.text


@pytest.mark.promise("S0.17")
def test_tokens_are_encrypted_where_they_lie(shop, google):
    account = signed_in(shop, google)
    tokens.access_token(account)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM mailaccounts_senderaccount WHERE id = %s", [account.pk])
        assert "kanarek" not in str(cursor.fetchone())


def test_a_sign_in_that_cannot_be_read_any_more_asks_for_a_new_one(shop, google, settings):
    account = signed_in(shop, google)
    settings.FIELD_KEYS = ["Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyMDA="]
    trouble = trouble_of(stored(account))
    assert trouble.answer == "auth" and "Sign in again" in trouble.text


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[::1]"])
def test_a_provider_in_the_own_network_needs_the_operators_word(shop, google, settings, host):
    settings.OUTBOUND_ALLOW = []
    settings.GOOGLE_TOKEN_URL = f"https://{host}/token"
    trouble = trouble_of(signed_in(shop, google))
    assert trouble.answer == "auth" and "not allowed here" in trouble.text


def test_plain_http_is_for_this_computer_only(shop, google, settings):
    settings.GOOGLE_TOKEN_URL = "http://accounts.example/token"
    assert trouble_of(signed_in(shop, google)).answer == "net"


def test_a_second_implementation_understands_us(shop, google, settings):
    """oidc-provider-mock, which is written on another library's server side."""
    with run_server_in_thread(port=0) as server:
        settings.GOOGLE_TOKEN_URL = f"http://localhost:{server.server_port}/oauth2/token"
        account = signed_in(shop, google)
        assert trouble_of(account).answer == "auth"
