"""Real answers of real servers, and what we make of them for people who sell shoes."""

from __future__ import annotations

import pytest

from mailaccounts.account_test.explain import explain
from mailaccounts.account_test.failures import Deed, Failure
from mailaccounts.account_test.password_places import place_of_password
from mailaccounts.transports.answers import Reply, classify
from mailaccounts.transports.base import AnswerClass, Phase
from mailaccounts.transports.certificates import Cause

SHOP = {
    "host": "ssl0.ovh.net",
    "port": 465,
    "tls": "implicit",
    "user": "sklep@rowerownia.pl",
    "sender": "sklep@rowerownia.pl",
    "to": "anna@gmial.com",
}
LOGIN, MAIL, RCPT, DOT, CONNECT = (
    Phase.LOGIN,
    Phase.MAIL,
    Phase.RCPT,
    Phase.DOT,
    Phase.CONNECT,
)

# phase, code, the server's words, what differs from SHOP; a part of the title, the button
ANSWERS = [
    (LOGIN, 535, "5.7.8 Error: authentication failed: authentication failure",
     {}, "OVH did not accept the password", Deed.PASSWORD),
    (LOGIN, 535, "5.7.1 Authentication failed",
     {}, "OVH did not accept the password", Deed.PASSWORD),
    (LOGIN, 535, "5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
     {"host": "poczta.home.pl"}, "home.pl did not accept", Deed.PASSWORD),
    (LOGIN, 535, "Incorrect authentication data",
     {"host": "mail.kowalski.example", "user": "sklep"}, "did not accept", Deed.PASSWORD),
    (LOGIN, 535, "5.7.0 Error: authentication failed",
     {"host": "smtp.wp.pl"}, "WP did not accept", Deed.PASSWORD),
    (LOGIN, 535, "5.7.8 Username and Password not accepted. For more information, go to "
     "https://support.google.com/mail/?p=BadCredentials",
     {"host": "smtp.gmail.com"}, "Google wants an app password", Deed.PASSWORD),
    (LOGIN, 534, "5.7.9 Application-specific password required. For more information, go to "
     "https://support.google.com/mail/?p=InvalidSecondFactor",
     {"host": "smtp.gmail.com"}, "Google wants an app password", Deed.PASSWORD),
    (LOGIN, 534, "5.7.14 <https://accounts.google.com/signin/continue> Please log in via your "
     "web browser", {"host": "smtp.gmail.com"}, "Google wants an app password", Deed.PASSWORD),
    (LOGIN, 535, "5.7.8 (#AUTH005) Too many bad auth attempts; use an app password",
     {"host": "smtp.mail.yahoo.com"}, "Yahoo wants an app password", Deed.PASSWORD),
    (LOGIN, 550, "5.7.30 Basic authentication is not supported for Client Submission.",
     {"host": "smtp.office365.com"}, "Microsoft no longer accepts passwords", Deed.SETTINGS),
    (LOGIN, 535, "5.7.139 Authentication unsuccessful, basic authentication is disabled. "
     "[AM0PR04CA0001.eurprd04.prod.outlook.com]",
     {"host": "smtp.office365.com"}, "Microsoft no longer accepts passwords", Deed.SETTINGS),
    (LOGIN, 535, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for "
     "the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.",
     {"host": "smtp.office365.com"}, "switched off for this Microsoft mailbox", Deed.NONE),
    (LOGIN, 535, "5.7.3 Authentication unsuccessful [VI1PR0102CA0027]",
     {"kind": "microsoft", "host": "smtp.office365.com"}, "Microsoft does not let us in",
     Deed.SIGN_IN),
    (LOGIN, 535, "5.7.8 Username and Password not accepted.",
     {"kind": "google", "host": "smtp.gmail.com"}, "Google does not let us in", Deed.SIGN_IN),
    (LOGIN, 454, "4.7.0 Temporary authentication failure: Connection lost to authentication "
     "server", {}, "cannot check the password just now", Deed.NONE),
    (LOGIN, 538, "5.7.11 Encryption required for requested authentication mechanism",
     {"tls": "none", "port": 587}, "wants an encrypted connection", Deed.SETTINGS),
    (LOGIN, 530, "5.7.0 Must issue a STARTTLS command first.",
     {"tls": "none", "port": 587}, "wants an encrypted connection", Deed.SETTINGS),
    (CONNECT, 421, "4.7.0 ssl0.ovh.net Error: too many connections from 203.0.113.9",
     {}, "takes no more connections", Deed.SETTINGS),
    (CONNECT, 554, "5.7.1 Service unavailable; client host [203.0.113.9] blocked using "
     "zen.spamhaus.org", {}, "does not talk to this computer", Deed.NONE),
    (CONNECT, 421, "Service not available, closing transmission channel",
     {}, "turned us away", Deed.NONE),
    (MAIL, 553, "5.7.1 <sklep@rowerownia.pl>: Sender address rejected: not owned by user "
     "biuro@rowerownia.pl", {"user": "biuro@rowerownia.pl"},
     "does not let biuro@rowerownia.pl send as sklep@rowerownia.pl", Deed.SETTINGS),
    (RCPT, 550, "5.7.60 SMTP; Client does not have permissions to send as this sender",
     {}, "does not let", Deed.SETTINGS),
    (MAIL, 550, "5.1.8 <sklep@rowerowna.pl>: Sender address rejected: Domain not found",
     {"sender": "sklep@rowerowna.pl"}, "domain of sklep@rowerowna.pl is not known",
     Deed.SETTINGS),
    (RCPT, 554, "5.7.1 <anna@gmial.com>: Relay access denied",
     {"user": ""}, "sends nothing for us without a log-in", Deed.SETTINGS),
    (RCPT, 550, "5.7.1 Client host rejected: cannot find your hostname",
     {}, "takes no mail from this computer", Deed.NONE),
    (RCPT, 550, "5.1.1 <anna@gmial.com>: Recipient address rejected: User unknown in virtual "
     "mailbox table", {}, "anna@gmial.com does not exist", Deed.ADDRESS),
    (RCPT, 552, "5.2.2 Mailbox full", {}, "anna@gmial.com is full", Deed.ADDRESS),
    (RCPT, 450, "4.2.0 <anna@gmial.com>: Recipient address rejected: Greylisted, see "
     "http://postgrey.schweikert.ch/help/", {}, "a second time", Deed.NONE),
    (RCPT, 451, "4.3.0 Temporary lookup failure", {}, "not take the message just now", Deed.NONE),
    (DOT, 550, "5.4.5 Daily user sending limit exceeded. For more information on Gmail",
     {}, "as much as its server allows", Deed.SETTINGS),
    (DOT, 550, "5.7.26 This mail is unauthenticated, which poses a security risk to the sender",
     {}, "does not believe that the mail is yours", Deed.DOMAIN),
    (DOT, 550, "5.7.1 Unauthenticated email from rowerownia.pl is not accepted due to domain's "
     "DMARC policy.", {}, "does not believe that the mail is yours", Deed.DOMAIN),
    (DOT, 554, "5.7.1 Message rejected: IP address is on the block list (reputation)",
     {}, "list of senders of unwanted mail", Deed.NONE),
    (DOT, 554, "5.6.0 Message looks like spam", {}, "took the message for unwanted", Deed.DOMAIN),
    (DOT, 552, "5.3.4 Message size exceeds fixed limit", {}, "no message of this size", Deed.NONE),
]  # fmt: skip


