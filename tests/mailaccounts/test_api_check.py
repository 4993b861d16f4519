"""The test of an account at a provider, as staff see its steps."""

from __future__ import annotations

import pytest

from mailaccounts.transports.api import Api
from tests.http_server import Reply, http_server
from tests.mailaccounts.api_mail import KEY, QUICK, make_account
from tests.smtp import closed_port

STEPS = ["Server name", "Connection", "Encryption", "API key"]


def check(slug: str, reply: Reply, **account):
    with http_server(reply) as server:
        results = list(Api(make_account(slug, **account), QUICK, f"{server.url}/v3/").check())
    return results, server


@pytest.mark.parametrize(
    ("slug", "path", "header", "value"),
    [
        ("brevo", "/v3/account", "api-key", KEY),
        ("postmark", "/v3/server", "X-Postmark-Server-Token", KEY),
        ("resend", "/v3/domains", "Authorization", f"Bearer {KEY}"),
        ("mailgun", "/v3/domains/mg.shop.example", "Authorization", "Basic "),
        ("mailjet", "/v3/REST/myprofile", "Authorization", "Basic "),
        ("sparkpost", "/v3/account", "Authorization", KEY),
    ],
)
def test_the_key_is_shown_with_a_call_that_changes_nothing(slug, path, header, value):
    results, server = check(slug, Reply(200, {}))
    assert [step.name for step in results] == STEPS
    assert all(step.ok for step in results)
    [asked] = server.asked
    assert (asked.method, asked.path) == ("GET", path)
    assert asked.headers[header].startswith(value)


def test_amazon_says_that_it_still_is_a_sandbox():
    reply = Reply(200, {"ProductionAccessEnabled": False, "SendingEnabled": True})
    results, server = check("ses", reply)
    assert results[-1].ok
    assert "sandbox" in results[-1].found
    assert server.asked[0].method == "GET"


@pytest.mark.parametrize(
    ("slug", "reply"),
    [
        ("resend", Reply(401, {"name": "restricted_api_key", "message": "only send"})),
        ("ses", Reply(403, {"message": "x"}, {"x-amzn-ErrorType": "AccessDeniedException"})),
    ],
)
def test_a_key_that_may_only_send_is_good(slug, reply):
    results, _server = check(slug, reply)
    assert results[-1].ok
    assert "look at nothing else" in results[-1].found


def test_freshmail_says_that_only_a_message_can_tell():
    results, server = check("freshmail", Reply(200))
    assert (results[-1].ok, server.asked) == (True, [])
    assert "send one to yourself" in results[-1].found


@pytest.mark.parametrize("status", [401, 403, 404, 402, 500])
@pytest.mark.parametrize("slug", ["brevo", "ses"])
def test_a_refusal_is_told_with_what_to_do_and_without_the_key(slug, status):
    results, _server = check(slug, Reply(status, {"message": f"bad key {KEY}"}))
    last = results[-1]
    assert (last.name, last.ok) == ("API key", False)
    assert last.hint
    assert last.detail.startswith(str(status))
    assert KEY not in repr(results)


@pytest.mark.parametrize("reply", [Reply(hang_up=True), Reply(wait=5), Reply(raw=b"?")])
@pytest.mark.parametrize("slug", ["brevo", "ses"])
def test_the_check_never_raises(slug, reply):
    results, _server = check(slug, reply)
    assert not results[-1].ok
    assert "broke off" in results[-1].found


def test_a_server_that_is_not_there_stops_at_the_connection():
    results = list(Api(make_account("brevo"), QUICK, f"http://127.0.0.1:{closed_port()}/").check())
    assert [step.name for step in results] == STEPS[:2]
    assert not results[-1].ok


def test_the_guard_stops_at_the_name(settings):
    settings.OUTBOUND_ALLOW = []
    results, server = check("brevo", Reply(200, {}))
    assert ([step.name for step in results], server.connections) == (STEPS[:1], 0)
