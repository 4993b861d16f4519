"""PostgreSQL statements that run for each message, by way of libpq and past both cursors.

Django's cursor writes the values into the text, so PostgreSQL parses and plans it each time, and
quoting a whole mail costs more than storing it. psycopg's own keeps plans, yet spends four times as
long on a call as libpq, and lets go of Python's lock at each of its steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from django.db import connection

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.pq.abc import PGresult

# A value as PostgreSQL reads it: UTF-8 for texts and numbers, 16 bytes for a UUID, None for NULL.
type Value = bytes | None

TEXT, BINARY = 0, 1  # how values are written; a text is the same in both, but may hold no NUL
_plans: WeakKeyDictionary[Connection, dict[bytes, bytes]] = WeakKeyDictionary()


def execute(
    sql: bytes, values: Sequence[Value], formats: Sequence[int], *, keep_plan: bool = False
) -> list[Value]:
    """Runs ``sql``, which names its values ``$1``, ``$2`` …, in this thread's connection.

    In its transaction if one is open, else in one of its own. With ``keep_plan`` it is planned once
    a connection. Returns the first row's values, as text; empty if there is none. Raises Django's
    database errors.
    """
    connection.ensure_connection()
    raw = connection.connection
    with connection.wrap_database_errors:
        if keep_plan:
            result = raw.pgconn.exec_prepared(_plan(raw, sql), values, formats)
        else:
            result = raw.pgconn.exec_params(sql, values, None, formats)
        _check(raw, result)
    if not result.ntuples:
        return []
    return [result.get_value(0, column) for column in range(result.nfields)]


def _plan(raw: Connection, sql: bytes) -> bytes:
    plans = _plans.setdefault(raw, {})
    if sql not in plans:
        name = b"postroom_%d" % len(plans)
        _check(raw, raw.pgconn.prepare(name, sql))
        plans[sql] = name
    return plans[sql]


def _check(raw: Connection, result: PGresult) -> None:
    from psycopg import OperationalError
    from psycopg.errors import error_from_result
    from psycopg.pq import ConnStatus, ExecStatus

    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return
    if raw.pgconn.status != ConnStatus.OK:
        raise OperationalError(result.get_error_message())
    raise error_from_result(result)
