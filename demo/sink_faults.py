"""Scripted failures of the sink: what goes wrong, where, for whom and how often."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from random import Random


class Stage(enum.StrEnum):
    """Where in a session a fault strikes."""

    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # some text has come, its dot has not
    DOT = "dot"  # the dot has come, nothing was stored
    STORED = "stored"  # stored, and the answer not yet given
    ANSWERED = "answered"  # the answer to the dot was given: between two messages


class Action(enum.StrEnum):
    """What the sink does instead of the right thing."""

    REPLY = "reply"  # says ``reply``; a 421 or 521 also closes
    DROP = "drop"  # closes without a word
    SILENCE = "silence"  # says nothing more
    DRIP = "drip"  # says ``reply``, one byte each ``pace`` seconds, and goes on
    BABBLE = "babble"  # says "220-" lines until the other side hangs up
    RAW = "raw"  # writes ``raw`` as it is


@dataclass(slots=True)
class Fault:
    """One rule. Empty conditions always hold; the first rule that holds is the one that acts."""

    stage: Stage
    action: Action = Action.REPLY
    reply: str = "451 4.3.0 Scripted failure"
    raw: bytes = b""
    pace: float = 10.0
    recipient: str = ""  # only for this address
    connections: frozenset[int] = frozenset()  # only on these, counted from 1
    after: int = 0  # only once this connection has brought so many messages
    times: int | None = None  # so often in all; None = always
    share: float = 1.0  # with this probability
    accept_data: bool = False  # DATA is answered 354 although no recipient was accepted


@dataclass(frozen=True, slots=True)
class Moment:
    """What a fault's conditions are held against."""

    stage: Stage
    connection: int
    messages: int
    recipient: str = ""


def strike(faults: list[Fault], moment: Moment, rng: Random) -> Fault | None:
    """Return the fault that acts now and count it, or None."""
    for fault in faults:
        if _holds(fault, moment) and (fault.share >= 1 or rng.random() < fault.share):
            if fault.times is not None:
                fault.times -= 1
            return fault
    return None


def _holds(fault: Fault, moment: Moment) -> bool:
    return (
        fault.stage == moment.stage
        and fault.times != 0
        and moment.messages >= fault.after
        and (not fault.connections or moment.connection in fault.connections)
        and (not fault.recipient or fault.recipient == moment.recipient)
    )
