"""The conversation about messages over one open connection: envelope, text, dot.

Knows SMTP and nothing of the queue. Every method raises ``Gone`` when the connection is dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mailaccounts.transports.answers import Reply
from mailaccounts.transports.base import Outgoing, Phase
from mailaccounts.transports.parcels import envelope
from mailaccounts.transports.smtp_opening import Link, Timeouts
from mailaccounts.transports.smtp_wire import Gone, Look

_DOT = b".\r\n"
_RESET = b"RSET\r\n"
# What each command wants: 2xx, 2xx, 354.
_ENVELOPE = ((Phase.MAIL, 2), (Phase.RCPT, 2), (Phase.DATA, 3))

Refusal = tuple[Phase, Reply]


class Session:
    """One connection in use. ``useful`` is True once it has brought a verdict on a message.

    ``before_reply`` is called before each reply is waited for.
    """

    def __init__(self, link: Link, timeouts: Timeouts, before_reply: Callable[[], None]) -> None:
        self.link = link
        self.wire = link.wire
        self.useful = False
        self.open = True
        self._timeouts = timeouts
        self._first = True
        self._before_reply = before_reply
        self._announced = False  # the next envelope has travelled with the last dot
        self._reset = False  # a refused transaction must be cleared away first

    def offer(self, item: Outgoing) -> Refusal | None:
        """Say MAIL, RCPT and DATA; None = the server waits for the text (354)."""
        ends = self.link.data_by if self._first else time.monotonic() + self._timeouts.opening
        self._first = False
        if self.link.pipelining:
            refusal, last = self._in_one_go(item, ends)
        else:
            refusal, last = self._one_by_one(item, ends)
        if refusal is None:
            return None
        self._reset = True
        if last.code == 354 and refusal[0] is Phase.RCPT:
            # RFC 2920 section 3.1: nobody is to get it, and only a lone dot leads back. It is
            # not a message, whatever the answer.
            self._write(_DOT)
            last = self._answer(ends)
        if last.code in (354, 421):
            self.close()
        return refusal

    def body(self, body: bytes) -> None:
        """Write the text without its dot: the server throws it away if nothing follows."""
        self.wire.write(body, time.monotonic() + self._timeouts.data)

    def is_quiet(self) -> bool:
        """Look before the dot. If the server has hung up or spoken it did not get the message."""
        return self.wire.look() is Look.QUIET

    def dot(self, following: Outgoing | None) -> Reply:
        """End the message; the envelope of ``following`` travels along where that is possible.

        Raises ``NotWritten`` if the dot provably did not leave; after any other ``Gone`` it may
        have.
        """
        if following is None or not self.link.pipelining:
            self._write(_DOT)
        else:
            self._write(b"".join((_DOT, *envelope(following, self.link))))
            self._announced = True
        reply = self.wire.reply(time.monotonic() + self._timeouts.after_dot)
        if reply.code == 421 or reply.code // 100 not in (2, 4, 5):
            self.close()
        return reply

    def early_refusal(self) -> Reply | None:
        """What the server said in the middle of the text, if that was a final refusal."""
        if not self.wire.heard:
            return None
        try:
            reply = self.wire.reply(time.monotonic() + self._timeouts.quit)
        except Gone:
            return None
        return reply if reply.code >= 400 and reply.code != 421 else None

    def quit(self) -> None:
        """Take leave, and wait a moment for the answer. Only between messages."""
        if self.open:
            try:
                self._write(b"QUIT\r\n")
                self.wire.reply(time.monotonic() + self._timeouts.quit)
            except Gone:
                pass
        self.close()

    def close(self) -> None:
        self.wire.close()
        self.open = False

    def _in_one_go(self, item: Outgoing, ends: float) -> tuple[Refusal | None, Reply]:
        if not self._announced:
            commands = b"".join(envelope(item, self.link))
            self._write(_RESET + commands if self._reset else commands)
        self._announced = False
        if self._reset:
            self._answer(ends)
            self._reset = False
        refusal: Refusal | None = None
        for phase, wanted in _ENVELOPE:
            reply = self._answer(ends)
            if refusal is None and reply.code // 100 != wanted:
                refusal = phase, reply
            if reply.code == 421:
                break
        return refusal, reply

    def _one_by_one(self, item: Outgoing, ends: float) -> tuple[Refusal | None, Reply]:
        if self._reset:
            self._write(_RESET)
            self._answer(ends)
            self._reset = False
        for command, (phase, wanted) in zip(envelope(item, self.link), _ENVELOPE, strict=True):
            self._write(command)
            reply = self._answer(ends)
            if reply.code // 100 != wanted:
                return (phase, reply), reply
        return None, reply

    def _write(self, data: bytes) -> None:
        self.wire.write(data, time.monotonic() + self._timeouts.command)

    def _answer(self, ends: float) -> Reply:
        self._before_reply()
        return self.wire.reply(min(time.monotonic() + self._timeouts.command, ends))
