"""What the sink has received: a folder of ``.eml`` and ``.json`` files, or the memory."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HEADER = re.compile(rb"(?im)^(message-id|x-postroom-delivery):[ \t]*(?:\r\n[ \t]+)?(\S+)")


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it came, without dot-stuffing."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    message_id: str
    delivery: str  # X-Postroom-Delivery, or ""
    received_at: float  # seconds since 1970
    content: bytes
    name: str = ""  # of its file, without the ending


class Store:
    """Keeps messages in ``folder``, or in ``received`` where there is none; counts both ways.

    With ``keep=False`` and no folder only the counting remains (benchmarks). ``listing`` is a file
    that gets one JSON line a message, without its text: a twentieth of a folder's cost.
    """

    def __init__(
        self, folder: Path | None = None, *, keep: bool = True, listing: Path | None = None
    ) -> None:
        self.folder = folder
        self.received: list[Received] = []
        self.arrivals: Counter[str] = Counter()  # by Message-ID
        self.count = 0
        self._keep = keep
        appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._listing = None if listing is None else os.open(listing, appending, 0o600)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        if self._listing is not None:
            os.close(self._listing)

    @property
    def duplicates(self) -> int:
        """Arrivals beyond the first of each Message-ID."""
        return self.count - len(self.arrivals)

    def add(self, mail_from: str, rcpt_to: tuple[str, ...], content: bytes) -> Received:
        """Store one message; it is in its file when this returns."""
        self.count += 1
        now = time.time_ns()
        headers = _headers(content)
        message_id = headers.get("message-id", "")
        received = Received(
            mail_from=mail_from,
            rcpt_to=rcpt_to,
            message_id=message_id,
            delivery=headers.get("x-postroom-delivery", ""),
            received_at=now / 1e9,
            content=content,
            name=f"{now}-{self.count}",
        )
        self.arrivals[message_id or received.name] += 1
        if self._listing is not None:
            os.write(self._listing, _facts_of(received) + b"\n")
        if self.folder is not None:
            _write(self.folder, received)
        elif self._keep:
            self.received.append(received)
        return received


def read(folder: Path) -> Iterator[Received]:
    """The messages of a store's folder, oldest first; safe while the sink is writing."""
    for path in sorted(folder.glob("*.json")):
        if (received := read_one(folder, path.stem)) is not None:
            yield received


def read_one(folder: Path, name: str) -> Received | None:
    """One message of a store's folder; None if there is none, or not the whole of it yet."""
    facts = _facts(folder / f"{name}.json")
    if facts is None:
        return None
    facts["rcpt_to"] = tuple(facts["rcpt_to"])
    return Received(content=(folder / f"{name}.eml").read_bytes(), name=name, **facts)


def arrivals(folder: Path) -> Counter[str]:
    """How often each Message-ID arrived."""
    counts: Counter[str] = Counter()
    for path in folder.glob("*.json"):
        facts = _facts(path)
        if facts is not None:
            counts[facts["message_id"] or path.stem] += 1
    return counts


def listed(listing: Path) -> Iterator[dict[str, Any]]:
    """The lines of a listing: ``mail_from``, ``rcpt_to``, ``message_id``, ``delivery`` and time."""
    with open(listing, "rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield json.loads(line)


def _write(folder: Path, received: Received) -> None:
    # The .json comes last: it says that the message is whole.
    _put(f"{folder}/{received.name}.eml", received.content)
    _put(f"{folder}/{received.name}.json", _facts_of(received))


def _facts_of(received: Received) -> bytes:
    facts = {
        "mail_from": received.mail_from,
        "rcpt_to": received.rcpt_to,
        "message_id": received.message_id,
        "delivery": received.delivery,
        "received_at": received.received_at,
    }
    return json.dumps(facts).encode()


def _put(path: str, data: bytes) -> None:
    with open(path, "xb", buffering=0) as file:
        while data:
            data = data[file.write(data) :]


def _facts(path: Path) -> dict[str, Any] | None:
    """What a .json says; None if there is none, or while the sink is still writing it."""
    try:
        facts: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return facts


def _headers(content: bytes) -> dict[str, str]:
    end = content.find(b"\r\n\r\n")
    head = content if end < 0 else content[:end]
    return {
        name.lower().decode(): value.decode("utf-8", "replace")
        for name, value in _HEADER.findall(head)
    }
