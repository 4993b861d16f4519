"""A name server for the demo's domains, on loopback: real answers over UDP and TCP.

``python -m demo.dns_stub --announce FILE`` writes its port as JSON. Names of the zones in
``zones/`` are answered with authority (RFC 1035), other names below ``.example`` do not exist,
and everything else is refused: the demo asks nobody outside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

ZONES = Path(__file__).parent / "zones"
NO_NAMES_BELOW = dns.name.from_text("example.")
LARGEST_UDP = 1232  # bytes; DNS flag day 2020


class Names:
    """The zones and what they answer."""

    def __init__(self, folder: Path = ZONES) -> None:
        self.zones = [
            dns.zone.from_file(str(path), origin=f"{path.stem}.", relativize=False)
            for path in sorted(folder.glob("*.zone"))
        ]

    def answer(self, wire: bytes, largest: int = 65535) -> bytes | None:
        """The reply to one query; None for bytes that are none."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR or len(query.question) != 1:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        self._fill(reply, query.question[0])
        try:
            return reply.to_wire(max_size=largest)
        except dns.exception.TooBig:
            # RFC 2181 section 9: the asker comes again over TCP.
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            return short.to_wire()

    def _fill(self, reply: dns.message.Message, asked: dns.rrset.RRset) -> None:
        zone = next((zone for zone in self.zones if asked.name.is_subdomain(_top(zone))), None)
        if zone is None:
            known = asked.name.is_subdomain(NO_NAMES_BELOW)
            reply.set_rcode(dns.rcode.NXDOMAIN if known else dns.rcode.REFUSED)
            return
        found = zone.get_rrset(asked.name, asked.rdtype)
        alias = zone.get_rrset(asked.name, dns.rdatatype.CNAME)
        reply.answer += [rrset for rrset in (found or alias,) if rrset is not None]
        if reply.answer:
            return
        if not _exists(zone, asked.name):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        start = zone.get_rrset(_top(zone), dns.rdatatype.SOA)
        reply.authority += [start] if start is not None else []


def _top(zone: dns.zone.Zone) -> dns.name.Name:
    assert zone.origin is not None
    return zone.origin


def _exists(zone: dns.zone.Zone, name: dns.name.Name) -> bool:
    """Also a name that only has others below it exists (RFC 8020)."""
    return any(known.is_subdomain(name) for known in zone.nodes)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, names: Names) -> None:
        self._names = names

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str | Any, int]) -> None:
        if (reply := self._names.answer(data, LARGEST_UDP)) is not None:
            self._transport.sendto(reply, address)


async def _converse(
    names: Names, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """RFC 1035 section 4.2.2: every message is preceded by its length."""
    try:
        while True:
            length = int.from_bytes(await reader.readexactly(2))
            reply = names.answer(await reader.readexactly(length))
            if reply is None:
                break
            writer.write(len(reply).to_bytes(2) + reply)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve(host: str, port: int, announce: Path | None) -> None:
    """Answers until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    names = Names()
    streams = await asyncio.start_server(lambda r, w: _converse(names, r, w), host, port)
    port = streams.sockets[0].getsockname()[1]
    datagrams, _protocol = await loop.create_datagram_endpoint(
        lambda: Datagrams(names), local_addr=(host, port)
    )
    where = json.dumps({"host": host, "port": port, "pid": os.getpid()})
    if announce is not None:
        part = announce.with_suffix(".part")
        part.write_text(where + "\n")
        os.replace(part, announce)
    print(where, flush=True)
    await stopped.wait()
    datagrams.close()
    streams.close()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.dns_stub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 = any free port")
    parser.add_argument("--announce", type=Path, help="also write the first line to this file")
    args = parser.parse_args(arguments)
    asyncio.run(serve(args.host, args.port, args.announce))


if __name__ == "__main__":
    main()
