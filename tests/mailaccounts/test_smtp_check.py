"""The test of an SMTP account, as staff see its steps."""

from uuid import uuid4

import pytest

from mailaccounts.transports.smtp import Smtp
from tests.smtp import (
    QUICK,
    FakeJournal,
    closed_port,
    make_account,
    make_outgoing,
    sink,
)


def check(port, **account):
    results = Smtp(make_account(port, **account), QUICK).check()
    return {result.name: result for result in results}


def test_the_check_tells_every_step(trusted):
    with sink(tls=trusted, implicit_tls=True, users={"anna": "secret"}) as server:
        steps = check(server.port, tls="implicit", username="anna", password="secret")
        assert server.store.count == 0
    assert list(steps) == ["Server name", "Connection", "Encryption", "Log-in"]
    assert all(step.ok for step in steps.values())
    assert steps["Server name"].found == "127.0.0.1"
    assert steps["Encryption"].found.startswith("TLS 1.3, certificate valid to ")


def test_the_check_stops_at_the_step_that_fails_and_says_what_to_do():
    with sink(users={"anna": "secret"}) as server:
        steps = check(server.port, username="anna", password="wrong")
    last = list(steps.values())[-1]
    assert (last.name, last.ok) == ("Log-in", False)
    assert last.detail == "535 5.7.8 Error: authentication failed"
    assert "user name and password" in last.hint
    assert "wrong" not in repr(steps)


@pytest.mark.parametrize(
    ("account", "fails_at"),
    [
        ({"host": "a..b"}, "Server name"),
        ({"trusted": False}, "Server name"),
        ({"port": None}, "Connection"),
        ({"tls": "starttls"}, "Encryption"),
        ({"tls": "implicit"}, "Encryption"),
        ({"username": "anna", "password": "x"}, "Log-in"),
    ],
)
def test_the_check_never_raises(account, fails_at, settings):
    settings.OUTBOUND_ALLOW = []
    with sink() as server:
        port = server.port
        if "port" in account:
            account = {}
            port = closed_port()
        steps = check(port, **account)
    last = list(steps.values())[-1]
    assert (last.name, last.ok) == (fails_at, False)
    assert last.found and last.hint


def test_an_account_with_tokens_may_log_in_its_own_way():
    said = []

    class WithToken(Smtp):
        def log_in(self, session, endpoint):
            said.append(session.esmtp_features["auth"])
            session.auth("PLAIN", lambda challenge=None: f"\0{endpoint.username}\0token")

    journal = FakeJournal()
    with sink(users={"anna": "token"}) as server:
        account = make_account(server.port, username="anna")
        WithToken(account, QUICK).send(iter([make_outgoing(delivery_id=uuid4())]), journal)
    assert journal.answers == ["sent"]
    assert said
