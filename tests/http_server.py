"""An HTTP(S) server on a free loopback port for tests: scripted answers, recorded requests."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Reply:
    """What the server answers. ``wait`` seconds pass first; ``hang_up`` answers with nothing."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    hang_up: bool = False
    raw: bytes | None = None  # these bytes instead of an HTTP answer
    drip: float = 0.0  # seconds between the bytes of the body

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    """One request as the server got it."""

    method: str
    path: str
    headers: Message
    body: bytes
    connection: int  # which of the server's connections brought it

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpServer:
    """``script`` is used up first, answer by answer; then ``default`` is given every time."""

    port: int
    scheme: str
    default: Reply | Callable[[Asked], Reply] = field(default_factory=Reply)
    script: deque[Reply] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    sockets: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{LOOPBACK}:{self.port}"

    def hang_up(self) -> None:
        """Closes every connection that is open, as an idle server does."""
        for each in self.sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def answer(self, *replies: Reply) -> None:
        self.script.extend(replies)

    def reply_to(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self.script:
            return self.script.popleft()
        return self.default(asked) if callable(self.default) else self.default


@contextmanager
def http_server(
    default: Reply | Callable[[Asked], Reply] | None = None, *, tls: ssl.SSLContext | None = None
) -> Iterator[HttpServer]:
    """Runs until the block ends. ``tls`` is a server's context: see ``tests.smtp``."""
    state = HttpServer(0, "https" if tls else "http", default or Reply())
    server = ThreadingHTTPServer((LOOPBACK, 0), _handler(state))
    server.daemon_threads = True
    server.block_on_close = False
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    if tls:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.stopped.set()
        server.shutdown()
        thread.join(10)
        server.server_close()


def _handler(state: HttpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            state.connections += 1
            self.number = state.connections
            state.sockets.append(self.connection)

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, self.headers, body, self.number)
            reply = state.reply_to(asked)
            if reply.wait:
                state.stopped.wait(reply.wait)
            if reply.hang_up:
                self.close_connection = True
                return
            if reply.raw is not None:
                self.wfile.write(reply.raw)
                self.close_connection = True
                return
            self._write(reply)

        def _write(self, reply: Reply) -> None:
            content = reply.content()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if not reply.drip:
                self.wfile.write(content)
                return
            for byte in content:
                self.wfile.write(bytes([byte]))
                if state.stopped.wait(reply.drip):
                    return

        do_GET = do_POST = do_PUT = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Tests read ``asked``."""

    return Handler


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """For what another thread does; fails after ``seconds``."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.005)
