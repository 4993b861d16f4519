"""The transport of accounts at providers, against an HTTP server on loopback."""

from __future__ import annotations

import base64
import email
import json
import logging
import time
from dataclasses import replace
from email.policy import default as modern

import pytest

from mailaccounts.esp import PROVIDERS
from mailaccounts.transports import transport_for
from mailaccounts.transports.api import Api
from mailaccounts.transports.base import AccountTrouble, AnswerClass, Phase
from maillog import mime
from tests.http_server import Reply, http_server
from tests.mailaccounts.api_mail import (
    ACCOUNTS,
    KEY,
    QUICK,
    TAKEN,
    TO,
    Sent,
    make_account,
    make_mail,
)
from tests.smtp import FakeJournal, closed_port

SLUGS = sorted(ACCOUNTS)


def send(slug: str, *replies: Reply, items=None, journal=None, **account):
    with http_server(TAKEN[slug]) as server:
        server.answer(*replies)
        sent = Sent(server, slug, items or [make_mail()], journal, **account)
    return sent, server


# What every provider gets


def test_the_table_and_the_accounts_of_these_tests_name_the_same_providers():
    assert {*PROVIDERS, "freshmail"} == set(ACCOUNTS) == set(TAKEN)


@pytest.mark.parametrize("slug", SLUGS)
def test_each_provider_takes_a_mail_and_its_id_is_kept(slug):
    headers = {"headers": ()} if slug == "mailersend" else {}
    sent, server = send(slug, items=[make_mail(**headers)])
    assert (sent.outcome.answer, sent.outcome.phase, sent.trouble) == ("sent", "dot", None)
    # Unisender Go is given an id instead of giving one.
    known = "" if slug == "unisender" else "1234"
    assert sent.outcome.text.startswith(f"{sent.outcome.code} id {known}")
    assert sent.outcome.server == f"127.0.0.1 [127.0.0.1]:{server.port}"
    [asked] = server.asked
    assert asked.method == "POST"
    assert asked.headers["User-Agent"].startswith("Postroom")
    assert sent.journal.gates == sent.pulled


@pytest.mark.parametrize("slug", SLUGS)
def test_each_provider_is_told_the_envelopes_recipient_and_nobody_else(slug):
    # In test mode the envelope goes elsewhere, and a reader of a copy is not named in the mail.
    cc = (mime.Mailbox("cc@mail.example", "Cc"),)
    item = make_mail(rcpt_to="test@shop.example", cc=cc, headers=())
    _sent, server = send(slug, items=[item])
    body = server.asked[0].body
    assert b"test@shop.example" in unwrapped(slug, body)
    assert TO.encode() not in unwrapped(slug, body)
    assert b"cc@mail.example" not in unwrapped(slug, body)


def unwrapped(slug: str, body: bytes) -> bytes:
    """SES gets the whole mail in base64."""
    if slug != "ses":
        return body.replace(b"%40", b"@")
    return body + base64.b64decode(json.loads(body)["Content"]["Raw"]["Data"])


def test_freshmail_gets_what_its_documentation_asks_for():
    item = make_mail()
    _sent, server = send("freshmail", items=[item])
    [asked] = server.asked
    assert asked.path == "/v3/messaging/emails"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.json == {
        "recipients": [{"email": TO, "name": "Anna Wiśniewska"}],
        "from": {"name": "Rowerownia Łódź", "email": "sklep@shop.example"},
        "subject": "Zamówienie 10482 przyjęte",
        "contents": [
            {"type": "text/plain", "body": "Dziękujemy, Anno.\n"},
            {"type": "text/html", "body": "<p>Dziękujemy, Anno.</p>\n"},
        ],
        "replyTo": {"email": "biuro@shop.example"},
        "headers": {"X-Shop": "rower", "X-Postroom-Delivery": item.delivery_id.hex},
        "attachments": [
            {
                "name": "Faktura 1.pdf",
                "content": base64.b64encode(b"%PDF-1.7 \x00\xff").decode(),
            }
        ],
    }


def test_brevo_gets_the_deliverys_id_so_that_a_repeat_is_not_sent_twice():
    item = make_mail()
    _sent, server = send("brevo", items=[item])
    [asked] = server.asked
    assert (asked.path, asked.headers["api-key"]) == ("/api/smtp/email", KEY)
    assert asked.json["headers"]["idempotencyKey"] == str(item.delivery_id)
    assert asked.json["replyTo"] == {"email": "biuro@shop.example"}
    assert asked.json["attachment"][0]["name"] == "Faktura 1.pdf"


