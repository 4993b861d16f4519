"""Connecting, encryption and log-in, and what an account's set-up can get wrong."""

import base64
from types import SimpleNamespace

import pytest
from aiosmtpd.smtp import AuthResult

from demo.sink_faults import Fault, Stage
from mailaccounts.transports import smtp_opening
from mailaccounts.transports.base import AccountTrouble, Endpoint
from mailaccounts.transports.smtp_opening import Opening, Timeouts
from tests.smtp import (
    arrived,
    carry,
    closed_port,
    ids,
    independent_server,
    make_certificate,
    make_outgoing,
    make_outgoings,
    sink,
)


@pytest.mark.promise("S0.16", "S1.11", "S1.15")
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize("pipelining", [True, False])
def test_it_sends_over_tls_after_logging_in(trusted, tls, pipelining):
    items = make_outgoings(10)
    users = {"shop@shop.example": "hasło"}
    with sink(
        tls=trusted, implicit_tls=tls == "implicit", users=users, pipelining=pipelining
    ) as server:
        account = {"tls": tls, "username": "shop@shop.example", "password": "hasło"}
        journal, trouble = carry(server.port, items, **account)
        assert trouble is None
        assert arrived(server) == ids(items)
        assert server.connections == 1
    assert journal.outcomes[0].tls.startswith("TLSv1.3 ")
    assert journal.released == []


