import socket
from contextlib import closing

import pytest

from shops import outbound
from shops.outbound import WEB_PORTS, OutboundRefused, connect, refusal, resolve

NOT_OUTSIDE = [
    "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "169.254.1.1", "169.254.169.254", "168.63.129.16",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1", "64:ff9b:1::a00:1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2001:20::1",
    "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "2a00:1450::5efe:7f00:1",
    "2a00:1450::200:5efe:a00:1", "4000::1", "100::1",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.1.0.1", "2a00:1450:4001::1"]


@pytest.mark.parametrize("address", NOT_OUTSIDE)
def test_no_mail_server_of_the_world_lives_here(address):
    assert refusal(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_let_through(address):
    assert refusal(address) is None


@pytest.fixture
def listener():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        yield server


def port_of(listener):
    return listener.getsockname()[1]


def nobody_came(listener):
    with pytest.raises(BlockingIOError):
        listener.accept()
    return True


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LocalHost", "127.1", "2130706433", "0x7f000001", "0"]
)
def test_no_spelling_of_this_computer_gets_a_packet(host, listener, monkeypatch):
    monkeypatch.setattr(outbound, "MAIL_PORTS", {port_of(listener)})
    with pytest.raises(OutboundRefused) as refused:
        connect(host, port_of(listener), timeout=2, allow=[])
    assert refused.value.host == host
    assert nobody_came(listener)


def test_a_port_that_is_not_a_mail_servers_is_refused_before_the_name_is_looked_up(monkeypatch):
    def look_up(*args, **kwargs):
        raise AssertionError("asked the name server")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for port in (22, 80, 443, 3306, 6379, 11211):
        with pytest.raises(OutboundRefused, match="not a port of a mail server"):
            connect("mail.example.com", port, timeout=1, allow=[])


@pytest.mark.parametrize("entry", ["127.0.0.1:{}", "localhost:{}", "LocalHost:{}", "127.0.0.1:*"])
def test_the_operators_list_lets_a_target_through(entry, listener):
    allow = [entry.format(port_of(listener))]
    with connect("localhost", port_of(listener), timeout=2, allow=allow) as sock:
        assert sock.getpeername() == listener.getsockname()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_operators_list_lets_nothing_else_through(listener):
    port = port_of(listener)
    for allow in ([f"127.0.0.1:{port + 1}"], [f"127.0.0.2:{port}"], [f"mail.example:{port}"], [""]):
        with pytest.raises(OutboundRefused):
            connect("127.0.0.1", port, timeout=2, allow=allow)
    assert nobody_came(listener)


def test_the_operators_list_comes_from_the_settings(listener, settings):
    settings.OUTBOUND_ALLOW = [f"127.0.0.1:{port_of(listener)}"]
    connect("127.0.0.1", port_of(listener), timeout=2).close()
    settings.OUTBOUND_ALLOW = []
    with pytest.raises(OutboundRefused):
        connect("127.0.0.1", port_of(listener), timeout=2)


def test_an_ipv6_entry_is_written_in_brackets():
    assert resolve("::1", 2526, allow=["[::1]:2526"])[0].address == "::1"
    with pytest.raises(OutboundRefused):
        resolve("::1", 2526, allow=["[::2]:2526"])


def test_it_connects_to_the_address_it_has_judged(listener, monkeypatch):
    """Rebinding: a second look-up would give another answer."""
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    opened = []

    def look_up(host, port, **kwargs):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in answers.pop(0)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket.socket, "connect", lambda self, where: opened.append(where))
    connect("rebind.example", 25, timeout=1, allow=[]).close()
    assert opened == [("8.8.8.8", 25)]
    assert len(answers) == 1


def test_the_private_address_of_a_mixed_answer_is_never_tried(monkeypatch):
    def look_up(host, port, **kwargs):
        family, other = socket.AF_INET6, socket.AF_INET
        return [
            (family, socket.SOCK_STREAM, 6, "", ("64:ff9b::7f00:1", port, 0, 0)),
            (other, socket.SOCK_STREAM, 6, "", ("10.0.0.1", port)),
            (other, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert [t.address for t in resolve("mixed.example", 587, allow=[])] == ["8.8.8.8"]


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", ""])
def test_what_is_no_host_name_is_a_name_error(host):
    with pytest.raises((socket.gaierror, OutboundRefused)):
        connect(host, 25, timeout=1, allow=[])


def test_a_refused_connection_is_an_os_error(listener):
    port = port_of(listener)
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        connect("127.0.0.1", port, timeout=1, allow=[f"127.0.0.1:{port}"])


def test_the_port_of_https_is_open_to_those_who_ask_for_it_only(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", look_up_to("8.8.8.8"))
    assert resolve("api.example", 443, allow=[], ports=WEB_PORTS)[0].address == "8.8.8.8"
    with pytest.raises(OutboundRefused, match="not a port of a mail server"):
        resolve("api.example", 443, allow=[])
    for port in (25, 80, 465, 8443):
        with pytest.raises(OutboundRefused, match="not a port of HTTPS"):
            resolve("api.example", port, allow=[], ports=WEB_PORTS)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "fd00::1"])
def test_over_https_too_private_addresses_are_refused(address, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", look_up_to(address))
    with pytest.raises(OutboundRefused):
        connect("api.example", 443, timeout=1, allow=[], ports=WEB_PORTS)


def look_up_to(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return lambda host, port, **kwargs: [(family, socket.SOCK_STREAM, 6, "", (address, port))]
