"""SMTP with a token instead of a password, against our sink and against aiosmtpd."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from datetime import timedelta

import pytest
from aiosmtpd.smtp import MISSING, AuthResult
from django.utils import timezone

from demo.sink_faults import Fault, Stage
from mailaccounts.account_test.explain import explain, failure_of
from mailaccounts.account_test.failures import Deed
from mailaccounts.models import SenderAccount
from mailaccounts.transports import transport_for
from mailaccounts.transports.base import AccountTrouble
from mailaccounts.transports.xoauth2 import XOAuth2
from tests.mailaccounts.sign_ins import draft
from tests.oauth_provider import MAILBOX, oauth_provider, point_settings_at
from tests.smtp import QUICK, FakeJournal, independent_server, make_outgoings, sink

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings):
    with oauth_provider() as running:
        point_settings_at(running, settings)
        yield running


def signed_in(shop, provider, kind="google", expires_in=3000):
    given = json.loads(provider._tokens()[1])
    return draft(
        shop,
        kind,
        state="active",
        username=MAILBOX,
        oauth_refresh_token=given["refresh_token"],
        oauth_access_token=given["access_token"],
        oauth_access_expires_at=timezone.now() + timedelta(seconds=expires_in),
        oauth_signed_in_at=timezone.now(),
    )


def smtp(settings, server, scheme="smtp"):
    settings.GOOGLE_SMTP = f"{scheme}://127.0.0.1:{server.port}"
    settings.MICROSOFT_SMTP = f"smtp+starttls://127.0.0.1:{server.port}"


def carry(account, count=1):
    journal = FakeJournal()
    try:
        XOAuth2(account, QUICK).send(iter(make_outgoings(count)), journal)
    except AccountTrouble as trouble:
        return journal, trouble
    return journal, None


def gmail(provider, **options):
    return sink(users=provider.users, mechanisms=("LOGIN", "PLAIN", "XOAUTH2"), **options)


@pytest.mark.promise("S0.17")
def test_mail_leaves_with_the_token(shop, provider, settings):
    account = signed_in(shop, provider)
    with gmail(provider, record=True) as server:
        smtp(settings, server)
        journal, trouble = carry(account, 3)
        heard = b"".join(data for _number, data in server.heard)
    assert (trouble, journal.answers) == (None, ["sent"] * 3)
    said = heard.split(b"AUTH XOAUTH2 ")[1].split(b"\r\n")[0]
    wanted = f"user={MAILBOX}\x01auth=Bearer {provider.users[MAILBOX]}\x01\x01"
    assert base64.b64decode(said).decode() == wanted
    assert provider.asked == []


@pytest.mark.promise("S0.17")
def test_microsoft_logs_in_after_starttls(shop, provider, settings, trusted):
    account = signed_in(shop, provider, "microsoft")
    with gmail(provider, tls=trusted, record=True) as server:
        smtp(settings, server)
        journal, trouble = carry(account)
        clear = b"".join(data for _number, data in server.heard).split(b"STARTTLS")[0]
    assert (trouble, journal.answers) == (None, ["sent"])
    assert b"XOAUTH2" not in clear


def test_a_server_without_encryption_elsewhere_never_sees_the_token(shop, provider, settings):
    settings.MICROSOFT_SMTP = "smtp+starttls://127.0.0.1:1"
    account = signed_in(shop, provider, "microsoft")
    with gmail(provider, record=True) as server:
        smtp(settings, server)
        journal, trouble = carry(account)
        heard = b"".join(data for _number, data in server.heard)
    assert trouble.answer == "auth" and "STARTTLS" in trouble.text
    assert b"AUTH" not in heard and len(journal.released) == 1


def test_an_expired_token_is_renewed_before_the_connection(shop, provider, settings):
    account = signed_in(shop, provider, expires_in=-10)
    with gmail(provider) as server:
        smtp(settings, server)
        _journal, trouble = carry(account)
    assert trouble is None and provider.refreshes == 1


@pytest.mark.promise("S0.17")
def test_a_token_the_server_does_not_take_is_renewed_once_on_the_same_connection(
    shop, provider, settings
):
    account = signed_in(shop, provider)
    provider.users[MAILBOX] = "another, because its clock is ahead"
    with gmail(provider) as server:
        smtp(settings, server)
        _journal, trouble = carry(account)
        assert server.connections == 1
    assert trouble is None and provider.refreshes == 1


def test_a_refusal_that_stays_waits_for_staff(shop, provider, settings):
    account = signed_in(shop, provider)
    provider.mailbox = "somebody@else.example"  # tokens from now on are of another mailbox
    provider.users.clear()
    with gmail(provider) as server:
        provider.users["nobody"] = "x"
        smtp(settings, server)
        journal, trouble = carry(account)
    assert (trouble.answer, trouble.code, trouble.enhanced) == ("auth", 535, "5.7.8")
    assert journal.outcomes == [] and len(journal.released) == 1
    assert provider.refreshes == 1


def test_a_mailbox_with_smtp_switched_off_costs_no_new_token(shop, provider, settings):
    account = signed_in(shop, provider)
    said = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled"
    with gmail(provider, faults=[Fault(Stage.AUTH, reply=said)]) as server:
        smtp(settings, server)
        _journal, trouble = carry(account)
    assert trouble.enhanced == "5.7.139" and provider.refreshes == 0


def test_a_server_that_repeats_the_auth_line_does_not_get_it_into_the_log(
    shop, provider, settings, caplog
):
    account = signed_in(shop, provider)
    token = account.oauth_access_token
    line = base64.b64encode(f"user={MAILBOX}\x01auth=Bearer {token}\x01\x01".encode()).decode()
    said = f"535 5.7.139 Bad: AUTH XOAUTH2 {line} {token}"
    with gmail(provider, faults=[Fault(Stage.AUTH, reply=said)]) as server:
        smtp(settings, server)
        _journal, trouble = carry(account)
    assert "***" in trouble.text
    assert token not in trouble.text and line not in trouble.text
    assert token not in caplog.text and line not in caplog.text


def test_a_server_that_does_not_know_tokens_is_said_so(shop, provider, settings):
    account = signed_in(shop, provider)
    with sink(users=provider.users) as server:
        smtp(settings, server)
        _journal, trouble = carry(account)
    assert trouble.answer == "auth" and "no way to log in" in trouble.text


class Strict:
    """aiosmtpd's own reading of AUTH (RFC 4954)."""

    def __init__(self, users):
        self.users = users
        self.empty_lines = 0

    async def auth_XOAUTH2(self, server, args):
        blob = base64.b64decode(args[1])
        facts = dict(part.split(b"=", 1) for part in blob.split(b"\x01") if part)
        token = facts[b"auth"].decode().removeprefix("Bearer ")
        if self.users.get(facts[b"user"].decode()) == token:
            return AuthResult(success=True, auth_data=facts[b"user"])
        said = await server.challenge_auth(json.dumps({"status": "400"}), encode_to_b64=True)
        self.empty_lines += said in (b"", MISSING)
        await server.push("535 5.7.8 Username and Password not accepted")
        return AuthResult(success=False, handled=True)


