"""A name server on loopback, over UDP and TCP, that tests fill with records and faults.

It answers as a resolver does: it follows aliases through its own records. Whatever it was not
told of does not exist. ``asked`` lists what came in.
"""

from __future__ import annotations

import socketserver
import threading
from contextlib import suppress
from typing import Any, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

LARGEST_UDP = 1232  # bytes; DNS flag day 2020
LONGEST_ALIASES = 8
# What `fail` takes; "silent" never answers, "truncated" answers over TCP only.
FAULTS = {"servfail": dns.rcode.SERVFAIL, "refused": dns.rcode.REFUSED}


def quoted(text: str) -> str:
    """The text of a TXT record as a zone file has it: strings of at most 255 bytes."""
    raw = text.encode()
    parts = [raw[start : start + 255] for start in range(0, len(raw), 255)] or [b""]
    return " ".join('"' + "".join(_escaped(byte) for byte in part) + '"' for part in parts)


def _escaped(byte: int) -> str:
    plain = 32 <= byte < 127 and chr(byte) not in '"\\'
    return chr(byte) if plain else f"\\{byte:03d}"


class NameServer:
    """``with NameServer() as server: server.add("shop.example", "TXT", "v=spf1 -all")``."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []  # name, type, "udp" or "tcp"
        self._records: dict[str, dict[str, list[str]]] = {}
        self._faults: dict[tuple[str, str], str] = {}

    def add(self, name: str, kind: str, *values: str) -> Self:
        """Adds records; the values as in a zone file, but a TXT as its bare text."""
        rows = self._records.setdefault(name.lower().rstrip("."), {}).setdefault(kind, [])
        rows += [quoted(value) for value in values] if kind == "TXT" else values
        return self

    def put(self, name: str, kind: str, *values: str) -> Self:
        """Like ``add``, in place of what was there; without values nothing stays."""
        self._records.get(name.lower().rstrip("."), {}).pop(kind, None)
        return self.add(name, kind, *values) if values else self

    def fail(self, name: str, fault: str, kind: str = "*") -> Self:
        """Lets questions for this name end in ``fault``; "" takes it away."""
        assert fault in (*FAULTS, "silent", "truncated", "")
        self._faults[(name.lower().rstrip("."), kind)] = fault
        return self

    def clear(self) -> None:
        """Forgets records, faults and questions."""
        self.asked.clear()
        self._records.clear()
        self._faults.clear()

    @property
    def port(self) -> int:
        return int(self._tcp.server_address[1])

    @property
    def address(self) -> str:
        """As ``DNS_SERVERS`` wants it."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._tcp, self._udp = _same_port(self)
        for server in (self._tcp, self._udp):
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_exception: Any) -> None:
        for server in (self._tcp, self._udp):
            server.shutdown()
            server.server_close()

    def reply(self, wire: bytes, way: str) -> bytes | None:
        """The answer to one question; None: the asker waits in vain."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        asked = query.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind, way))
        fault = self._faults.get((name, kind)) or self._faults.get((name, "*"), "")
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        if fault == "silent":
            return None
        if fault in FAULTS:
            answer.set_rcode(FAULTS[fault])
        elif fault == "truncated" and way == "udp":
            answer.flags |= dns.flags.TC
        else:
            self._fill(answer, asked.name, kind)
        return _packed(answer, 65535 if way == "tcp" else LARGEST_UDP)

    def _fill(self, answer: dns.message.Message, asked: dns.name.Name, kind: str) -> None:
        for _step in range(LONGEST_ALIASES):
            name = asked.to_text(omit_final_dot=True).lower()
            rows = self._records.get(name, {})
            if rows.get(kind):
                answer.answer.append(dns.rrset.from_text_list(asked, 60, "IN", kind, rows[kind]))
                return
            if not rows.get("CNAME"):
                below = f".{name}"
                if not rows and not any(known.endswith(below) for known in self._records):
                    answer.set_rcode(dns.rcode.NXDOMAIN)
                return
            alias = dns.rrset.from_text_list(asked, 60, "IN", "CNAME", rows["CNAME"])
            if alias in answer.answer:
                return
            answer.answer.append(alias)
            asked = dns.name.from_text(rows["CNAME"][0])


def _packed(answer: dns.message.Message, largest: int) -> bytes:
    try:
        return answer.to_wire(max_size=largest)
    except dns.exception.TooBig:
        answer.answer.clear()
        answer.flags |= dns.flags.TC
        return answer.to_wire()


class _Datagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        reply = self.server.names.reply(data, "udp")  # type: ignore[attr-defined]
        if reply is not None:
            sock.sendto(reply, self.client_address)


class _Stream(socketserver.BaseRequestHandler):
    """RFC 1035 section 4.2.2: every message is preceded by its length."""

    def handle(self) -> None:
        with suppress(ConnectionError), self.request.makefile("rb") as stream:
            while len(head := stream.read(2)) == 2:
                data = stream.read(int.from_bytes(head))
                reply = self.server.names.reply(data, "tcp")  # type: ignore[attr-defined]
                if reply is not None:
                    self.request.sendall(len(reply).to_bytes(2) + reply)


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, names: NameServer, port: int) -> None:
        self.names = names
        super().__init__(("127.0.0.1", port), _Stream)


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, names: NameServer, port: int) -> None:
        self.names = names
        super().__init__(("127.0.0.1", port), _Datagram)


def _same_port(names: NameServer) -> tuple[_Tcp, _Udp]:
    """A free TCP port may be taken for UDP: tries some."""
    for _try in range(20):
        tcp = _Tcp(names, 0)
        try:
            return tcp, _Udp(names, tcp.server_address[1])
        except OSError:
            tcp.server_close()
    raise OSError("no port that is free for both UDP and TCP")
