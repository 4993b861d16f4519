"""The wire of an SMTP session: bytes out, replies in, each under a deadline and a limit.

The socket is non-blocking and waited for with ``poll``. ``smtplib`` cannot be used here: its
time-out starts anew with every byte, it reads endless banners without a limit, and it says the
same thing for "not sent" and "perhaps sent".
"""

from __future__ import annotations

import enum
import select
import socket
import ssl
import time

from django.utils.translation import gettext as _

from mailaccounts.transports.answers import Reply

LONGEST_REPLY = 64 * 1024  # bytes kept of one reply; more is not a mail server
_CHUNK = 16 * 1024

_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Gone(ConnectionError):
    """The server closed the connection, or what it says is not SMTP."""


class NotWritten(Gone):
    """The connection was dead before a single byte of this write left this computer."""


class TooSlow(Gone):
    """The deadline passed. What was asked may still happen on the other side."""


class Look(enum.Enum):
    """What ``Wire.look`` saw."""

    QUIET = "quiet"
    SPOKE = "spoke"
    CLOSED = "closed"


class Wire:
    """One connection. Deadlines are values of ``time.monotonic()``."""

    __slots__ = ("_buffer", "_poll", "_read_to", "_readable", "_secure", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self._buffer = b""
        self._read_to = 0
        self._readable = False  # somebody has waited already, and something came
        self.adopt(sock)

    def adopt(self, sock: socket.socket) -> None:
        """Go on over ``sock``, the same connection after its TLS handshake.

        Raises ``Gone`` if anything was said in clear after the reply to STARTTLS: it would be
        taken for the secured server's words (CVE-2011-0411).
        """
        if self.heard:
            raise Gone(_("The server said something between STARTTLS and the handshake."))
        sock.setblocking(False)
        self.sock = sock
        self._secure = isinstance(sock, ssl.SSLSocket)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    @property
    def heard(self) -> bool:
        """True if bytes have come that no reply was made of yet."""
        return self._read_to < len(self._buffer)

    def write(self, data: bytes, deadline: float) -> None:
        """Write all of ``data``; raises ``NotWritten``, ``Gone`` or ``TooSlow``."""
        try:
            sent = self.sock.send(data)
        except _NOT_NOW:
            sent = 0
        except OSError as error:
            # What a TLS layer has already taken may still leave.
            raise (Gone if self._secure else NotWritten)(str(error)) from error
        if sent < len(data):
            self._write_rest(memoryview(data)[sent:], deadline)

    def reply(self, deadline: float) -> Reply:
        """Return the next reply, however many lines it has; raises ``Gone`` or ``TooSlow``."""
        while True:
            reply = self._next_reply()
            if reply is not None:
                return reply
            self._fill(deadline)

    def comes_by(self, moment: float) -> bool:
        """Wait until something can be read, at most to ``moment``."""
        if self.heard:
            return True
        self._readable = self._wait(select.POLLIN, moment)
        return self._readable

    def look(self) -> Look:
        """See without waiting whether the server has hung up or said something unasked."""
        if self.heard:
            return Look.SPOKE
        try:
            data = self.sock.recv(_CHUNK)
        except _NOT_NOW:
            return Look.QUIET
        except OSError:
            return Look.CLOSED
        self._buffer, self._read_to = data, 0
        return Look.SPOKE if data else Look.CLOSED

    def close(self) -> None:
        self.sock.close()

    def _next_reply(self) -> Reply | None:
        buffer, start = self._buffer, self._read_to
        end = buffer.find(b"\n", start)
        if end < 0:
            return None
        code = buffer[start : start + 3]
        if not code.isdigit() or len(code) < 3:
            said = ascii(buffer[start : start + 80])[2:-1]
            raise Gone(_("This is not an answer of a mail server: %s") % said)
        if buffer[start + 3 : start + 4] == b"-":
            return self._many_lines(int(code), start)
        self._read_to = end + 1
        return Reply(int(code), buffer[start + 4 : end].rstrip(b"\r"))

    def _many_lines(self, code: int, start: int) -> Reply | None:
        lines = []
        while (end := self._buffer.find(b"\n", start)) >= 0:
            line = self._buffer[start:end].rstrip(b"\r")
            lines.append(line[4:])
            start = end + 1
            if line[3:4] != b"-":
                self._read_to = start
                return Reply(code, b"\n".join(lines))
        return None

    def _fill(self, deadline: float) -> None:
        """Read what is there, waiting for it if need be."""
        while True:
            # TLS keeps decrypted bytes of its own that poll() cannot see: read it first.
            waited, self._readable = self._readable or self._secure, False
            if not waited and not self._wait(select.POLLIN, deadline):
                raise TooSlow(_("No answer in time."))
            try:
                data = self.sock.recv(_CHUNK)
            except _NOT_NOW:
                if not self._wait(select.POLLIN, deadline):
                    raise TooSlow(_("No answer in time.")) from None
                continue
            except OSError as error:
                raise Gone(str(error)) from error
            break
        if not data:
            raise Gone(_("The server closed the connection."))
        self._buffer = self._buffer[self._read_to :] + data
        self._read_to = 0
        if len(self._buffer) > LONGEST_REPLY:
            raise Gone(_("The server's answer has no end."))

    def _write_rest(self, data: memoryview, deadline: float) -> None:
        try:
            while data:
                # A server that refuses a large message early answers and reads no further.
                if not self._wait(select.POLLIN | select.POLLOUT, deadline):
                    raise TooSlow(_("The server takes no more data."))
                if self.look() is not Look.QUIET:
                    raise Gone(_("The server hung up or answered before the message had ended."))
                try:
                    data = data[self.sock.send(data) :]
                except _NOT_NOW:
                    continue
        except Gone:
            raise
        except OSError as error:
            raise Gone(str(error)) from error

    def _wait(self, mask: int, deadline: float) -> bool:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        if mask == select.POLLIN:
            return bool(self._poll.poll(left * 1000))
        both = select.poll()
        both.register(self.sock, mask)
        return bool(both.poll(left * 1000))
