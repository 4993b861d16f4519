"""UUID version 7 (RFC 9562 §5.7): ids that sort by the time they were made.

`uuid.uuid7` needs Python 3.14 and Django's `UUID7()` PostgreSQL 18; we run from 3.12 and on SQLite.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62
_COUNTER_END = 1 << 42


class _Clock:
    """Millisecond and counter of the last id; RFC 9562 §6.2 method 1, 42 bits wide."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.millisecond = 0
        self.counter = 0

    def tick(self, now: int, fresh: int) -> tuple[int, int]:
        """Return (milliseconds, counter), always above the last one.

        `fresh` is a random 41-bit start for a new millisecond: half of the counter stays free.
        """
        with self.lock:
            if now > self.millisecond:
                self.millisecond, self.counter = now, fresh
            else:  # same millisecond, or a clock that was set back
                self.counter += 1
                if self.counter == _COUNTER_END:
                    self.millisecond, self.counter = self.millisecond + 1, fresh
            return self.millisecond, self.counter


_clock = _Clock()


def _start_afresh() -> None:
    # A lock held by another thread at the fork would stay locked in the child for ever, and two
    # processes must not go on counting from the same number.
    global _clock
    _clock = _Clock()


os.register_at_fork(after_in_child=_start_afresh)


def uuid7() -> UUID:
    """Return a new id, greater than every one this process has made before."""
    noise = int.from_bytes(os.urandom(10))
    millisecond, counter = _clock.tick(time.time_ns() // 1_000_000, noise >> 39)
    high, low = counter >> 30, counter & 0x3FFF_FFFF
    tail = low << 32 | noise & 0xFFFF_FFFF
    return UUID(int=millisecond << 80 | _VERSION_AND_VARIANT | high << 64 | tail)


def datetime_of(value: UUID) -> datetime:
    """Return when the id was made (UTC, milliseconds); ValueError unless it is a version 7."""
    if value.version != 7:
        raise ValueError(f"{value} is not a UUID of version 7")
    return _EPOCH + (value.int >> 80) * _MILLISECOND


def lowest_at(moment: datetime) -> UUID:
    """Return the lowest id of that millisecond, for `id__gte=` filters by date.

    Raises ValueError for a naive datetime or one before 1970.
    """
    if moment.utcoffset() is None:
        raise ValueError("lowest_at() needs a datetime with a time zone")
    millisecond = (moment - _EPOCH) // _MILLISECOND
    if millisecond < 0:
        raise ValueError("lowest_at() needs a datetime after 1970")
    return UUID(int=millisecond << 80 | _VERSION_AND_VARIANT)
