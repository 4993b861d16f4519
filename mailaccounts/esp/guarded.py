"""HTTP through the outbound guard, with an exact answer to "has the request left?".

Every provider is talked to here: ``requests`` for anymail's backends by the adapter, boto3 by
``session``. A name is looked up once and every address judged; nothing is redirected and no proxy
of the environment is used. One connection per host is kept.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from django.utils.translation import gettext as _
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from mailaccounts.transports.answers import one_line
from mailaccounts.transports.base import AccountTrouble, AnswerClass, Endpoint, Phase
from mailaccounts.transports.smtp_opening import refused_by_guard, tls_context, trouble_of
from shops import outbound

LONGEST_ANSWER = 256 * 1024  # bytes; a provider's answer has some hundred


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. ``answer`` bounds the whole answer, however slowly it drips in."""

    connect: float = 10.0
    write: float = 60.0
    answer: float = 90.0
    gate: float = 2.0  # between asking the journal and writing the request


class NotWritten(Exception):
    """The request did not leave as a whole: nobody can have acted on it."""


class Lost(Exception):
    """The request has left and no answer came: what became of it is unknown."""


@dataclass(slots=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    reason: str
    headers: CaseInsensitiveDict[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """A request, ready for the wire."""

    method: str
    url: str
    headers: Mapping[str, Any]
    body: bytes = b""

    def wire_form(self) -> bytes:
        parts = urlsplit(self.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        own.setdefault("Content-Length", str(len(self.body)))
        lines = [f"{self.method} {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
        lines += [f"{name}: {_text(value)}" for name, value in own.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


@dataclass(slots=True)
class Line:
    """One open connection. ``used`` is True once it has brought an answer."""

    sock: socket.socket
    server: str
    tls: str
    used: bool = False

    def is_quiet(self) -> bool:
        """False if the other side has hung up or spoken unasked: then it will not answer.

        Only of a used connection: TLS 1.3 sends tickets right after its handshake.
        """
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)


@dataclass(slots=True)
class Wires:
    """The connections of one session, and what came of its last request.

    ``gate`` is called when the connection stands and nothing is written yet; what it raises stops
    the request.
    """

    patience: Patience = field(default_factory=Patience)
    gate: Callable[[], None] | None = None
    answer: Answer | None = None
    server: str = ""
    tls: str = ""
    _lines: dict[tuple[str, str, int], Line] = field(default_factory=dict)

    def ask(self, question: Question) -> Answer:
        """Raises ``AccountTrouble`` before anything is written, ``NotWritten`` or ``Lost``."""
        self.answer = None
        place = place_of(question.url)
        line = self.connect(question.url)
        self.server, self.tls = line.server, line.tls
        data = question.wire_form()
        try:
            if self.gate is not None:
                self.gate()
            if line.used and not line.is_quiet():
                raise NotWritten(_("The server hung up before the message was handed over."))
            self.answer, keep = self._exchange(line, question.method, data)
        except BaseException:
            self._drop(place)
            raise
        line.used = True
        if not keep:
            self._drop(place)
        return self.answer

    def connect(self, url: str) -> Line:
        """An open connection to the server of ``url``; raises ``AccountTrouble``."""
        place = place_of(url)
        line = self._lines.get(place)
        if line is not None and line.used and not line.is_quiet():
            self._drop(place)
            line = None
        if line is None:
            line = self._lines[place] = _open(place, self.patience.connect)
        return line

    def close(self) -> None:
        for place in list(self._lines):
            self._drop(place)

    def _drop(self, place: tuple[str, str, int]) -> None:
        line = self._lines.pop(place, None)
        if line is not None:
            line.sock.close()

    def _exchange(self, line: Line, method: str, data: bytes) -> tuple[Answer, bool]:
        try:
            line.sock.settimeout(self.patience.write)
            line.sock.sendall(data)
        except OSError as error:
            # A part of it is no request: Content-Length says how much belongs to it. A server
            # that closes early has often said why.
            early = self._early_answer(line, method)
            if early is None:
                raise NotWritten(_said(error)) from error
            return early, False
        try:
            return _read(line.sock, method, time.monotonic() + self.patience.answer)
        except (OSError, http.client.HTTPException) as error:
            raise Lost(_said(error)) from error

    def _early_answer(self, line: Line, method: str) -> Answer | None:
        try:
            answer, _keep = _read(line.sock, method, time.monotonic() + 0.5)
        except (OSError, http.client.HTTPException):
            return None
        return answer if 400 <= answer.status < 500 else None


class GuardedAdapter(BaseAdapter):
    """``Wires`` for ``requests``. Certificates are always checked; there are no proxies."""

    def __init__(self, wires: Wires) -> None:
        super().__init__()
        self.wires = wires

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        body = request.body or b""
        question = Question(
            method=request.method or "GET",
            url=request.url or "",
            headers=request.headers,
            body=body.encode() if isinstance(body, str) else bytes(body),
        )
        answer = self.wires.ask(question)
        response = requests.Response()
        response.status_code = answer.status
        response.reason = answer.reason
        response.headers = answer.headers
        response.url, response.request = question.url, request
        response.encoding = "utf-8"
        response._content = answer.body
        return response

    def close(self) -> None:
        self.wires.close()


class _Reader(io.RawIOBase):
    """Reads a socket until a moment in monotonic time, whoever drips in bytes."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError(_("The server did not answer in time."))
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


class _Ear:
    """As much of a socket as ``HTTPResponse`` wants."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._reader = _Reader(sock, until)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


def _read(sock: socket.socket, method: str, until: float) -> tuple[Answer, bool]:
    """The answer, and whether the connection may be used again."""
    response = http.client.HTTPResponse(_Ear(sock, until), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read(LONGEST_ANSWER)
        ended = response.isclosed() or not response.read(1)
        headers = CaseInsensitiveDict(response.getheaders())
        answer = Answer(response.status, response.reason, headers, body)
        return answer, ended and not response.will_close
    finally:
        response.close()  # of the reader; the socket stays open


def _open(place: tuple[str, str, int], timeout: float) -> Line:
    scheme, host, port = place
    endpoint = Endpoint(host, port, tls="implicit" if scheme == "https" else "none")
    sock: socket.socket | None = None
    try:
        sock = outbound.connect(host, port, timeout=timeout, ports=outbound.WEB_PORTS)
        peer = sock.getpeername()[0]
        if scheme != "https" and not ip_address(peer.partition("%")[0]).is_loopback:
            text = _("The connection is not encrypted, so the API key was not sent.")
            raise AccountTrouble(AnswerClass.AUTH, text, phase=Phase.CONNECT)
        if scheme == "https":
            sock = tls_context(True).wrap_socket(sock, server_hostname=host)
    except outbound.OutboundRefused as error:
        raise AccountTrouble(AnswerClass.AUTH, refused_by_guard(error)) from error
    except OSError as error:
        if sock is not None:
            sock.close()
        raise trouble_of(error, endpoint, Phase.CONNECT) from error
    except AccountTrouble:
        if sock is not None:
            sock.close()
        raise
    return Line(sock, f"{host} [{peer}]:{port}", _tls_name(sock))


def _tls_name(sock: socket.socket) -> str:
    if not isinstance(sock, ssl.SSLSocket):
        return ""
    cipher = sock.cipher()
    return f"{sock.version()} {cipher[0] if cipher else ''}".strip()


def place_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; raises ``AccountTrouble`` for an address that is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        text = _("The address of the provider's API must look like https://api.example.com/.")
        raise AccountTrouble(AnswerClass.AUTH, text)
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return _("The server did not answer in time.")
    if isinstance(error, http.client.HTTPException):
        return _("The server hung up, or answered with something that is not HTTP.")
    strerror = getattr(error, "strerror", None) or str(error)
    return one_line(str(strerror).encode()) or type(error).__name__
