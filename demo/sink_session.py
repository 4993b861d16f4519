"""One SMTP session of the sink, server side.

Strict where a real server would be: a bare LF or CR ends the session (as Postfix' does with
``smtpd_forbid_bare_newline``), 8-bit text needs BODY=8BITMIME, commands must come in order.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from demo.sink_auth import AuthDialogue
from demo.sink_faults import Stage
from demo.sink_speaker import SinkSpeaker

if TYPE_CHECKING:
    from demo.sink import Sink

_BARE_NEWLINE = b"521 5.5.2 Error: bare <LF> received"
_LONGEST_COMMAND = 4096


@dataclass(slots=True)
class _Envelope:
    mail_from: str | None = None
    rcpt_to: list[str] = field(default_factory=list)
    eight_bit: bool = False
    accept_data: bool = False  # a fault wants 354 without a recipient
    judged: bool = False  # its text has met the faults of Stage.BODY


class SinkSession(SinkSpeaker):
    """A state machine fed by ``data_received``; pauses itself while it waits or is at fault."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._buffer = bytearray()
        self._scanned = 0
        self._in_data = False
        self._secured = sink.options.implicit_tls
        self._auth: AuthDialogue | None = None
        self._logged_in = False
        self._waiting: asyncio.TimerHandle | None = None
        self._envelope = _Envelope()

    # asyncio.Protocol

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._options.patience:
            self._be_patient()
        if self._options.record:
            self._sink.heard.append((self._number, data))
        self._buffer += data
        self._work()

    def _be_patient(self) -> None:
        self._stop_waiting()
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(self._options.patience, self.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    # The machine

    def _work(self) -> None:
        while not self._paused:
            progress = self._take_text() if self._in_data else self._take_command()
            if not progress:
                return

    def _take_command(self) -> bool:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > _LONGEST_COMMAND:
                self._say_last(b"500 5.5.2 Line too long")
            return False
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            self._say_last(_BARE_NEWLINE)
            return False
        self._command(line[:-2])
        return True

    def _command(self, line: bytes) -> None:
        if self._auth is not None:
            self._said_in_auth(self._auth, self._auth.go_on(line))
            return
        verb = line[:4].upper()
        handler = self._HANDLERS.get(verb)
        if handler is None:
            self._say(b"500 5.5.1 Command not recognised")
        else:
            handler(self, line)

    def _take_text(self) -> bool:
        if self._buffer and not self._envelope.judged:
            self._envelope.judged = True
            if self._at_fault(Stage.BODY):
                return False
        if self._buffer.startswith(b".\r\n"):
            content, end = b"", 3
        else:
            at = self._buffer.find(b"\r\n.\r\n", self._scanned)
            if at < 0:
                self._scanned = max(0, len(self._buffer) - 4)
                return False
            content, end = bytes(self._buffer[: at + 2]), at + 5
        del self._buffer[:end]
        self._scanned, self._in_data = 0, False
        self._text(content)
        return True

    def _text(self, stuffed: bytes) -> None:
        lines = stuffed.count(b"\r\n")
        if stuffed.count(b"\n") != lines or stuffed.count(b"\r") != lines:
            self._say_last(_BARE_NEWLINE)
            return
        content = stuffed.replace(b"\r\n.", b"\r\n")
        content = content[1:] if content.startswith(b".") else content
        refusal = self._refuses(content)
        if self._at_fault(Stage.DOT):
            self._forget()
        elif refusal:
            self._forget()
            self._say(refusal)
        else:
            self._keep(content)

    def _refuses(self, content: bytes) -> bytes:
        if not self._envelope.rcpt_to:
            return b"554 5.5.1 No valid recipients"
        if self._options.size and len(content) > self._options.size:
            return b"552 5.3.4 Message size exceeds fixed limit"
        if not content.isascii() and not self._envelope.eight_bit:
            return b"554 5.6.3 8-bit text that was not declared"
        return b""

    def _keep(self, content: bytes) -> None:
        """Store first, wait, then answer: the order in which duplicates are born."""
        received = self._sink.store.add(
            self._envelope.mail_from or "", tuple(self._envelope.rcpt_to), content
        )
        self._messages += 1
        self._forget()
        if self._at_fault(Stage.STORED):
            return
        answer = b"250 2.0.0 Ok: queued as " + received.name.encode()
        delay = self._sink.next_delay()
        if delay:
            self._paused = True
            asyncio.get_running_loop().call_later(delay, self._answer_late, answer)
        else:
            self._answered(answer)

    def _answer_late(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._paused = False
            self._answered(answer)
            self._work()

    def _answered(self, answer: bytes) -> None:
        self._say(answer)
        self._at_fault(Stage.ANSWERED)

    # Commands

    def _on_ehlo(self, line: bytes) -> None:
        if self._at_fault(Stage.EHLO):
            return
        self._forget()
        if line[:4].upper() == b"HELO":
            self._say(b"250 sink.localhost")
            return
        offers = [b"sink.localhost", *self._offers()]
        self._say(b"\r\n".join(b"250-" + o for o in offers[:-1]) + b"\r\n250 " + offers[-1])

    def _offers(self) -> list[bytes]:
        options = self._options
        offers = [b"SIZE %d" % options.size] if options.size else [b"SIZE"]
        if options.pipelining:
            offers.append(b"PIPELINING")
        if options.eight_bit:
            offers.append(b"8BITMIME")
        if options.smtputf8:
            offers.append(b"SMTPUTF8")
        if options.tls and not self._secured and options.starttls:
            offers.append(b"STARTTLS")
        if options.users:
            offers.append(f"AUTH {' '.join(options.mechanisms)}".encode())
        return [*offers, b"ENHANCEDSTATUSCODES"]

    def _on_starttls(self, line: bytes) -> None:
        if self._at_fault(Stage.STARTTLS):
            return
        if self._options.tls is None or self._secured:
            self._say(b"503 5.5.1 Not now")
        elif self._buffer:
            self._say_last(b"503 5.5.1 Nothing may follow STARTTLS")
        else:
            self._say(b"220 2.0.0 Ready")
            self._paused = True
            self._sink.run(self._secure(self._options.tls))

    async def _secure(self, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(self._transport, self, context, server_side=True)
        except OSError:
            return
        if transport is None:
            return
        self._transport = transport
        self._secured, self._paused = True, False
        self._work()

    def _on_auth(self, line: bytes) -> None:
        if not self._at_fault(Stage.AUTH):
            self._auth = AuthDialogue(self._options.users, self._options.mechanisms)
            self._said_in_auth(self._auth, self._auth.begin(line))

    def _said_in_auth(self, auth: AuthDialogue, answer: bytes) -> None:
        if auth.done:
            self._auth, self._logged_in = None, auth.passed
        self._say(answer)

    def _on_mail(self, line: bytes) -> None:
        if self._at_fault(Stage.MAIL):
            return
        address, parameters = _path(line, b"MAIL FROM:")
        options = self._options
        if options.users and not options.open_to_all and not self._logged_in:
            self._say(b"530 5.7.0 Authentication required")
        elif address is None:
            self._say(b"501 5.1.7 Bad sender address syntax")
        elif self._envelope.mail_from is not None:
            self._say(b"503 5.5.1 Nested MAIL command")
        elif self._too_large(parameters):
            self._say(b"552 5.3.4 Message size exceeds fixed limit")
        else:
            self._envelope.mail_from = address
            self._envelope.eight_bit = b"BODY=8BITMIME" in parameters and self._options.eight_bit
            self._say(b"250 2.1.0 Ok")

    def _on_rcpt(self, line: bytes) -> None:
        address, _parameters = _path(line, b"RCPT TO:")
        fault = self._at_fault(Stage.RCPT, address or "")
        if fault:
            self._envelope.accept_data = fault.accept_data
        elif self._envelope.mail_from is None:
            self._say(b"503 5.5.1 Need MAIL command")
        elif not address:
            self._say(b"501 5.1.3 Bad recipient address syntax")
        elif self._sink.greylisted(self._envelope.mail_from, address):
            self._say(b"450 4.2.0 Greylisted, please try again later")
        else:
            self._envelope.rcpt_to.append(address)
            self._say(b"250 2.1.5 Ok")

    def _on_data(self, line: bytes) -> None:
        if self._at_fault(Stage.DATA):
            return
        if not self._envelope.rcpt_to and not self._envelope.accept_data:
            self._say(
                b"503 5.5.1 Need RCPT command"
                if self._envelope.mail_from
                else b"503 5.5.1 Need MAIL"
            )
        else:
            self._in_data = True
            self._say(b"354 End data with <CR><LF>.<CR><LF>")

    def _on_rset(self, line: bytes) -> None:
        self._forget()
        self._say(b"250 2.0.0 Ok")

    def _on_noop(self, line: bytes) -> None:
        self._say(b"250 2.0.0 Ok")

    def _on_quit(self, line: bytes) -> None:
        self._say_last(b"221 2.0.0 Bye")

    _HANDLERS = {
        b"EHLO": _on_ehlo,
        b"HELO": _on_ehlo,
        b"STAR": _on_starttls,
        b"AUTH": _on_auth,
        b"MAIL": _on_mail,
        b"RCPT": _on_rcpt,
        b"DATA": _on_data,
        b"RSET": _on_rset,
        b"NOOP": _on_noop,
        b"QUIT": _on_quit,
    }

    def _too_large(self, parameters: bytes) -> bool:
        declared = next((p[5:] for p in parameters.split() if p.startswith(b"SIZE=")), b"")
        limit = self._options.size
        return bool(limit and declared.isdigit() and int(declared) > limit)

    def _forget(self) -> None:
        self._envelope = _Envelope()


def _path(line: bytes, command: bytes) -> tuple[str | None, bytes]:
    """The address and the parameters of MAIL or RCPT; None if it is not well-formed."""
    end = line.find(b">")
    if line[: len(command)].upper() != command or line[len(command) : len(command) + 1] != b"<":
        return None, b""
    if end < 0:
        return None, b""
    return line[len(command) + 1 : end].decode("utf-8", "replace"), line[end + 1 :]
