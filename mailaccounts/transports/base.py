"""What a transport is: one session with a server that carries many messages.

A transport connects, sends and closes. It never reads or writes the queue: it asks its
``Journal`` before each final dot and tells it what came of the one before. The same shape serves
SMS gateways.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount


class AnswerClass(enum.StrEnum):
    """What a server's answer means for the queue; decided in ``transports.answers``."""

    SENT = "sent"
    NET = "net"  # the account's server could not be reached or went away: the mail waits
    AUTH = "auth"  # log-in or configuration: staff must mend the account, the mail waits
    QUOTA = "quota"  # the account may not send more for now
    TEMPORARY = "temporary"  # greylisting and other 4xx for this recipient
    MAILBOX_FULL = "mailbox_full"
    RECIPIENT = "recipient"  # permanent, the recipient's address is the cause
    CONTENT = "content"  # permanent, the message was judged
    SIZE = "size"
    CAPABILITY = "capability"  # the server cannot carry it, known before MAIL
    UNKNOWN = "unknown"  # the dot may have left and no verdict came


class Phase(enum.StrEnum):
    """How far an attempt got. Only ``DOT`` makes the outcome uncertain (RFC 5321, 4.5.3.2)."""

    CONNECT = "connect"
    LOGIN = "login"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how to connect. ``repr`` leaves the password out."""

    host: str
    port: int
    tls: str = "implicit"  # "implicit", "starttls" or "none"
    username: str = ""
    password: str = field(default="", repr=False)
    verify: bool = True  # False: ignore certificate errors
    trusted: bool = False  # named by the operator: the outbound guard lets it through
    helo: str = ""  # the name we greet with; empty: this computer's own


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One delivery ready for the wire: one recipient, one SMTP transaction.

    ``content`` is the whole message with CRLF line ends, not dot-stuffed, without the final dot.
    """

    delivery_id: UUID
    fence: int
    mail_from: str
    rcpt_to: str
    content: bytes
    eight_bit: bool = False  # content has bytes above 127: needs 8BITMIME
    needs_smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. ``text`` is the server's own words, at most 2 KiB."""

    delivery_id: UUID
    fence: int
    answer: AnswerClass
    phase: Phase
    code: int | None = None
    enhanced: str = ""
    text: str = ""
    tls: str = ""
    server: str = ""
    milliseconds: int = 0
    retry_after: int | None = None  # seconds the server asked us to wait


class AccountTrouble(Exception):
    """The session could not be opened or went on no longer, and no single message is to blame.

    ``answer`` is one of NET, AUTH, QUOTA; whatever was claimed and not yet past its dot goes back
    to the queue without counting as an attempt of the message. ``about`` is the delivery that the
    server had been told of when it made trouble.
    """

    def __init__(
        self,
        answer: AnswerClass,
        text: str,
        *,
        phase: Phase = Phase.CONNECT,
        code: int | None = None,
        enhanced: str = "",
        retry_after: int | None = None,
        about: UUID | None = None,
    ) -> None:
        super().__init__(text)
        self.answer = answer
        self.text = text
        self.phase = phase
        self.code = code
        self.enhanced = enhanced
        self.retry_after = retry_after
        self.about = about


class Journal(Protocol):
    """The queue as a transport sees it."""

    def step(self, done: Outcome | None, gate: Outgoing | None) -> bool:
        """Record ``done`` and open the gate of ``gate``, in one transaction.

        Returns True if ``gate`` may be sent now: its fence still holds, its lease has more than
        five seconds left, nobody asked to cancel it and the account is open. False = do not send
        the dot; close the connection, for after 354 there is no way back (RFC 5321, 4.1.1.5).
        With ``gate=None`` the result is always False.
        """

    def release(self, items: list[Outgoing]) -> None:
        """Give back deliveries that provably did not leave, without an attempt being counted."""


@dataclass(slots=True)
class CheckResult:
    """One step of a check, in words for shop staff.

    ``code`` names it for programs, ``detail`` are the server's own words. ``extra`` are facts for
    the explanation (``mailaccounts.explain``) and never a secret.
    """

    name: str
    ok: bool
    found: str = ""
    hint: str = ""
    detail: str = ""
    milliseconds: int = 0
    extra: dict[str, str] = field(default_factory=dict)
    code: str = ""


class Transport:
    """Base of all transports. Subclasses implement both methods and nothing else is called."""

    def __init__(self, account: SenderAccount) -> None:
        self.account = account

    def send(self, items: Iterator[Outgoing], journal: Journal) -> None:
        """Connect, send every item, close.

        Called from a session thread. Must pull the next item only when it can use it, must call
        ``journal.step`` with the outcome of every item it pulled or ``journal.release`` it, and
        raises ``AccountTrouble`` when the session cannot go on (after it released what it held).
        """
        raise NotImplementedError

    def check(self) -> Iterable[CheckResult]:
        """Connect and log in, send nothing: each step as soon as it is over, the first that fails
        is the last. Never raises for what a server does."""
        raise NotImplementedError