def failure(phase, code, text, changes):
    reply = Reply(code, text.encode())
    steps = {LOGIN: "login", CONNECT: "connection"}
    return Failure(
        step=steps.get(phase, "message"),
        words=f"{code} {text}",
        answer=classify(reply, phase),
        phase=phase,
        code=code,
        enhanced=reply.enhanced,
        **{**SHOP, **changes},
    )


@pytest.mark.promise("S3.8")
@pytest.mark.parametrize(("phase", "code", "text", "changes", "title", "deed"), ANSWERS)
def test_an_answer_is_explained(phase, code, text, changes, title, deed):
    found = explain(failure(phase, code, text, changes))
    assert title in found.title
    assert found.deed == deed
    assert found.found and found.advice


CAUSES = [
    (Cause.SELF_SIGNED, {}, "made itself", Deed.IGNORE_CERTIFICATE),
    (Cause.EXPIRED, {}, "has expired", Deed.IGNORE_CERTIFICATE),
    (Cause.NOT_YET_VALID, {}, "not valid yet", Deed.IGNORE_CERTIFICATE),
    (Cause.WRONG_NAME, {}, "names another server", Deed.IGNORE_CERTIFICATE),
    (Cause.UNKNOWN_ISSUER, {}, "Nobody we know vouches", Deed.IGNORE_CERTIFICATE),
    (Cause.CERTIFICATE, {}, "is not accepted", Deed.IGNORE_CERTIFICATE),
    (Cause.NO_STARTTLS, {"tls": "starttls", "port": 587}, "does not encrypt", Deed.SETTINGS),
    (Cause.CLEAR_PASSWORD, {"tls": "none"}, "password was not sent", Deed.SETTINGS),
    (Cause.NO_TLS, {"port": 587}, "Port 587 does not begin with TLS", Deed.SETTINGS),
    (Cause.NO_TLS, {"tls": "starttls", "port": 587}, "No encrypted connection", Deed.SETTINGS),
    (Cause.TIMEOUT, {"tls": "starttls"}, "Port 465 wants TLS", Deed.SETTINGS),
    (Cause.TIMEOUT, {"port": 25}, "does not answer on port 25", Deed.SETTINGS),
    (Cause.TIMEOUT, {}, "does not answer on port 465", Deed.SETTINGS),
    (Cause.REFUSED, {}, "takes no connections", Deed.SETTINGS),
    (Cause.NO_NAME, {}, "no server named ssl0.ovh.net", Deed.SETTINGS),
    (Cause.NAME_UNREADABLE, {}, "could not be looked up", Deed.NONE),
    (Cause.GUARDED, {}, "not allowed", Deed.SETTINGS),
]