def test_resend_gets_an_idempotency_key_for_each_delivery():
    items = [make_mail(), make_mail()]
    _sent, server = send("resend", items=items)
    keys = [asked.headers["Idempotency-Key"] for asked in server.asked]
    assert keys == [str(item.delivery_id) for item in items]
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"


def test_postmark_is_asked_to_keep_our_message_id():
    item = make_mail()
    _sent, server = send("postmark", items=[item])
    [asked] = server.asked
    headers = {each["Name"]: each["Value"] for each in asked.json["Headers"]}
    assert headers["Message-ID"] == f"<{item.delivery_id.hex}@shop.example>"
    assert headers["X-PM-KeepID"] == "true"
    assert asked.headers["X-Postmark-Server-Token"] == KEY


def test_mailgun_is_asked_for_the_accounts_domain():
    _sent, server = send("mailgun")
    [asked] = server.asked
    assert asked.path == "/api/mg.shop.example/messages"
    basic = base64.b64encode(f"api:{KEY}".encode()).decode()
    assert asked.headers["Authorization"] == f"Basic {basic}"
    assert b'name="h:Message-Id"' in asked.body
    assert "Zamówienie 10482 przyjęte".encode() in asked.body


def test_amazon_gets_a_signed_request_with_the_whole_mail():
    _sent, server = send("ses")
    [asked] = server.asked
    assert asked.path == "/v2/email/outbound-emails"
    assert "AKIAIOSFODNN7EXAMPLE/" in asked.headers["Authorization"]
    assert "/eu-central-1/ses/aws4_request" in asked.headers["Authorization"]
    assert asked.json["Destination"] == {"ToAddresses": [TO]}
    raw = base64.b64decode(asked.json["Content"]["Raw"]["Data"])
    mail = email.message_from_bytes(raw, policy=modern)
    assert mail["Subject"] == "Zamówienie 10482 przyjęte"
    assert mail["From"].addresses[0].display_name == "Rowerownia Łódź"
    [attachment] = mail.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == (
        "Faktura 1.pdf",
        b"%PDF-1.7 \x00\xff",
    )


def test_amazon_is_asked_once_even_when_it_fails():
    sent, server = send("ses", Reply(500, {"message": "Internal"}))
    assert (sent.outcome.answer, len(server.asked)) == ("unknown", 1)


def test_pictures_in_the_text_travel_with_their_names():
    picture = mime.Attachment("logo.png", "image/png", b"\x89PNG", "logo")
    item = make_mail(html='<img src="cid:logo">', attachments=(picture,))
    _sent, server = send("postmark", items=[item])
    [attached] = server.asked[0].json["Attachments"]
    assert (attached["ContentID"], attached["ContentType"]) == ("cid:logo", "image/png")


def test_the_regions_address_and_freshmails_come_from_the_table_and_the_setting(settings):
    assert transport_for(make_account("mailgun")).open().api_url == "https://api.eu.mailgun.net/v3/"
    assert (
        transport_for(make_account("ses")).open().api_url
        == "https://email.eu-central-1.amazonaws.com"
    )
    settings.FRESHMAIL_API_URL = "https://freshmail.example/v3"
    assert transport_for(make_account("freshmail")).open().api_url == settings.FRESHMAIL_API_URL


# What cannot be carried


@pytest.mark.parametrize("slug", ["freshmail", "brevo", "scaleway"])
def test_pictures_in_the_text_are_refused_where_the_provider_has_no_place_for_them(slug):
    picture = mime.Attachment("logo.png", "image/png", b"\x89PNG", "logo")
    item = make_mail(html='<img src="cid:logo">', attachments=(picture,))
    sent, server = send(slug, items=[item])
    assert (sent.outcome.answer, server.asked) == ("capability", [])
    assert "inline attachments" in sent.outcome.text


