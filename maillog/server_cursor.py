"""PostgreSQL's own cursor beside Django's: values travel apart from the statement.

Django's writes them into the text, which PostgreSQL then parses and plans each time, and quoting a
whole mail costs more than storing it. For the few statements that run for each message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def execute(
    sql: bytes, values: Sequence[object] | Mapping[str, object], *, prepare: bool = False
) -> Any:
    """Runs ``sql`` on this thread's connection, in its transaction if one is open.

    ``prepare`` keeps the plan for as long as the connection lives. Returns psycopg's cursor. Raises
    Django's database errors.
    """
    from psycopg import Cursor

    connection.ensure_connection()
    raw = connection.connection
    raw.prepare_threshold = 1  # Django switches it off; its own cursors have no use for it
    with connection.wrap_database_errors:
        cursor = Cursor(raw)
        cursor.execute(sql, values, prepare=prepare)
    return cursor
