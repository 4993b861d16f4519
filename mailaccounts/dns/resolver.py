"""Questions to DNS within a time limit, with one name for each way they can end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
from django.core.exceptions import ImproperlyConfigured

from shops.conf import conf

QUERY_SECONDS = 5.0
REPORT_SECONDS = 10.0
TRY_SECONDS = 2.0  # one packet; then the next server is asked, or the same again


class DnsTrouble(Exception):
    """Nobody answered, or the answer makes no sense: nothing is known. Later it may be."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``domain_exists`` tells "no such domain" from "no such record". ``asked`` is False for a
    name that can stand in no DNS packet: there was nothing to ask."""

    rows: tuple[str, ...] = ()
    domain_exists: bool = True
    asked: bool = True


class Resolver:
    """Asks ``servers`` (``host:port``), or those of the settings, or the system's.

    ``lifetime`` is for one question, ``total`` for those of ``one_report``, in seconds. Answers
    are kept for the life of the object: make one for each report. Raises
    ``ImproperlyConfigured`` for an entry that is no address.
    """

    def __init__(
        self,
        servers: Sequence[str] | None = None,
        *,
        lifetime: float = QUERY_SECONDS,
        total: float = REPORT_SECONDS,
    ) -> None:
        listed = conf.DNS_SERVERS if servers is None else servers
        self._lifetime = lifetime
        self._total = total
        self._deadline: float | None = None
        self._known: dict[tuple[str, str], Answer | DnsTrouble] = {}
        self._stub = _stub([entry for entry in listed if entry.strip()])

    @contextmanager
    def one_report(self) -> Iterator[None]:
        """All questions inside end after ``total`` seconds; later ones are ``DnsTrouble``."""
        self._deadline = time.monotonic() + self._total
        try:
            yield
        finally:
            self._deadline = None

    def lookup(self, name: str, kind: str) -> Answer:
        """The records of one type as text. Raises ``DnsTrouble``."""
        key = (name.lower().rstrip("."), kind)
        if key not in self._known:
            self._known[key] = self._ask(*key)
        known = self._known[key]
        if isinstance(known, DnsTrouble):
            raise known
        return known

    def txt(self, name: str) -> tuple[str, ...]:
        """Each record as one text: its strings are joined without a space (RFC 7208, 3.3)."""
        return self.lookup(name, "TXT").rows

    def addresses(self, name: str, version: int = 4) -> list[IPv4Address | IPv6Address]:
        rows = self.lookup(name, "A" if version == 4 else "AAAA").rows
        return [ip_address(row) for row in rows]

    def mx(self, name: str) -> list[tuple[int, str]]:
        """Preference and host, the preferred first."""
        pairs = (row.split(" ", 1) for row in self.lookup(name, "MX").rows)
        return sorted((int(preference), host.rstrip(".")) for preference, host in pairs)

    def ns(self, name: str) -> list[str]:
        return sorted(row.rstrip(".").lower() for row in self.lookup(name, "NS").rows)

    def _ask(self, name: str, kind: str) -> Answer | DnsTrouble:
        try:
            absolute = _name(name)
        except (dns.exception.DNSException, UnicodeError):
            return Answer(domain_exists=False, asked=False)
        try:
            found = self._stub.resolve(absolute, kind, lifetime=self._time_left(), search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN):
            return Answer(domain_exists=False)
        except dns.resolver.NoAnswer:
            return Answer()
        except (dns.exception.DNSException, OSError) as error:
            return DnsTrouble(f"{kind} {name}: {error}")
        return Answer(tuple(_text(row) for row in found))

    def _time_left(self) -> float:
        if self._deadline is None:
            return self._lifetime
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise dns.exception.Timeout
        return min(left, self._lifetime)


def _name(name: str) -> dns.name.Name:
    """Not ``from_text``: a name made from a sender's address may hold a backslash."""
    return dns.name.Name([*(label.encode("ascii") for label in name.split(".")), b""])


def _text(row: dns.rdatatype.RdataType) -> str:
    strings = getattr(row, "strings", None)
    if strings is None:
        return str(row)
    # No database stores a NUL in a text, and no record of interest has one.
    raw = b"".join(strings).replace(b"\0", "\ufffd".encode())
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _stub(servers: list[str]) -> dns.resolver.Resolver:
    stub = dns.resolver.Resolver(configure=False)
    if servers:
        stub.nameservers = [_server(entry.strip()) for entry in servers]
    else:
        try:
            stub = dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            stub.nameservers = []
    stub.cache = None
    stub.timeout = TRY_SECONDS
    return stub


def _server(entry: str) -> dns.nameserver.Nameserver:
    """``127.0.0.1``, ``127.0.0.1:53``, ``::1`` or ``[::1]:53``."""
    host, colon, port = entry.rpartition(":")
    if not colon or entry.endswith("]") or entry.count(":") > 1 and "]" not in entry:
        host, port = entry, "53"
    try:
        return dns.nameserver.Do53Nameserver(str(ip_address(host.strip("[]"))), int(port))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"DNS_SERVERS must be addresses like 192.0.2.1:53, not {entry!r}"
        ) from error