@pytest.mark.parametrize(
    ("count", "size", "goes"), [(10, 10, True), (11, 10, False), (2, 5 * 1024 * 1024 + 1, False)]
)
def test_freshmails_limits_are_kept_before_anything_is_sent(count, size, goes):
    files = tuple(
        mime.Attachment(f"{n}.bin", "application/octet-stream", b"x" * size) for n in range(count)
    )
    sent, server = send("freshmail", items=[make_mail(attachments=files)])
    assert sent.outcome.answer == ("sent" if goes else "size")
    assert len(server.asked) == goes
    assert not sent.journal.gates or goes


def test_a_header_of_the_shops_own_is_not_lost_in_silence():
    sent, _server = send("mailersend", items=[make_mail(headers=(("X-Shop", "rower"),))])
    assert (sent.outcome.answer, "X-Shop" in sent.outcome.text) == ("capability", True)
    sent, server = send("mailersend", items=[make_mail(headers=())])
    assert sent.outcome.answer == "sent"
    assert "headers" not in server.asked[0].json


# Answers

ANSWERS = [
    (401, {"message": "bad key"}, "auth"),
    (402, {"message": "pay"}, "quota"),
    (403, {"message": "forbidden"}, "auth"),
    (404, {"message": "no such thing"}, "auth"),
    (429, {"message": "slow down"}, "quota"),
    (408, {}, "temporary"),
    (409, {}, "unknown"),
    (413, b"", "size"),
    (400, {"errors": ["Invalid recipient address"]}, "recipient"),
    (400, {"errors": [{"message": "insufficient credits"}]}, "quota"),
    (422, {"errors": {"recipients": ["is too large"]}}, "size"),
    (422, {"message": "The domain shop.example is not verified"}, "auth"),
    (400, {"message": "subject is missing"}, "content"),
    (301, b"", "unknown"),
    (500, b"<html><title>Oops</title></html>", "unknown"),
    (503, {"message": "down"}, "unknown"),
]


@pytest.mark.promise("S0.14")
@pytest.mark.parametrize(("status", "body", "expected"), ANSWERS)
@pytest.mark.parametrize("slug", ["freshmail", "resend"])
def test_an_answer_decides_what_the_queue_does(slug, status, body, expected):
    sent, server = send(slug, Reply(status, body, {"Location": "/elsewhere"}))
    assert len(server.asked) == 1, "nothing is repeated or followed here"
    if expected in ("auth", "quota"):
        # It waits and is not counted; the account is to blame.
        assert sent.journal.released == sent.pulled
        assert (sent.trouble.answer, sent.trouble.code) == (expected, status)
    else:
        assert (sent.outcome.answer, sent.outcome.code) == (expected, status)
    if status >= 500:
        assert sent.trouble.answer is AnswerClass.NET


@pytest.mark.parametrize(
    ("slug", "reply", "expected"),
    [
        ("postmark", Reply(422, {"ErrorCode": 406, "Message": "inactive"}), "content"),
        (
            "postmark",
            Reply(
                422,
                {
                    "ErrorCode": 406,
                    "Message": f"Found inactive addresses: {TO}. Inactive recipients are ones",
                },
            ),
            "recipient",
        ),
        ("postmark", Reply(422, {"ErrorCode": 405, "Message": "no more"}), "quota"),
        ("postmark", Reply(422, {"ErrorCode": 400, "Message": "no signature"}), "auth"),
        ("brevo", Reply(400, {"code": "not_enough_credits", "message": "no"}), "quota"),
        ("brevo", Reply(400, {"code": "duplicate_request", "message": "seen"}), "unknown"),
        ("mailgun", Reply(400, {"message": "to parameter is not a valid address"}), "recipient"),
        ("mailgun", Reply(200, b"Mailgun Magnificent API"), "unknown"),
        ("mailgun", Reply(401, b"Forbidden"), "auth"),
        ("resend", Reply(422, {"name": "invalid_from_address", "message": "x"}), "auth"),
        (
            "ses",
            Reply(
                400, {"message": "x"}, {"x-amzn-ErrorType": "MailFromDomainNotVerifiedException"}
            ),
            "auth",
        ),
        (
            "ses",
            Reply(429, {"message": "x"}, {"x-amzn-ErrorType": "TooManyRequestsException"}),
            "quota",
        ),
        (
            "ses",
            Reply(400, {"message": "Email address is not verified."}),
            "auth",
        ),
        (
            "sparkpost",
            Reply(
                200,
                {
                    "results": {
                        "total_accepted_recipients": 0,
                        "total_rejected_recipients": 1,
                        "id": "1",
                    }
                },
            ),
            "recipient",
        ),
        ("mandrill", Reply(200, [{"email": TO, "status": "rejected"}]), "recipient"),
        ("freshmail", Reply(201, b"not json"), "unknown"),
        ("freshmail", Reply(201, []), "unknown"),
    ],
)
def test_providers_own_words_count(slug, reply, expected):
    sent, _server = send(slug, reply)
    found = sent.trouble.answer if sent.journal.released else sent.outcome.answer
    if slug == "postmark" and expected == "content":
        expected = "recipient"  # its number alone says so
    assert found == expected


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}, 1),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_it_waits_as_long_as_the_provider_asks(headers, wait):
    sent, _server = send("freshmail", Reply(429, {}, headers))
    assert (sent.trouble.answer, sent.trouble.retry_after) == ("quota", wait)