@pytest.mark.promise("S0.17")
@pytest.mark.parametrize("is_good", [True, False])
def test_an_independent_server_takes_or_refuses_the_token(shop, provider, settings, is_good):
    account = signed_in(shop, provider)
    strict = Strict(provider.users if is_good else {})
    with independent_server(auth_require_tls=False) as (handler, port):
        handler.auth_XOAUTH2 = strict.auth_XOAUTH2
        settings.GOOGLE_SMTP = f"smtp://127.0.0.1:{port}"
        journal, trouble = carry(account)
    if is_good:
        assert (trouble, journal.answers, len(handler.envelopes)) == (None, ["sent"], 1)
    else:
        assert trouble.code == 535 and strict.empty_lines == 2


@pytest.mark.promise("S0.17")
def test_the_account_test_tells_the_steps(shop, provider, settings):
    account = signed_in(shop, provider, expires_in=-1)
    with gmail(provider) as server:
        smtp(settings, server)
        steps = list(transport_for(account).check())
    codes = ["sign_in", "server", "connection", "encryption", "login"]
    assert [(step.code, step.ok) for step in steps] == [(code, True) for code in codes]
    assert steps[-1].found == "The server accepted the sign-in at Google."


def explained(account, steps):
    return explain(failure_of(asdict(steps[-1]), account, "x@y.example"))


