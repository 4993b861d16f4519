"""An IMAP server for tests: it records every command and does as its script says.

Dovecot (``tests.dovecot``) shows that a real server understands us; this one shows what we do
when a server refuses, is silent, hangs up or lies.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mailaccounts.imap.session import Place, Timeouts
from tests.smtp import LOOPBACK

USER, PASSWORD = "sklep@rowery.example", "tajne-hasło"
QUICK = Timeouts(connect=2, command=0.5, append=0.5, logout=0.2)
PLAIN_LIST = (rb'(\HasNoChildren) "/" INBOX', rb'(\HasNoChildren \Sent) "/" "Sent"')
_LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


@dataclass
class Script:
    """``append`` holds what is done with the first APPENDs, in their order: an answer such as
    ``NO [OVERQUOTA] Full``, "silent" (stores, says nothing), "drop" (stores, hangs up) or
    "drop early" (hangs up before it has stored). Then they are accepted."""

    capabilities: bytes = b"IMAP4rev1 AUTH=PLAIN SPECIAL-USE"
    greeting: bytes = b"* OK ready\r\n"
    log_in: bytes = b"OK Logged in"
    folders: tuple[bytes, ...] = PLAIN_LIST
    search: bytes = b""  # instead of the true answer
    append: list[str] = field(default_factory=list)


@dataclass
class FakeImap:
    script: Script
    port: int = 0
    lines: list[bytes] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return Place(LOOPBACK, self.port, "implicit", USER, PASSWORD)

    def said(self, name: str) -> list[bytes]:
        """The commands of this name, without their tags."""
        commands = [line.partition(b" ")[2] for line in self.lines]
        return [each for each in commands if each.upper().startswith(name.encode())]

    def speak(self, sock: socket.socket) -> None:
        """One connection, to its end."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock, sock.makefile("rb") as heard:
            sock.sendall(self.script.greeting)
            while line := heard.readline():
                self.lines.append(line.rstrip(b"\r\n"))
                tag, _space, command = line.partition(b" ")
                if not self._answer(sock, heard, tag, command):
                    return

    def _answer(self, sock, heard, tag, command) -> bool:
        name = command.split(b" ", 1)[0].strip().upper()
        script, ok = self.script, b"OK done"
        if name == b"CAPABILITY":
            sock.sendall(b"* CAPABILITY " + script.capabilities + b"\r\n")
        elif name == b"AUTHENTICATE":
            sock.sendall(b"+ \r\n")
            heard.readline()  # not recorded: it is the password
            ok = script.log_in
        elif name == b"LOGIN":
            ok = script.log_in
        elif name == b"LIST":
            sock.sendall(b"".join(b"* LIST " + each + b"\r\n" for each in script.folders))
        elif name == b"SEARCH":
            found = script.search or self._found(command)
            sock.sendall(b"* SEARCH" + found + b"\r\n")
        elif name == b"APPEND":
            return self._append(sock, heard, tag, command)
        elif name == b"LOGOUT":
            sock.sendall(b"* BYE\r\n" + tag + b" OK bye\r\n")
            return False
        sock.sendall(tag + b" " + ok + b"\r\n")
        return True

    def _found(self, command: bytes) -> bytes:
        wanted = command.split(b'"')[1]
        return b"".join(b" %d" % at for at, each in enumerate(self.stored, 1) if wanted in each)

    def _append(self, sock, heard, tag, command) -> bool:
        does = self.script.append.pop(0) if self.script.append else "OK"
        if does.startswith("BAD"):  # before it takes the literal
            sock.sendall(tag + b" " + does.encode() + b"\r\n")
            return True
        if does == "drop early":
            return False
        size = int(_LITERAL.search(command)[1])
        sock.sendall(b"+ go on\r\n")
        content = heard.read(size)
        heard.readline()
        if does.startswith("NO"):
            sock.sendall(tag + b" " + does.encode() + b"\r\n")
            return True
        self.stored.append(content)
        if does == "silent":
            heard.readline()
            return False
        if does == "drop":
            return False
        sock.sendall(tag + b" OK APPEND done\r\n")
        return True


@contextmanager
def fake_imap(context: ssl.SSLContext | None, **script) -> Iterator[FakeImap]:
    """Listens on a free port; ``context`` None: in clear, as before STARTTLS."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        server = FakeImap(Script(**script), listening.getsockname()[1])
        ended = threading.Event()

        def serve():
            while not ended.is_set():
                try:
                    sock, _address = listening.accept()
                except OSError:
                    return
                threading.Thread(target=connected, args=[sock], daemon=True).start()

        def connected(sock):
            try:
                server.speak(context.wrap_socket(sock, server_side=True) if context else sock)
            except (OSError, ValueError):
                sock.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)