# The wire


def test_a_refused_connection_is_not_sent_and_counts_for_nothing():
    port = closed_port()
    journal, item = FakeJournal(), make_mail()
    transport = Api(make_account("freshmail"), QUICK, f"http://127.0.0.1:{port}/")
    with pytest.raises(AccountTrouble) as caught:
        transport.send(iter([item]), journal)
    assert (caught.value.answer, caught.value.phase) == ("net", Phase.CONNECT)
    assert (journal.released, journal.gates, journal.outcomes) == ([item], [], [])


@pytest.mark.parametrize("slug", ["freshmail", "ses"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(wait=5),
        Reply(hang_up=True),
        Reply(raw=b"SSH-2.0-nothing\r\n"),
        Reply(201, b" " * 40, drip=0.05),
    ],
)
def test_silence_or_nonsense_after_the_request_is_unknown(slug, reply):
    began = time.monotonic()
    sent, server = send(slug, reply, items=[make_mail(), make_mail()])
    assert [o.answer for o in sent.journal.outcomes] == ["unknown"]
    assert (sent.trouble.answer, sent.trouble.phase) == ("net", Phase.DOT)
    # The second one was not even pulled, and nothing was sent twice.
    assert (len(sent.pulled), len(server.asked)) == (1, 1)
    assert time.monotonic() - began < 3


def test_the_gate_is_asked_over_an_open_connection_and_nothing_is_written_when_it_stays_shut():
    with http_server(TAKEN["freshmail"]) as server:
        seen = []
        journal = FakeJournal(
            refuse=lambda gate: True, at_gate=lambda gate: seen.append(len(server.asked))
        )
        sent = Sent(server, "freshmail", [make_mail()], journal)
        assert (server.asked, seen) == ([], [0])
    assert sent.journal.released == sent.pulled


def test_a_gate_that_took_too_long_lets_nobody_through():
    with http_server(TAKEN["freshmail"]) as server:
        impatient = replace(QUICK, gate=-1.0)
        journal, item = FakeJournal(), make_mail()
        Api(make_account("freshmail"), impatient, f"{server.url}/").send(iter([item]), journal)
        assert (journal.gates, journal.released, server.asked) == ([item], [item], [])


def test_one_connection_carries_all_messages_of_a_session():
    sent, server = send("freshmail", items=[make_mail() for _ in range(3)])
    assert sent.journal.answers == ["sent"] * 3
    assert {asked.connection for asked in server.asked} == {1}


def test_a_connection_that_the_provider_closed_is_opened_anew_without_a_failure():
    closing = Reply(201, [{"id": "1"}], {"Connection": "close"})
    sent, server = send("freshmail", closing, items=[make_mail(), make_mail()])
    assert sent.journal.answers == ["sent", "sent"]
    assert [asked.connection for asked in server.asked] == [1, 2]


def test_a_kept_connection_that_has_died_is_opened_anew_before_the_gate():
    with http_server(TAKEN["freshmail"]) as server:

        def items():
            yield make_mail()
            server.hang_up()
            yield make_mail()

        sent = Sent(server, "freshmail", items())
    assert (sent.journal.answers, sent.trouble) == (["sent", "sent"], None)
    assert [asked.connection for asked in server.asked] == [1, 2]


