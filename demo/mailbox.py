"""What the demo's mail server received, as two people see it: the customer and the owner."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from demo.catalogue import STOCKS
from demo.sink_store import Received, read_one
from maillog.mime import headers_of

NAME = re.compile(r"\d{1,25}-\d{1,9}\Z")
SHOWN = 100  # letters in a list

# A message never changes once it is there, and a demo has few: each is read once.
_known: dict[str, Letter] = {}


class Side(TextChoices):
    CUSTOMERS = "customers", _("Customers’ inbox")
    OWNER = "owner", _("Owner’s inbox")


@dataclass(frozen=True, slots=True)
class Letter:
    """One line of an inbox. ``to`` is who got it, whatever the headers say."""

    name: str
    message_id: str
    to: str
    sender: str
    sender_address: str
    subject: str
    at: datetime

    @property
    def side(self) -> Side:
        """The owner's people have addresses of the shops' own domains."""
        domain = self.to.rpartition("@")[2]
        own = {stock.domain for stock in STOCKS}
        return Side.OWNER if domain in own else Side.CUSTOMERS


def folder() -> Path:
    return Path(settings.DATA_DIR) / "mail"


def letters(side: Side | None = None) -> list[Letter]:
    """The newest first, at most ``SHOWN``."""
    # Names begin with the time of arrival in nanoseconds.
    names = sorted((path.stem for path in folder().glob("*.json")), reverse=True)
    found: list[Letter] = []
    for name in names:
        letter = letter_of(name)
        if letter is not None and side in (None, letter.side):
            found.append(letter)
        if len(found) == SHOWN:
            break
    return found


def letter_of(name: str) -> Letter | None:
    """What a list shows of one message; None while it is still being written."""
    if name not in _known and (received := find(name)) is not None:
        _known[name] = _read(received)
    return _known.get(name)


def _read(received: Received) -> Letter:
    headers = {key.lower(): value for key, value in headers_of(received.content)}
    sender, address = parseaddr(headers.get("from", ""))
    return Letter(
        name=received.name,
        message_id=received.message_id,
        to=", ".join(received.rcpt_to),
        sender=sender or address,
        sender_address=address,
        subject=headers.get("subject", ""),
        at=datetime.fromtimestamp(received.received_at, UTC),
    )


def find(name: str) -> Received | None:
    """The whole message, or None if there is none of this name."""
    return read_one(folder(), name) if NAME.fullmatch(name) else None
