"""How an SMTP session begins: connect, greet, secure, log in. What follows is ``smtp_carrier``'s.

``smtplib`` speaks EHLO, STARTTLS and AUTH, over our ``Wire`` and its deadlines. Whatever goes
wrong here is the account's trouble: it is raised as ``AccountTrouble``, and no message suffers.
"""

from __future__ import annotations

import functools
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from django.utils.translation import gettext as _

from mailaccounts.transports.answers import Reply, classify, one_line, wait_from_text
from mailaccounts.transports.base import AccountTrouble, AnswerClass, Endpoint, Phase
from mailaccounts.transports.smtp_handshake import Handshake, base64_of
from mailaccounts.transports.smtp_wire import Gone, Wire
from shops import outbound
from shops.conf import conf


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``opening`` bounds all that comes before DATA, however slowly it drips in."""

    connect: float = 10.0
    command: float = 30.0
    opening: float = 120.0
    data: float = 120.0
    after_dot: float = 600.0  # RFC 5321 section 4.5.3.2.6: ten minutes
    gate: float = 2.0  # between asking the journal and writing the dot
    quit: float = 0.5


@dataclass(frozen=True, slots=True)
class Link:
    """An open, logged-in session and what its server offers."""

    wire: Wire
    server: str
    tls: str
    pipelining: bool
    eight_bit: bool
    smtputf8: bool
    takes_size: bool
    size_limit: int  # bytes; 0 = none announced
    data_by: float  # monotonic time by which the first DATA must have been taken


@functools.cache
def tls_context(verify: bool) -> ssl.SSLContext:
    """The process's one TLS context of each sort; loading the CA bundle costs 22 ms."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Opening:
    """The steps from a name to a session ready for MAIL. Each raises ``AccountTrouble``."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts) -> None:
        self.endpoint = endpoint
        self._timeouts = timeouts
        self._ends = time.monotonic() + timeouts.opening
        self._server = ""
        self._wire: Wire | None = None
        self._handshake: Handshake | None = None

    def resolve(self) -> list[str]:
        """Look the server's name up, through the guard; returns the addresses."""
        with self._blames(Phase.CONNECT):
            end = self.endpoint
            return [t.address for t in outbound.resolve(end.host, end.port, allow=self._allow)]

    def connect(self) -> None:
        """Connect; with implicit TLS also shake hands."""
        self.reach()
        self.encrypt()

    def reach(self) -> None:
        """Open the connection to the port, no more."""
        end = self.endpoint
        with self._blames(Phase.CONNECT):
            sock = outbound.connect(
                end.host, end.port, timeout=self._timeouts.connect, allow=self._allow
            )
            self._server = f"{end.host} [{sock.getpeername()[0]}]:{end.port}"
            self._wire = Wire(sock)

    def encrypt(self) -> None:
        """Shake hands where TLS begins with the first byte."""
        if self.endpoint.tls == "implicit":
            with self._blames(Phase.CONNECT):
                self.wire.adopt(self._wrapped(self.wire.sock))

    def greet(self) -> None:
        """Read the banner and say EHLO."""
        with self._blames(Phase.CONNECT):
            banner = self.wire.reply(self._until())
            if banner.code != 220:
                raise self._refused(banner, Phase.CONNECT)
            self._handshake = Handshake(self.wire, self.endpoint, self._until)
            self._handshake.ehlo_or_helo_if_needed()

    def secure(self) -> None:
        """STARTTLS where the account asks for it; without it nothing more is said."""
        if self.endpoint.tls != "starttls":
            return
        with self._blames(Phase.LOGIN):
            if not self.handshake.has_extn("starttls"):
                raise AccountTrouble(AnswerClass.AUTH, no_starttls(), phase=Phase.LOGIN)
            code, words = self.handshake.docmd("STARTTLS")
            if code != 220:
                raise self._refused(Reply(code, words), Phase.LOGIN)
            self.wire.adopt(self._wrapped(self.wire.sock))
            self._handshake = Handshake(self.wire, self.endpoint, self._until)
            self._handshake.ehlo_or_helo_if_needed()

    def log_in(self, log_in: Callable[[smtplib.SMTP, Endpoint], None]) -> None:
        """Run ``log_in`` where the account has a user name; see ``Smtp.log_in``."""
        if self.endpoint.username:
            self._refuse_clear_password()
            with self._blames(Phase.LOGIN):
                log_in(self.handshake, self.endpoint)

    def _refuse_clear_password(self) -> None:
        """A password leaves this machine only encrypted, whatever the account says."""
        peer = ip_address(self.wire.sock.getpeername()[0])
        if self.endpoint.trusted or peer.is_loopback or _tls_name(self.wire.sock):
            return
        raise AccountTrouble(
            AnswerClass.AUTH,
            _("The connection is not encrypted, so the password was not sent."),
            phase=Phase.LOGIN,
        )

    def link(self) -> Link:
        """What was reached."""
        offers, sock = self.handshake.esmtp_features, self.wire.sock
        size = offers.get("size", "")
        return Link(
            wire=self.wire,
            server=self._server,
            tls=_tls_name(sock),
            pipelining="pipelining" in offers,
            eight_bit="8bitmime" in offers,
            smtputf8="smtputf8" in offers,
            takes_size="size" in offers,
            size_limit=int(size) if size.isdecimal() and len(size) < 20 else 0,
            data_by=self._ends,
        )

    def give_up(self) -> None:
        """Close what was opened."""
        if self._wire is not None:
            self._wire.close()

    @property
    def wire(self) -> Wire:
        if self._wire is None:
            raise RuntimeError("connect() comes first")
        return self._wire

    @property
    def handshake(self) -> Handshake:
        if self._handshake is None:
            raise RuntimeError("greet() comes first")
        return self._handshake

    @property
    def _allow(self) -> list[str]:
        """The guard's list, with the server itself where the operator named it."""
        end = self.endpoint
        return [*conf.OUTBOUND_ALLOW, *([f"{end.host}:{end.port}"] if end.trusted else [])]

    def _until(self) -> float:
        return min(time.monotonic() + self._timeouts.command, self._ends)

    def _wrapped(self, sock: socket.socket) -> ssl.SSLSocket:
        sock.settimeout(max(self._until() - time.monotonic(), 0.001))
        try:
            context = tls_context(self.endpoint.verify)
            return context.wrap_socket(sock, server_hostname=self.endpoint.host)
        except BaseException:
            sock.close()
            raise

    def _refused(self, reply: Reply, phase: Phase) -> AccountTrouble:
        text = _without_secrets(reply.text, self.endpoint)
        return AccountTrouble(
            # Any refusal here ends the session: what is not NET or QUOTA waits for staff.
            classify(reply, phase),
            text,
            phase=phase,
            code=reply.code,
            enhanced=reply.enhanced,
            retry_after=wait_from_text(text),
        )

    @contextmanager
    def _blames(self, phase: Phase) -> Iterator[None]:
        """Turn what a step can raise into ``AccountTrouble`` at ``phase``."""
        try:
            yield
        except smtplib.SMTPResponseException as error:
            words = error.smtp_error
            raw = words.encode() if isinstance(words, str) else words
            raise self._refused(Reply(error.smtp_code, raw), phase) from None
        except smtplib.SMTPException as error:
            raise AccountTrouble(AnswerClass.AUTH, no_log_in(), phase=phase) from error
        except outbound.OutboundRefused as error:
            raise AccountTrouble(AnswerClass.AUTH, refused_by_guard(error), phase=phase) from error
        except OSError as error:
            raise trouble_of(error, self.endpoint, phase) from error