def test_a_connection_that_dies_while_the_gate_is_asked_has_sent_nothing():
    with http_server(TAKEN["freshmail"]) as server:
        gates = []

        def at_gate(gate):
            gates.append(gate)
            if len(gates) == 2:
                server.hang_up()
                time.sleep(0.05)

        sent = Sent(server, "freshmail", [make_mail(), make_mail()], FakeJournal(at_gate=at_gate))
    assert sent.journal.answers == ["sent"]
    assert sent.journal.released == sent.pulled[1:]
    assert (sent.trouble.answer, sent.trouble.phase) == ("net", Phase.BODY)
    assert len(server.asked) == 1


def test_no_password_of_a_netrc_file_goes_along(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    _sent, server = send("freshmail")
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"


def test_over_tls_with_a_trusted_certificate(trusted):
    with http_server(TAKEN["freshmail"], tls=trusted) as server:
        sent = Sent(server, "freshmail", [make_mail(), make_mail()])
    assert sent.journal.answers == ["sent", "sent"]
    assert sent.journal.outcomes[0].tls.startswith("TLSv1.3")
    assert {asked.connection for asked in server.asked} == {1}


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path):
    from tests.smtp import make_certificate

    with http_server(TAKEN["freshmail"], tls=make_certificate(tmp_path)) as server:
        sent = Sent(server, "freshmail", [make_mail()])
        assert server.asked == []
    assert sent.trouble.answer == "auth"
    assert sent.journal.released == sent.pulled


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    proxy = f"http://127.0.0.1:{closed_port()}"
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    for slug in ("freshmail", "ses"):
        sent, _server = send(slug)
        assert sent.outcome.answer == "sent"


@pytest.mark.parametrize("slug", ["freshmail", "ses", "brevo"])
def test_the_guard_lets_no_request_into_a_private_network(slug, settings):
    with http_server(TAKEN[slug]) as server:
        settings.OUTBOUND_ALLOW = []
        sent = Sent(server, slug, [make_mail()])
        assert (server.connections, server.asked) == (0, [])
    assert (sent.trouble.answer, sent.journal.gates) == ("auth", [])
    assert sent.journal.released == sent.pulled


@pytest.mark.parametrize(
    "url", ["https://10.0.0.8/v3", "https://169.254.169.254/", "http://8.8.8.8/", "ftp://x/", ":"]
)
def test_an_address_that_must_not_be_asked_is_not(url, settings):
    settings.OUTBOUND_ALLOW = []
    settings.FRESHMAIL_API_URL = url
    journal = FakeJournal()
    with pytest.raises(AccountTrouble) as caught:
        Api(make_account("freshmail"), QUICK).send(iter([make_mail()]), journal)
    assert (caught.value.answer, journal.gates, journal.outcomes) == ("auth", [], [])


# Secrets


@pytest.mark.parametrize("slug", ["freshmail", "brevo", "mailgun", "ses", "mailjet"])
@pytest.mark.parametrize("status", [201, 400, 401, 500])
def test_the_key_turns_up_in_no_outcome_error_or_log(slug, status, caplog):
    caplog.set_level(logging.DEBUG)
    body = {"message": f"wrong key {KEY}", "errors": [f"key={KEY}"]}
    sent, _server = send(slug, Reply(status, body))
    said = (
        f"{sent.journal.outcomes!r} {sent.trouble!r} {vars(sent.trouble) if sent.trouble else ''}"
    )
    assert KEY not in said
    assert KEY not in caplog.text
    assert sent.trouble is None or sent.trouble.__cause__ is None


@pytest.mark.parametrize(
    ("slug", "changes"),
    [
        ("freshmail", {"password": ""}),
        ("freshmail", {"password": "klucz-ąę"}),
        ("ses", {"esp_region": "evil.example/#"}),
        ("ses", {"username": ""}),
        ("mailgun", {"esp_domain": "a/../b"}),
        ("brevo", {"esp": "nobody"}),
        ("brevo", {"password": "two\r\nlines"}),
    ],
)
def test_settings_that_cannot_be_right_stop_before_any_connection(slug, changes):
    with http_server() as server:
        transport = Api(make_account(slug, **changes), QUICK, server.url)
        with pytest.raises(AccountTrouble) as caught:
            transport.send(iter([make_mail()]), FakeJournal())
        [step] = transport.check()
        assert server.connections == 0
    assert (caught.value.answer, step.ok) == ("auth", False)
    assert not changes.get("password") or changes["password"] not in caught.value.text
