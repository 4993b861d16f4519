"""What is known of a failed step, and how it is explained to shop staff."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from mailaccounts.transports.base import AnswerClass, Phase
from mailaccounts.transports.certificates import Cause

NEVER = "never"  # in ``CheckResult.extra["signed_in"]``


class Deed(enum.StrEnum):
    """The button that does what is to be done."""

    NONE = ""
    PASSWORD = "password"  # enter a new password
    SETTINGS = "settings"  # check server, port, encryption, sender
    SIGN_IN = "sign_in"  # sign in again at Google or Microsoft
    IGNORE_CERTIFICATE = "ignore_certificate"
    DOMAIN = "domain"  # the page of the domain's records
    ADDRESS = "address"  # test with another address


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed step. ``words`` is what the server or the network said, ``step`` its code."""

    step: str
    kind: str = "smtp"
    words: str = ""
    answer: AnswerClass | None = None
    phase: Phase | None = None
    code: int = 0
    enhanced: str = ""
    cause: Cause = Cause.NONE
    host: str = ""
    port: int = 0
    tls: str = ""
    user: str = ""
    sender: str = ""
    to: str = ""
    is_signed_in: bool = True  # False: nobody has signed in at Google or Microsoft yet

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]

    @property
    def place(self) -> dict[str, Any]:
        return {"host": self.host, "port": self.port}

    def says(self, *words: str) -> bool:
        """True if the server's words hold one of these, whatever their case."""
        said = self.words.lower()
        return any(word in said for word in words)


@dataclass(frozen=True, slots=True)
class Explanation:
    """``title`` says what happened in one sentence, ``found`` what that rests on, ``advice`` what
    to do, ``deed`` is the button that does it."""

    title: str
    found: str = ""
    advice: str = ""
    deed: Deed = Deed.NONE
