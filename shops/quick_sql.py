"""Statements that run for each message, past Django's cursor.

On PostgreSQL that one writes the values into the text, so that it is parsed and planned each time,
and quoting a whole mail costs more than storing it. Here libpq carries the values, a plan is kept
for as long as the connection lives, and Python's lock is let go of once a statement. On SQLite the
same text goes by Django's cursor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, DataError, connections
from psycopg import OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from psycopg import Connection
    from psycopg.pq.abc import PGresult

# A value as libpq takes it: UTF-8 for all but UUIDs written in binary, None for NULL.
type Value = bytes | None

TEXT, BINARY = 0, 1  # how a value is written; a text is the same in both, but may hold no NUL
_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
# invalid_sql_statement_name and feature_not_supported ("cached plan must not change result type").
_LOST = (b"26000", b"0A000")
_numbers = count(1)
_plans: WeakKeyDictionary[Connection, dict[bytes, bytes]] = WeakKeyDictionary()


def rows(sql: str, values: Sequence[object], *, keep_plan: bool = True) -> list[tuple[Any, ...]]:
    """All rows of ``sql``, which marks its values with ``%s`` and is understood by both databases.

    Values may be text, numbers, times, UUIDs, and plain data for JSON columns; columns come as
    text, whole numbers, ``bool`` and UUIDs (SQLite: 0 and 1, and digits). Raises Django's
    database errors.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql":
        with database.cursor() as cursor:
            cursor.execute(sql, cast("Any", values))
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found
    written = [_written(value) for value in values]
    result = _result(database, _numbered(sql), written, None, keep_plan=keep_plan)
    readers = [_READERS.get(result.ftype(column), _text) for column in range(result.nfields)]
    return [
        tuple(
            None if (cell := result.get_value(row, column)) is None else read(cell)
            for column, read in enumerate(readers)
        )
        for row in range(result.ntuples)
    ]


def execute(
    sql: bytes, values: Sequence[Value], formats: Sequence[int], *, keep_plan: bool = False
) -> list[Value]:
    """Runs ``sql`` on PostgreSQL; it names its values ``$1``, ``$2`` ….

    In its transaction if one is open, else in one of its own. Returns the first row's values, as
    text; empty if there is none. Raises Django's database errors.
    """
    database = connections[DEFAULT_DB_ALIAS]
    result = _result(database, sql, values, formats, keep_plan=keep_plan)
    if not result.ntuples:
        return []
    return [result.get_value(0, column) for column in range(result.nfields)]


def command(sql: bytes) -> None:
    """Runs commands without values, several in one go, on PostgreSQL."""
    raw = _ready(connections[DEFAULT_DB_ALIAS])
    with connections[DEFAULT_DB_ALIAS].wrap_database_errors:
        _check(raw, raw.pgconn.exec_(_beginning(raw) + sql))


def _result(
    database: BaseDatabaseWrapper,
    sql: bytes,
    values: Sequence[Value],
    formats: Sequence[int] | None,
    *,
    keep_plan: bool,
) -> PGresult:
    raw = _ready(database)
    with database.wrap_database_errors:
        if beginning := _beginning(raw):
            _check(raw, raw.pgconn.exec_(beginning))
        result: PGresult
        if keep_plan:
            result = raw.pgconn.exec_prepared(_plan(raw, sql), values, formats)
            if _is_forgotten(raw, result):
                result = raw.pgconn.exec_prepared(_plan(raw, sql), values, formats)
        else:
            result = raw.pgconn.exec_params(sql, values, None, formats)
        _check(raw, result)
    return result


def _ready(database: BaseDatabaseWrapper) -> Any:
    """The thread's connection, as Django makes sure of it before it hands out a cursor."""
    database.validate_thread_sharing()
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.validate_no_broken_transaction()
    return database.connection


def _beginning(raw: Any) -> bytes:
    """What psycopg would send before this statement to begin a transaction, if anything.

    libpq does not by itself.
    """
    if raw.autocommit or raw.pgconn.transaction_status != TransactionStatus.IDLE:
        return b""
    level = raw.isolation_level
    isolation = "" if level is None else f" ISOLATION LEVEL {level.name.replace('_', ' ')}"
    return f"BEGIN{isolation}; ".encode()


def _is_forgotten(raw: Connection, result: PGresult) -> bool:
    """True if the server has lost its plans, or cannot use them since a migration: once more then.

    Within a transaction that has just failed there is no more; the next one makes new plans.
    """
    if result.status in _GOOD or result.error_field(DiagnosticField.SQLSTATE) not in _LOST:
        return False
    _plans.pop(raw, None)
    return raw.pgconn.transaction_status == TransactionStatus.IDLE


def _plan(raw: Connection, sql: bytes) -> bytes:
    plans = _plans.setdefault(raw, {})
    if sql not in plans:
        name = b"postroom_%d" % next(_numbers)
        _check(raw, raw.pgconn.prepare(name, sql))
        plans[sql] = name
    return plans[sql]


def _check(raw: Connection, result: PGresult) -> None:
    if result.status in _GOOD:
        return
    if raw.pgconn.status != ConnStatus.OK:
        raise OperationalError(result.get_error_message())
    raise error_from_result(result)


@lru_cache(maxsize=128)
def _numbered(sql: str) -> bytes:
    """``sql`` with ``$1``, ``$2`` … for its ``%s``."""
    numbers = count(1)
    first, *rest = sql.split("%s")
    return (first + "".join(f"${next(numbers)}{piece}" for piece in rest)).encode()


def _written(value: object) -> Value:
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    if isinstance(value, str):  # a choice
        return _words(value)
    if isinstance(value, dict | list):
        return json.dumps(value).encode()
    raise TypeError(f"{type(value).__name__} cannot be written")


def _words(text: str) -> bytes:
    if "\0" in text:  # libpq would end the text there
        raise DataError("a text with a NUL character cannot be stored")
    return text.encode()


_WRITERS: dict[type, Callable[[Any], Value]] = {
    str: _words,
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"%d" % value,
    type(None): lambda value: None,
    datetime: lambda value: value.isoformat().encode(),
    UUID: lambda value: value.hex.encode(),
    dict: lambda value: json.dumps(value).encode(),
    list: lambda value: json.dumps(value).encode(),
}


def _text(cell: bytes) -> str:
    return cell.decode()


# By the OIDs of PostgreSQL's catalogue (pg_type.dat): bool, int8, int2, int4, uuid.
_READERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda cell: cell == b"t",
    20: int,
    21: int,
    23: int,
    2950: lambda cell: UUID(cell.decode()),
}