def trouble_of(error: OSError, endpoint: Endpoint, phase: Phase) -> AccountTrouble:
    """Sort a failure of the network: wrong set-up waits for staff, the rest for better weather."""
    answer, text = AnswerClass.NET, one_line(str(error).encode())
    if isinstance(error, ssl.SSLCertVerificationError):
        answer = AnswerClass.AUTH
        text = _("The server's certificate is not accepted: %s") % error.verify_message
    elif isinstance(error, socket.gaierror):
        if error.errno != socket.EAI_AGAIN:
            answer = AnswerClass.AUTH
        text = _("There is no server named “%s”.") % endpoint.host
        if answer is AnswerClass.NET:
            text = _("The name “%s” could not be looked up just now.") % endpoint.host
    elif isinstance(error, ssl.SSLError):
        text = _("No encrypted connection: %s") % (error.reason or text)
    elif isinstance(error, TimeoutError):
        text = _("%(host)s does not answer on port %(port)s.") % _place(endpoint)
    elif isinstance(error, ConnectionRefusedError):
        text = _("%(host)s takes no connections on port %(port)s.") % _place(endpoint)
    elif not isinstance(error, Gone) and error.strerror:
        text = error.strerror
    return AccountTrouble(answer, text, phase=phase)


def _place(endpoint: Endpoint) -> dict[str, object]:
    return {"host": endpoint.host, "port": endpoint.port}


def no_starttls() -> str:
    """Why nothing was sent when STARTTLS is not offered."""
    return _(
        "The server does not offer STARTTLS. Nothing was sent, because the password and the "
        "messages would have been readable on the way."
    )


def no_log_in() -> str:
    """Why nothing was sent when a log-in is configured and not possible."""
    return _("The server offers no way to log in that we know. Try another port or encryption.")


def refused_by_guard(error: outbound.OutboundRefused) -> str:
    """Why the outbound guard let nobody connect."""
    return _("Connections to %(host)s port %(port)s are not allowed: %(reason)s.") % {
        "host": error.host,
        "port": error.port,
        "reason": error.reason,
    }


def _without_secrets(text: str, endpoint: Endpoint) -> str:
    """Some servers repeat the AUTH line in their refusal: no part of it may reach the log."""
    user, password = endpoint.username, endpoint.password
    if not password:
        return text
    forms = [base64_of(f"\0{user}\0{password}"), base64_of(password)]
    for form in (*forms, *([password] if len(password) > 3 else [])):
        text = text.replace(form, "***")
    return text


def _tls_name(sock: socket.socket) -> str:
    if not isinstance(sock, ssl.SSLSocket):
        return ""
    cipher = sock.cipher()
    return f"{sock.version()} {cipher[0] if cipher else ''}".strip()
