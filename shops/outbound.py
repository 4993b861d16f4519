"""The one way out: every connection to a server that staff may name goes through ``connect``.

A shop's staff type host names; those names must not become a way into the operator's own network.
The name is resolved once, every address is judged, and the connection goes to the address that
was judged, so a name server that changes its answer meanwhile (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops.conf import conf

MAIL_PORTS = frozenset({25, 143, 465, 587, 993, 2525})
# For the HTTP APIs of providers, whose addresses are ours or the operator's: never for a host that
# staff typed.
WEB_PORTS = frozenset({443})

# Python's own ``is_private`` and ``is_global`` miss NAT64, v4-compatible, site-local and CGNAT
# addresses (seen in 3.11 and 3.13), so the table is ours. Order: the first match gives the reason.
_REFUSED_V4 = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", _("unspecified address")),
        ("127.0.0.0/8", _("this computer")),
        ("169.254.0.0/16", _("link-local address or cloud metadata service")),
        ("168.63.129.16/32", _("cloud metadata service")),
        ("10.0.0.0/8", _("private network")),
        ("172.16.0.0/12", _("private network")),
        ("192.168.0.0/16", _("private network")),
        ("100.64.0.0/10", _("carrier's private network")),
        ("192.0.0.0/24", _("reserved address")),
        ("192.0.2.0/24", _("documentation address")),
        ("192.88.99.0/24", _("6to4 relay")),
        ("198.18.0.0/15", _("benchmark network")),
        ("198.51.100.0/24", _("documentation address")),
        ("203.0.113.0/24", _("documentation address")),
        ("224.0.0.0/4", _("multicast address")),
        ("240.0.0.0/4", _("reserved address")),
    )
)
_REFUSED_V6 = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("::/128", _("unspecified address")),
        ("::1/128", _("this computer")),
        ("::ffff:0:0/96", _("IPv4 address in IPv6 form")),
        ("64:ff9b::/96", _("NAT64 address")),
        ("64:ff9b:1::/48", _("NAT64 address")),
        ("::/8", _("IPv4 address in IPv6 form")),
        ("fc00::/7", _("private network")),
        ("fe80::/10", _("link-local address")),
        ("fec0::/10", _("site-local address")),
        ("ff00::/8", _("multicast address")),
        ("2001::/32", _("Teredo tunnel")),
        ("2001::/23", _("reserved address")),
        ("2001:db8::/32", _("documentation address")),
        ("2002::/16", _("6to4 tunnel")),
        ("3fff::/20", _("documentation address")),
    )
)
_GLOBAL_V6 = ip_network("2000::/3")
# RFC 5214 section 6.1: the interface identifier that carries an IPv4 address of a tunnel's end.
_ISATAP_MARKS = frozenset({0x00005EFE, 0x02005EFE})


class OutboundRefused(Exception):
    """The guard lets nobody connect there; only the operator's ``OUTBOUND_ALLOW`` can change it."""

    def __init__(self, host: str, port: int, reason: str | Promise) -> None:
        super().__init__(f"{host}:{port}: {reason}")
        self.host = host
        self.port = port
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Target:
    """One resolved and judged address; ``sockaddr`` is what ``socket.connect`` takes."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]

    @property
    def address(self) -> str:
        return str(self.sockaddr[0])


def connect(
    host: str,
    port: int,
    *,
    timeout: float,
    allow: Collection[str] | None = None,
    ports: Collection[int] = MAIL_PORTS,
) -> socket.socket:
    """Open a TCP connection within ``timeout`` seconds, name look-up not counted.

    ``allow`` lists ``host:port`` targets that may be private or on another port than ``ports``;
    default is the operator's ``OUTBOUND_ALLOW``. Raises ``OutboundRefused``, or ``OSError``
    (``socket.gaierror`` for names) when nobody answers.
    """
    targets = resolve(host, port, allow=allow, ports=ports)
    deadline = time.monotonic() + timeout
    failure = OSError(f"no address for {host}")
    for done, target in enumerate(targets):
        share = (deadline - time.monotonic()) / (len(targets) - done)
        try:
            return _open(target, max(share, 0.001))
        except OSError as error:
            failure = error
    raise failure


def resolve(
    host: str,
    port: int,
    *,
    allow: Collection[str] | None = None,
    ports: Collection[int] = MAIL_PORTS,
) -> list[Target]:
    """Return the addresses of ``host`` that may be connected to.

    Raises ``OutboundRefused`` when there are addresses but none may be used, and
    ``socket.gaierror`` when there are none.
    """
    listed = _Listed(conf.OUTBOUND_ALLOW if allow is None else allow)
    name_listed = listed.has(host, port)
    if not name_listed and port not in ports and not listed.any_port(port):
        raise OutboundRefused(host, port, _wrong_port(ports))
    targets: list[Target] = []
    reason: str | Promise = _wrong_port(ports)
    for target in _look_up(host, port):
        judged = _judge(target.address, port, ports)
        if name_listed or judged is None or listed.has(target.address, port):
            targets.append(target)
        else:
            reason = judged
    if not targets:
        raise OutboundRefused(host, port, reason)
    return targets


def refusal(address: str) -> str | Promise | None:
    """Say why a mail server cannot live at this address; None = it is a public address."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv4Address):
        return _first_reason(parsed, _REFUSED_V4)
    reason = _first_reason(parsed, _REFUSED_V6)
    if reason is None and parsed not in _GLOBAL_V6:
        return _("not a public address")
    if reason is None and (int(parsed) >> 32) & 0xFFFFFFFF in _ISATAP_MARKS:
        return _("ISATAP tunnel")
    return reason


def _judge(address: str, port: int, ports: Collection[int]) -> str | Promise | None:
    return refusal(address) if port in ports else _wrong_port(ports)


def _wrong_port(ports: Collection[int]) -> str | Promise:
    return _("not a port of a mail server") if ports == MAIL_PORTS else _("not a port of HTTPS")


def _first_reason(
    address: IPv4Address | IPv6Address, table: tuple[tuple[Any, str | Promise], ...]
) -> str | Promise | None:
    return next((reason for network, reason in table if address in network), None)


def _look_up(host: str, port: int) -> Iterator[Target]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except UnicodeError as error:  # "a..b", or a label over 63 characters
        raise socket.gaierror(socket.EAI_NONAME, f"not a host name: {host!r}") from error
    return (Target(family, sockaddr) for family, _type, _proto, _name, sockaddr in found)


def _open(target: Target, timeout: float) -> socket.socket:
    sock = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(target.sockaddr)
        # A message's final dot is a small write after a large one: Nagle would hold it back for
        # a delayed ACK (40 ms on Linux) on every message.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


class _Listed:
    """The operator's list: ``host:port``, ``[v6]:port``, or ``host:*`` for every port."""

    def __init__(self, entries: Collection[str]) -> None:
        self._entries = {self._split(entry) for entry in entries if entry.strip()}

    def has(self, host: str, port: int) -> bool:
        name = self._normal(host)
        return (name, str(port)) in self._entries or (name, "*") in self._entries

    def any_port(self, port: int) -> bool:
        return any(listed in ("*", str(port)) for _host, listed in self._entries)

    def _split(self, entry: str) -> tuple[str, str]:
        host, _colon, port = entry.strip().rpartition(":")
        return self._normal(host), port

    @staticmethod
    def _normal(host: str) -> str:
        return host.strip("[]").partition("%")[0].rstrip(".").lower()
