from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122, UUID, uuid4

import pytest

from shops import uuid7 as module
from shops.uuid7 import datetime_of, lowest_at, uuid7


def test_it_is_version_7_of_rfc_9562():
    value = uuid7()
    assert (value.version, value.variant) == (7, RFC_4122)


def test_the_example_of_the_rfc_gives_its_time():
    value = UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")  # RFC 9562, appendix A.6
    eastern = timezone(timedelta(hours=-5))
    assert datetime_of(value) == datetime(2022, 2, 22, 14, 22, 22, tzinfo=eastern)


def test_ids_of_one_process_rise_even_within_a_millisecond():
    ids = [uuid7() for _ in range(20_000)]
    assert ids == sorted(set(ids))
    assert len({datetime_of(value) for value in ids}) < len(ids)


def test_ids_of_several_threads_are_unique_and_rise_in_each():
    made: list[list[UUID]] = []

    def make() -> None:
        made.append([uuid7() for _ in range(3000)])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ids == sorted(ids) for ids in made)
    assert len({value for ids in made for value in ids}) == 24_000


def test_they_rise_when_the_clock_is_set_back(monkeypatch):
    before = uuid7()
    monkeypatch.setattr(module.time, "time_ns", lambda: 0)
    assert uuid7() > before


def test_a_full_counter_borrows_the_next_millisecond():
    clock = module._Clock()
    assert clock.tick(5, (1 << 42) - 2) == (5, (1 << 42) - 2)
    assert clock.tick(5, 7) == (5, (1 << 42) - 1)
    assert clock.tick(5, 7) == (6, 7)
    assert clock.tick(5, 9) == (6, 8)


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_child_counts_afresh_even_when_the_lock_was_held():
    reader, writer = os.pipe()
    with module._clock.lock:
        child = os.fork()
        if child == 0:
            os.write(writer, uuid7().bytes)
            os._exit(0)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    assert status == 0
    with os.fdopen(reader, "rb") as pipe:
        made = UUID(bytes=pipe.read())
    mine = uuid7()
    assert made.version == 7 and made.int & ((1 << 74) - 1) != mine.int & ((1 << 74) - 1)


def test_the_lowest_id_of_a_moment_is_below_all_ids_of_it(monkeypatch):
    # A test before this one may have travelled into the future, and ids never go back.
    monkeypatch.setattr(module, "_clock", module._Clock())
    value = uuid7()
    moment = datetime_of(value)
    assert lowest_at(moment) <= value < lowest_at(moment + timedelta(milliseconds=1))
    assert datetime_of(lowest_at(moment)) == moment
    assert lowest_at(moment + timedelta(microseconds=999)) == lowest_at(moment)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_it_refuses_other_ids_and_moments_without_a_zone():
    with pytest.raises(ValueError, match="version 7"):
        datetime_of(uuid4())
    with pytest.raises(ValueError, match="time zone"):
        lowest_at(datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="1970"):
        lowest_at(datetime(1969, 12, 31, tzinfo=UTC))
