"""Database time: the one clock that all hosts share. Leases and due times are compared with it.

SQLite has one host and no clock of its own; its expression gives the same text form that Django
stores, so that both can be compared as text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


# Milliseconds, padded to the six digits that Django writes, except on whole seconds: such texts
# are for comparing which is earlier, never for equality.
_SQLITE = "strftime('%%Y-%%m-%%d %%H:%%M:%%f','now'{shift})||'000'"


def now_sql() -> str:
    """SQL for this moment."""
    return "statement_timestamp()" if is_postgresql() else f"({_SQLITE.format(shift='')})"


def later_sql(seconds: float) -> str:
    """SQL for ``seconds`` from now; negative for the past."""
    if is_postgresql():
        return f"statement_timestamp() + interval '{seconds:.3f} seconds'"
    return f"({_SQLITE.format(shift=f",'{seconds:+.3f} seconds'")})"


def db_now() -> datetime:
    """This moment on the database's clock, aware."""
    if not is_postgresql():
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def db_id(value: UUID) -> Any:
    """A UUID as the database keeps it: PostgreSQL natively, SQLite as 32 hex digits."""
    return value if is_postgresql() else value.hex


def from_db_id(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(hex=value)
