"""Both sides of an SMTP session for tests: sinks on free loopback ports, accounts, a journal."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.sink import Options, Sink, in_thread
from mailaccounts.transports.base import AccountTrouble, Endpoint, Outcome, Outgoing
from mailaccounts.transports.smtp import Smtp
from mailaccounts.transports.smtp_opening import Timeouts

LOOPBACK = "127.0.0.1"


@dataclass
class Account:
    """As much of a ``SenderAccount`` as a transport sees."""

    where: Endpoint

    def endpoint(self) -> Endpoint:
        return self.where


def make_account(port, **changes):
    facts = {"host": LOOPBACK, "port": port, "tls": "none", "trusted": True, **changes}
    return Account(Endpoint(**facts))


def make_outgoing(text="Hello", **changes):
    """One message; ``text`` is its body, in lines that end with CRLF."""
    delivery_id = changes.pop("delivery_id", None) or uuid4()
    content = (
        f"From: shop@shop.example\r\nTo: anna@mail.example\r\nSubject: Test\r\n"
        f"Message-ID: <{delivery_id}@shop.example>\r\nX-Postroom-Delivery: {delivery_id}\r\n"
        f"\r\n{text}\r\n"
    )
    facts = {
        "delivery_id": delivery_id,
        "fence": 1,
        "mail_from": "shop@shop.example",
        "rcpt_to": "anna@mail.example",
        "content": content.encode(),
        **changes,
    }
    return Outgoing(**facts)


def make_outgoings(count, **changes):
    return [make_outgoing(f"Message {n}", **changes) for n in range(count)]


@dataclass
class FakeJournal:
    """A queue's side of a session. It refuses what a real one would: a second outcome, say."""

    refuse: Callable[[Outgoing], bool] = lambda gate: False
    at_gate: Callable[[Outgoing], None] = lambda gate: None
    outcomes: list[Outcome] = field(default_factory=list)
    gates: list[Outgoing] = field(default_factory=list)
    released: list[Outgoing] = field(default_factory=list)
    steps: list[tuple[Outcome | None, Outgoing | None]] = field(default_factory=list)

    def step(self, done, gate):
        assert done is not None or gate is not None, "a step without a purpose costs a commit"
        if gate is not None:
            self.at_gate(gate)  # may raise: then nothing of this step is kept
        self.steps.append((done, gate))
        if done is not None:
            assert done.delivery_id not in {o.delivery_id for o in self.outcomes}
            assert done.delivery_id not in {i.delivery_id for i in self.released}
            self.outcomes.append(done)
        if gate is None or self.refuse(gate):
            return False
        assert gate.delivery_id not in {i.delivery_id for i in self.released}
        self.gates.append(gate)
        return True

    def release(self, items):
        ended = {o.delivery_id for o in self.outcomes}
        assert not ended & {i.delivery_id for i in items}, "released after its outcome"
        self.released.extend(items)

    @property
    def answers(self):
        return [str(outcome.answer) for outcome in self.outcomes]

    @property
    def commits(self):
        return len(self.steps)


@contextmanager
def sink(**options) -> Iterator[Sink]:
    with in_thread(Options(**options)) as running:
        yield running


class Strict:
    """Handler of an independent server (aiosmtpd): keeps what it gets."""

    def __init__(self):
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 2.0.0 Kept"


@contextmanager
def independent_server(**options):
    """aiosmtpd: no PIPELINING, and its own reading of RFC 5321. Yields its handler and port."""
    handler, loop = Strict(), asyncio.new_event_loop()

    async def listen():
        return await loop.create_server(lambda: SMTP(handler, loop=loop, **options), LOOPBACK, 0)

    async def stop(server):
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    thread = threading.Thread(target=loop.run_forever, name="aiosmtpd", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    try:
        yield handler, server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def make_certificate(folder: Path, name=LOOPBACK, *, days=30) -> ssl.SSLContext:
    """A server context with a self-signed certificate; its file is ``folder/cert.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


# Short enough for a test that has to wait for them.
QUICK = Timeouts(connect=2, command=0.5, opening=1.0, data=2, after_dot=0.4, quit=0.2)


def carry(port, items, journal=None, timeouts=QUICK, **account):
    """Send ``items``; returns the journal and the account's trouble, if any."""
    journal = journal or FakeJournal()
    try:
        Smtp(make_account(port, **account), timeouts).send(iter(items), journal)
    except AccountTrouble as trouble:
        return journal, trouble
    return journal, None


def arrived(server):
    return [message.delivery for message in server.store.received]


def ids(items):
    return [str(item.delivery_id) for item in items]


class Run:
    """One ``send`` against a sink; the balance is checked when it ends."""

    def __init__(self, server, items, journal=None, timeouts=QUICK, **account):
        self.items, self.journal, self.trouble = items, journal or FakeJournal(), None
        self.pulled = []
        started = time.monotonic()
        try:
            Smtp(make_account(server.port, **account), timeouts).send(self.queue(), self.journal)
        except AccountTrouble as trouble:
            self.trouble = trouble
        self.seconds = time.monotonic() - started
        self.balance(server)

    def queue(self):
        for item in self.items:
            self.pulled.append(item)
            yield item

    def balance(self, server):
        ended = Counter(o.delivery_id for o in self.journal.outcomes)
        back = Counter(i.delivery_id for i in self.journal.released)
        assert ended + back == Counter(i.delivery_id for i in self.pulled)
        unsure = {o.delivery_id for o in self.journal.outcomes if o.answer == "unknown"}
        assert unsure <= {i.delivery_id for i in self.journal.gates}
        sent = {str(o.delivery_id) for o in self.journal.outcomes if o.answer == "sent"}
        stored = Counter(message.delivery for message in server.store.received)
        assert set(stored.values()) <= {1}
        assert sent <= set(stored) <= sent | {str(i) for i in unsure}

    @property
    def answers(self):
        return Counter(self.journal.answers)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
