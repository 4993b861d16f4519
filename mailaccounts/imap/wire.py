"""An IMAP connection over a socket that is ours: guarded, verified, bounded in time and size.

``imaplib`` speaks the protocol. Its own socket is never opened, because it would go past the
outbound guard, its time-out would start anew with every byte, and a server's answer could be
endless.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
import time
from typing import Any

from django.utils.translation import gettext as _

from mailaccounts.transports.answers import one_line

LONGEST_ANSWER = 1024 * 1024  # bytes of one answer; a list of 5,000 folders is half of it
_CHUNK = 16 * 1024

# Visible ASCII without what could end or escape a quoted string (RFC 3501 section 9).
_MESSAGE_ID = re.compile(r'<[^\x00-\x20"\\<>@\x7f-\U0010ffff]+@[^\x00-\x20"\\<>@\x7f-\U0010ffff]+>')


class MailboxTrouble(Exception):
    """The mailbox could not be worked with; ``str()`` is fit to show shop staff."""


class Unreachable(MailboxTrouble):
    """The server was not reached, broke off, or does not speak IMAP. Another time it may."""


class LogInRefused(MailboxTrouble):
    """The set-up is wrong: user name, password, encryption, certificate. Staff must mend it."""


class FolderMissing(MailboxTrouble):
    """The folder is not in the server's list. Staff must choose another one."""


class AppendRefused(MailboxTrouble):
    """The server refused this one message, in its own words; nothing was filed."""


def quoted(text: bytes) -> bytes:
    """``text`` as an IMAP quoted string; raises ``ValueError`` where it cannot be one.

    A line break would begin a command of its own (CPython #143921), so it is never written.
    """
    if any(byte in text for byte in b"\r\n\0"):
        raise ValueError("a line break or NUL cannot be quoted")
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def quoted_message_id(message_id: str) -> bytes:
    """A Message-ID for SEARCH; raises ``ValueError`` for what is none."""
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("not a Message-ID")
    return quoted(message_id.encode("ascii"))


class Connection(imaplib.IMAP4):
    """``imaplib``'s protocol over ``sock``, each command under a deadline and a limit."""

    def __init__(self, sock: socket.socket, host: str, seconds: float) -> None:
        self._given = sock
        self._buffer = b""
        self._budget = LONGEST_ANSWER
        self._until = 0.0
        self.within(seconds)
        super().__init__(host)

    def within(self, seconds: float) -> None:
        """What follows must be over in ``seconds``, however slowly it drips in."""
        self._until = time.monotonic() + seconds
        self._budget = LONGEST_ANSWER

    def secure(self, context: ssl.SSLContext) -> None:
        """STARTTLS. What was said in clear after its answer is no word of the secured server's
        (CVE-2011-0411)."""
        typ, words = self.run("STARTTLS")
        if typ != "OK":
            raise self.error(words)
        if self._buffer:
            raise self.abort(_("The server said something between STARTTLS and the handshake."))
        self.sock.settimeout(self._left())
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        self._tls_established = True
        self.ask_capabilities()

    def ask_capabilities(self) -> None:
        """They change with encryption and log-in."""
        self._get_capabilities()

    def run(self, name: str, *values: str | bytes) -> tuple[str, str]:
        """One command; returns OK, NO or BAD and the server's words. Raises ``imaplib``'s errors
        and ``OSError`` when the connection breaks."""
        typ, data = self._simple_command(name, *values)
        return typ, words_of(data)

    def asked(self, name: str, *values: str | bytes) -> tuple[str, list[Any]]:
        """As ``run``, but returns the untagged answers to the command."""
        typ, data = self._simple_command(name, *values)
        if typ != "OK":
            return typ, [words_of(data)]
        _typ, found = self._untagged_response(typ, data, name)
        return typ, [each for each in found if each]

    # What imaplib calls.

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        self.host, self.port, self.sock = host, port, self._given

    def send(self, data: Any) -> None:
        self.sock.settimeout(self._left())
        self.sock.sendall(data)

    def readline(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill()
        return self._take(end + 1)

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        return self._take(size)

    def shutdown(self) -> None:
        self.sock.close()

    def _take(self, size: int) -> bytes:
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _fill(self) -> None:
        if self._budget <= 0:
            raise self.abort(_("The server's answer has no end."))
        self.sock.settimeout(self._left())
        data = self.sock.recv(_CHUNK)
        if not data:
            raise self.abort(_("The server closed the connection."))
        self._budget -= len(data)
        self._buffer += data

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _command_complete(self, name: str, tag: Any) -> tuple[str, list[Any]]:
        """As ``imaplib``'s, but BAD is an answer like NO: its words are kept as they are."""
        self._check_bye()
        answer: tuple[str, list[Any]] = self._get_tagged_response(tag, expect_bye=name == "LOGOUT")
        return answer

    def _log(self, line: str) -> None:
        """Nothing is kept: the last lines would hold a log-in."""


def words_of(data: Any) -> str:
    """The server's own words, on one line that can be stored and shown."""
    last = data[-1] if data else b""
    return one_line(last if isinstance(last, bytes) else str(last or "").encode())
