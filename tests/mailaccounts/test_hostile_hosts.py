"""Server names that lead into the operator's own network: no connection, by SMTP or IMAP.

Each goes the way a person's would: typed into the form, and what the form takes is tested.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mailaccounts.imap.check import check as check_mailbox
from mailaccounts.models import SenderAccount
from mailaccounts.transports import transport_for
from shops import outbound
from tests.mailaccounts.account_pages import add

pytestmark = pytest.mark.django_db

# Names that a hostile name server answers with addresses inside.
ANSWERS = {
    "loopback.example": ["127.0.0.1"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "compatible.example": ["::127.0.0.1"],
    "tunnel.example": ["2002:7f00:1::"],
    "zero.example": ["0.0.0.0"],
    "metadata.example": ["169.254.169.254"],
    "private.example": ["10.0.0.5"],
    "both.example": ["192.168.1.1", "::1"],
    "xn--lok-hoa.example": ["127.0.0.1"],
}
HOSTS = [
    *("127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "2130706433"),
    *("0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0"),
    *("localhost", "LOCALHOST", "localhost.", "127.0.0.1.", " 127.0.0.1 "),
    *("::1", "[::1]", "0:0:0:0:0:0:0:1", "::", "[::]", "::ffff:127.0.0.1", "[::ffff:7f00:1]"),
    *("::127.0.0.1", "64:ff9b::7f00:1", "fe80::1", "169.254.169.254", "10.0.0.1", "192.168.0.1"),
    *("127.0.0.1:25", "user@127.0.0.1", "http://127.0.0.1", "127.0.0.1/x", "127.0.0.1\r\n.example"),
    *("①②⑦.⓪.⓪.①", "１２７.0.0.1", "lok\u00e5l.example", *ANSWERS),
]  # fmt: skip
REAL = socket.getaddrinfo


def look_up(host, port, *args, **kwargs):
    """The system's own answer for numbers, in each of their spellings; a hostile one for names."""
    name = str(host).rstrip(".").lower()
    if name in ANSWERS:
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in ANSWERS[name]
        ]
    if name == "localhost":
        return REAL("127.0.0.1", port, *args, **kwargs)
    kwargs["flags"] = socket.AI_NUMERICHOST
    return REAL(host, port, *args, **kwargs)


@pytest.fixture
def listeners(monkeypatch, settings) -> Iterator[list[socket.socket]]:
    """Servers on every address of this computer, on a port that counts as a mail server's."""
    with ExitStack() as stack:
        everywhere = stack.enter_context(socket.create_server(("0.0.0.0", 0)))
        port = everywhere.getsockname()[1]
        six = stack.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6))
        for server in (everywhere, six):
            server.setblocking(False)
        settings.OUTBOUND_ALLOW = []
        monkeypatch.setattr(outbound, "MAIL_PORTS", frozenset({port}))
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        yield [everywhere, six]


def port_of(listeners) -> int:
    return int(listeners[0].getsockname()[1])


def nobody_came(listeners) -> bool:
    for server in listeners:
        with pytest.raises(BlockingIOError):
            server.accept()
    return True


def test_there_are_enough_of_them():
    assert len(set(HOSTS)) >= 30


def test_a_listener_would_notice(listeners, settings):
    """With the operator's leave the connection is made: the others prove something."""
    settings.OUTBOUND_ALLOW = [f"127.0.0.1:{port_of(listeners)}"]
    outbound.connect("loopback.example", port_of(listeners), timeout=2).close()
    assert listeners[0].accept()


@pytest.mark.parametrize("host", HOSTS)
def test_no_packet_reaches_this_computer(host, listeners, shop, owner_client):
    port = str(port_of(listeners))
    answer = add(owner_client, shop, host=host, port=port)
    assert answer.status_code in (200, 302)
    account = SenderAccount.objects.filter(shop=shop, is_default=False).first()
    if account is None:
        assert answer.context["form"].errors["host"]
        account = SenderAccount(shop=shop, kind="smtp", from_address="a@b.example", host=host)
        account.port, account.username, account.password = int(port), "a", "b"
    results = list(transport_for(account).check())
    assert not results[-1].ok
    assert nobody_came(listeners)


@pytest.mark.parametrize("host", HOSTS)
def test_no_packet_reaches_this_computer_by_imap(host, listeners, shop, owner_client):
    account = SenderAccount(shop=shop, kind="smtp", from_address="a@b.example", host="x.example")
    account.imap_enabled, account.imap_host, account.imap_port = True, host, port_of(listeners)
    account.imap_username, account.imap_password = "a", "b"
    results = list(check_mailbox(account))
    assert not results[-1].ok
    assert nobody_came(listeners)