def test_the_account_test_says_what_to_do_when_the_permission_is_gone(shop, provider, settings):
    account = signed_in(shop, provider, expires_in=-1)
    with gmail(provider) as server:
        provider.revoke_all()
        provider.users["nobody"] = "x"
        smtp(settings, server)
        steps = list(transport_for(account).check())
    assert not steps[-1].ok and "sign in again" in steps[-1].hint
    assert [step.code for step in steps] == ["sign_in"]
    told = explained(account, steps)
    assert told.deed == Deed.SIGN_IN and MAILBOX in told.advice


@pytest.mark.parametrize(("kind", "name"), [("google", "Google"), ("microsoft", "Microsoft")])
def test_an_account_that_nobody_has_signed_in_yet_is_told_so(shop, kind, name):
    account = draft(shop, kind)
    steps = list(transport_for(account).check())
    assert [(step.code, step.ok) for step in steps] == [("sign_in", False)]
    assert steps[0].found == "Nobody has signed in yet."
    told = explained(account, steps)
    assert (told.title, told.deed) == ("Nobody has signed in yet", Deed.SIGN_IN)
    assert f"Sign in at {name} as {MAILBOX}" in told.advice
    assert "any more" not in str(told) and "taken back" not in str(told)


def test_a_permission_taken_back_within_the_hour_is_explained_as_such(shop, provider, settings):
    """The stored token seems to live; the server refuses it, and so does the provider."""
    account = signed_in(shop, provider)
    provider.revoke_all()
    provider.users["nobody"] = "x"
    with gmail(provider) as server:
        smtp(settings, server)
        steps = list(transport_for(account).check())
    assert [step.ok for step in steps] == [True, True, True, True, False]
    assert explained(account, steps).deed == Deed.SIGN_IN


def test_the_account_test_blames_the_provider_when_it_is_away(shop, provider, settings):
    account = signed_in(shop, provider, expires_in=-1)
    provider.answers = [(500, "oops")]
    with gmail(provider) as server:
        smtp(settings, server)
        steps = list(transport_for(account).check())
    told = explained(account, steps)
    assert "could not be asked" in told.title and told.deed == Deed.NONE


def test_the_account_test_speaks_of_no_password_when_the_log_in_is_refused(
    shop, provider, settings, trusted
):
    account = signed_in(shop, provider, "microsoft")
    said = "535 5.7.139 SmtpClientAuthentication is disabled for the Mailbox"
    with gmail(provider, tls=trusted, faults=[Fault(Stage.AUTH, reply=said)]) as server:
        smtp(settings, server)
        steps = list(transport_for(account).check())
    assert not steps[-1].ok
    assert "Authenticated SMTP" in steps[-1].hint and "password" not in steps[-1].hint
    assert "Authenticated SMTP" in explained(account, steps).advice


@pytest.mark.promise("S0.16")
def test_the_providers_servers_are_the_real_ones_by_default(shop):
    google = SenderAccount(kind="google", from_address="a@b.example").endpoint()
    assert (google.host, google.port, google.tls) == ("smtp.gmail.com", 465, "implicit")
    microsoft = SenderAccount(kind="microsoft", username="x@y.example").endpoint()
    assert (microsoft.host, microsoft.port, microsoft.tls) == (
        "smtp.office365.com",
        587,
        "starttls",
    )
    assert (google.username, microsoft.username) == ("a@b.example", "x@y.example")
    assert google.verify and microsoft.verify


def test_errors_of_certificates_cannot_be_ignored_for_tokens(shop):
    account = SenderAccount(kind="google", ignore_certificate_errors=True)
    assert account.endpoint().verify