@pytest.mark.parametrize("size", [100_000, 5_000_000])
def test_a_large_message_goes_through_plain_and_encrypted(trusted, size):
    item = make_outgoing("y" * 70 + "\r\n." * (size // 3))
    for implicit in (False, True):
        with sink(tls=trusted, implicit_tls=implicit) as server:
            journal, _trouble = carry(
                server.port,
                [item, make_outgoing()],
                timeouts=Timeouts(),
                tls="implicit" if implicit else "none",
            )
            assert server.store.received[0].content == item.content
        assert journal.answers == ["sent", "sent"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_it_logs_in_to_an_independent_server(mechanism):
    def authenticate(server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (b"anna", "żółw".encode())
        return AuthResult(success=good, handled=False)

    options = {"authenticator": authenticate, "auth_require_tls": False, "auth_required": True}
    options["auth_exclude_mechanism"] = {"PLAIN", "LOGIN"} - {mechanism}
    with independent_server(**options) as (handler, port):
        journal, trouble = carry(port, [make_outgoing()], username="anna", password="żółw")
        assert trouble is None
        assert len(handler.envelopes) == 1
        _journal, trouble = carry(port, [make_outgoing()], username="anna", password="wrong")
        assert (trouble.answer, trouble.code, trouble.phase) == ("auth", 535, "login")
    assert journal.answers == ["sent"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_password_may_have_any_letter(mechanism):
    account = {"username": "anna", "password": "żółw ✓"}
    with sink(users={"anna": "żółw ✓"}, mechanisms=(mechanism,)) as server:
        journal, trouble = carry(server.port, [make_outgoing()], **account)
    assert (trouble, journal.answers) == (None, ["sent"])


def test_a_mechanism_that_is_offered_and_not_kept_does_not_stop_the_next():
    fault = Fault(Stage.AUTH, reply="535 5.7.8 CRAM-MD5 is not for you", times=1)
    with sink(users={"a": "b"}, mechanisms=("CRAM-MD5", "PLAIN"), faults=[fault]) as server:
        journal, trouble = carry(server.port, [make_outgoing()], username="a", password="b")
    assert (trouble, journal.answers) == (None, ["sent"])


def test_a_wrong_password_is_said_once_and_shown_nowhere():
    items = make_outgoings(3)
    with sink(users={"anna": "right"}, record=True) as server:
        account = {"username": "anna", "password": "wrong-canary"}
        journal, trouble = carry(server.port, items, **account)
        heard = b"".join(data for _connection, data in server.heard)
    assert (trouble.answer, trouble.enhanced) == ("auth", "5.7.8")
    assert heard.count(b"AUTH ") == 1
    assert b"MAIL" not in heard
    assert journal.released == items[:1]
    assert journal.outcomes == []


@pytest.mark.parametrize(
    "form", ["wrong-canary", base64.b64encode(b"\0anna\0wrong-canary").decode()]
)
def test_a_server_that_repeats_the_password_does_not_bring_it_into_the_log(form):
    fault = Fault(Stage.AUTH, reply=f"535 5.7.8 AUTH PLAIN {form} is not right")
    with sink(users={"anna": "right"}, faults=[fault]) as server:
        account = {"username": "anna", "password": "wrong-canary"}
        _journal, trouble = carry(server.port, [make_outgoing()], **account)
    assert trouble.text == "AUTH PLAIN *** is not right"


def test_nothing_is_said_in_clear_where_starttls_is_missing():
    with sink(users={"anna": "secret"}, record=True) as server:
        account = {"tls": "starttls", "username": "anna", "password": "secret"}
        journal, trouble = carry(server.port, [make_outgoing()], **account)
        heard = b"".join(data for _connection, data in server.heard)
    assert trouble.answer == "auth"
    assert "STARTTLS" in trouble.text
    assert heard.lower().startswith(b"ehlo ") and heard.count(b"\r\n") == 1
    assert len(journal.released) == 1


@pytest.mark.parametrize("reply", ["454 4.7.0 TLS not available", "502 5.5.1 Not implemented"])
def test_nothing_is_said_in_clear_where_starttls_is_refused(trusted, reply):
    fault = Fault(Stage.STARTTLS, reply=reply)
    with sink(tls=trusted, users={"a": "b"}, faults=[fault], record=True) as server:
        account = {"tls": "starttls", "username": "a", "password": "b"}
        _journal, trouble = carry(server.port, [make_outgoing()], **account)
        heard = b"".join(data for _connection, data in server.heard)
    assert trouble.answer == ("net" if reply.startswith("4") else "auth")
    assert b"AUTH" not in heard and b"MAIL" not in heard


def test_words_smuggled_in_before_the_handshake_are_not_believed(trusted):
    """A man in the middle adds an answer in clear behind the 220 of STARTTLS."""
    fault = Fault(Stage.STARTTLS, action="raw", raw=b"220 Ready\r\n250 I am the server\r\n")
    with sink(tls=trusted, faults=[fault]) as server:
        _journal, trouble = carry(server.port, [make_outgoing()], tls="starttls")
    assert trouble.answer == "net"
    assert server.store.count == 0


BAD_CERTIFICATES = {
    "self-signed": {},
    "for another host": {"name": "other.example"},
    "expired": {"days": -1},
}


@pytest.mark.promise("S1.16")
@pytest.mark.parametrize("facts", BAD_CERTIFICATES.values(), ids=BAD_CERTIFICATES.keys())
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_bad_certificate_is_refused_unless_staff_say_otherwise(facts, tls, tmp_path, monkeypatch):
    context = make_certificate(tmp_path, **facts)
    if facts:  # trusted, so that only its own fault is left
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    smtp_opening.tls_context.cache_clear()
    with sink(tls=context, implicit_tls=tls == "implicit") as server:
        journal, trouble = carry(server.port, [make_outgoing()], tls=tls)
        assert (trouble.answer, server.store.count) == ("auth", 0)
        assert "certificate" in trouble.text
        assert len(journal.released) == 1
        journal, trouble = carry(server.port, [make_outgoing()], tls=tls, verify=False)
        assert (trouble, server.store.count) == (None, 1)
    smtp_opening.tls_context.cache_clear()


def test_all_accounts_share_one_tls_context():
    contexts = {id(smtp_opening.tls_context(True)) for _ in range(3)}
    assert len(contexts) == 1
    assert smtp_opening.tls_context(True) is not smtp_opening.tls_context(False)


# Where it cannot even connect


def test_a_server_that_is_down_is_the_accounts_trouble_and_costs_no_attempt():
    items = make_outgoings(3)
    journal, trouble = carry(closed_port(), items)
    assert (trouble.answer, trouble.phase) == ("net", "connect")
    assert journal.released == items[:1]
    assert journal.steps == []


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
def test_a_name_that_is_none_waits_for_staff(host):
    _journal, trouble = carry(25, [make_outgoing()], host=host, trusted=False)
    assert trouble.answer == "auth"
    assert host in trouble.text


def test_the_guard_keeps_an_account_out_of_the_operators_network(settings):
    settings.OUTBOUND_ALLOW = []
    with sink() as server:
        journal, trouble = carry(server.port, [make_outgoing()], trusted=False)
        assert (trouble.answer, server.connections) == ("auth", 0)
        assert len(journal.released) == 1
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.port}"]
        _journal, trouble = carry(server.port, [make_outgoing()], trusted=False)
        assert (trouble, server.connections) == (None, 1)


class ElsewhereSocket:
    """As much of a socket as the check sees: a clear connection to a host on the internet."""

    def __init__(self, peer):
        self.peer = peer

    def getpeername(self):
        return (self.peer, 25)


@pytest.mark.parametrize(
    ("peer", "trusted", "refused"),
    [
        ("203.0.113.5", False, True),
        ("2001:db8::5", False, True),
        ("203.0.113.5", True, False),
        ("127.0.0.1", False, False),
        ("::1", False, False),
    ],
)
def test_a_password_leaves_this_machine_only_encrypted(peer, trusted, refused):
    endpoint = Endpoint(host="mail.example", port=25, tls="none", username="u", trusted=trusted)
    opening = Opening(endpoint, Timeouts())
    opening._wire = SimpleNamespace(sock=ElsewhereSocket(peer))
    if not refused:
        return opening._refuse_clear_password()
    with pytest.raises(AccountTrouble) as caught:
        opening.log_in(lambda *_: pytest.fail("the password was sent"))
    assert caught.value.answer == "auth"
