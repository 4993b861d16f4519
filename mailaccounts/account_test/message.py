"""What the test of an account needs from the log, which lives in an app to the right.

``signals.test_message_requested`` asks for one message through exactly this account; the receiver
answers with a ``TestMessage`` that is on its way and can be asked how it went.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the test message.

    ``words`` are the server's own with their codes, or ours where it has said nothing; ``facts``
    are like those of ``smtp_check.facts_of``.
    """

    ok: bool
    words: str
    facts: dict[str, str] = field(default_factory=dict)


class TestMessage(Protocol):
    """A message on its way."""

    __test__: bool = False

    @property
    def uuid(self) -> UUID:
        """The log's id of it."""
        ...

    def wait(self, seconds: float) -> Verdict | None:
        """Waits so long for the verdict; None if there is none yet."""
        ...

    def cancel(self) -> bool:
        """Stops it; False if it had been handed over before."""
        ...