@pytest.mark.parametrize(("cause", "changes", "title", "deed"), CAUSES)
def test_a_connection_that_does_not_come_about_is_explained(cause, changes, title, deed):
    answer = AnswerClass.NET if deed == Deed.NONE else AnswerClass.AUTH
    facts = {**SHOP, **changes}
    found = explain(Failure("connection", "smtp", "words", answer, CONNECT, cause=cause, **facts))
    assert title in found.title
    assert found.deed == deed
    assert found.found and found.advice


@pytest.mark.parametrize("kind", ["freshmail", "esp", "google", "microsoft", "server"])
@pytest.mark.parametrize("cause", [each for each in Cause if each != Cause.NONE])
def test_nobody_is_sent_to_a_field_that_the_form_does_not_have(kind, cause):
    facts = {**SHOP, "host": "api.freshmail.com", "port": 443}
    step = Failure("server", kind, "words", AnswerClass.AUTH, CONNECT, cause=cause, **facts)
    found = explain(step)
    assert "api.freshmail.com" in found.title and found.found
    assert "nothing to change in the account" in found.advice
    assert found.deed == Deed.NONE
    for word in ("hoster", "SMTP", "STARTTLS", "port", "mistyped"):
        assert word not in f"{found.title} {found.found} {found.advice}"


def test_a_provider_that_has_no_name_here_is_our_own_way_to_the_internet():
    facts = {**SHOP, "host": "api.freshmail.com", "port": 443}
    for cause in (Cause.NO_NAME, Cause.NAME_UNREADABLE):
        found = explain(Failure("server", "freshmail", cause=cause, **facts))
        assert found.title == "api.freshmail.com could not be reached from here"
        assert "no way to the internet, or its name servers do not answer" in found.found


def test_port_25_leads_to_587_and_a_silent_465_too():
    for port in (25, 465):
        found = explain(
            Failure("connection", cause=Cause.TIMEOUT, **{**SHOP, "port": port, "tls": "implicit"})
        )
        assert "587" in found.advice


def test_a_new_password_is_set_in_the_hosters_own_panel():
    found = explain(failure(LOGIN, 535, "5.7.8 no", {"host": "poczta.home.pl"}))
    assert "home.pl › Poczta › Hasła" in found.advice
    assert place_of_password("notovh.net") is None


def test_what_nobody_foresaw_still_names_a_way_on():
    found = explain(Failure("settings", words="Settings cannot be used"))
    assert found.title and found.advice and found.found == "Settings cannot be used"
