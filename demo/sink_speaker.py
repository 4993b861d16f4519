"""What the sink says on one connection, and what it does when it is scripted to fail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from demo.sink_faults import Action, Fault, Moment, Stage, strike

if TYPE_CHECKING:
    from demo.sink import Sink


class SinkSpeaker(asyncio.Protocol):
    """Base of a session: greets, answers, fails. A paused session hears and does nothing."""

    _transport: asyncio.Transport

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._options = sink.options
        self._number = 0  # of this connection, from 1
        self._messages = 0  # stored so far
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._number = self._sink.register(self)
        if not self._at_fault(Stage.GREETING):
            self._say(b"220 sink.localhost ESMTP")

    def connection_lost(self, exc: Exception | None) -> None:
        self._paused = True
        self._sink.unregister(self)

    def _work(self) -> None:
        """Go on with what was heard."""
        raise NotImplementedError

    def close(self) -> None:
        self._paused = True
        self._transport.close()

    def _say(self, line: bytes) -> None:
        self._transport.write(line + b"\r\n")

    def _say_last(self, line: bytes) -> None:
        self._say(line)
        self.close()

    def _at_fault(self, stage: Stage, recipient: str = "") -> Fault | None:
        """Let a scripted fault act; returns it if there was one."""
        if not self._options.faults:
            return None
        moment = Moment(stage, self._number, self._messages, recipient)
        fault = strike(self._options.faults, moment, self._sink.rng)
        if fault is not None:
            self._act(fault)
        return fault

    def _act(self, fault: Fault) -> None:
        words = fault.reply.encode()
        if fault.action is Action.REPLY:
            # Nothing sensible can follow an answer in the middle of the text.
            last = words[:3] in (b"421", b"521") or fault.stage is Stage.BODY
            (self._say_last if last else self._say)(words)
        elif fault.action is Action.RAW:
            self._transport.write(fault.raw)
        elif fault.action is Action.DROP:
            self.close()
        else:
            self._paused = True
            if fault.action is Action.DRIP:
                self._sink.run(self._drip(words + b"\r\n", fault.pace))
            elif fault.action is Action.BABBLE:
                self._sink.run(self._babble())

    async def _drip(self, words: bytes, pace: float) -> None:
        for at in range(len(words)):
            self._transport.write(words[at : at + 1])
            await asyncio.sleep(pace)
        if not self._transport.is_closing():
            self._paused = False
            self._work()

    async def _babble(self) -> None:
        while not self._transport.is_closing():
            self._transport.write(b"220-and another thing\r\n" * 100)
            await asyncio.sleep(0.001)
