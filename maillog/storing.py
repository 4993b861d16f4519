"""How a composed message gets into its tables: key, message and deliveries, or nothing of them.

On PostgreSQL in one statement, planned once a connection; the ORM would spend longer on putting
three of them together than the database on carrying them out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from django.db import connection
from django.db.models.functions import Now

from maillog.clock import is_postgresql, now_sql
from maillog.models import Delivery, MailMessage, SentKey
from maillog.states import Channel
from shops import quick_sql

# A delivery's times as the web host sees them; they are moved onto the database's clock.
_TIMES = ("due_at", "expires_at")
MANY = 20  # deliveries; beyond, a statement for each number of them would be a waste of plans
_KEY = (
    "INSERT INTO maillog_sentkey (shop_id, channel, cause, occurrence, created_at)"
    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING 1"
)


class Key(NamedTuple):
    """What must not be said twice: why, and on which occasion (see ``SentKey``)."""

    shop_id: int
    cause: str
    occurrence: str


def store(message: MailMessage, deliveries: Sequence[Delivery], key: Key | None) -> bool:
    """Inserts ``message`` and its ``deliveries``; False if ``key`` was taken before.

    Claims compare due times with the database's clock, and this host's may be ahead of it by far:
    on PostgreSQL they are stored as so long after the database's now as they are after
    ``message.created_at``. SQLite has one host.
    """
    adapt = connection.ops.adapt_datetimefield_value
    taking: list[object] = []
    if key is not None:
        now = adapt(message.created_at)
        taking = [key.shop_id, Channel.EMAIL.value, key.cause, key.occurrence, now]
    if not is_postgresql() or len(deliveries) > MANY:
        if taking and not quick_sql.rows(_KEY, taking):
            return False
        message.save(force_insert=True)
        Delivery.objects.bulk_create(_on_database_time(deliveries, message))
        return True
    values = taking + [getattr(message, name) for name in _names(MailMessage)]
    for delivery in deliveries:
        for name in _names(Delivery):
            values.append(getattr(delivery, name))
            if name in _TIMES:
                values.append(message.created_at)
    if not quick_sql.rows(_insert_sql(len(deliveries), bool(taking)), values):
        return False
    for row in (message, *deliveries):
        row._state.adding, row._state.db = False, connection.alias
    return True


def take_key(message: MailMessage) -> bool:
    """True if it is ``message`` that says its occurrence: it holds the key, or has taken it now.

    For one that took none when it was stored. A key is as old as the message that holds it.
    """
    if not (message.shop_id and message.occurrence):
        return True
    said = [message.shop_id, message.channel, message.message_type, message.occurrence]
    now = connection.ops.adapt_datetimefield_value(message.created_at)
    if quick_sql.rows(_KEY, [*said, now]):
        return True
    names = ("shop", "channel", "cause", "occurrence")
    mine = dict(zip(names, said, strict=True))
    return SentKey.objects.filter(**mine, created_at=message.created_at).exists()


def _on_database_time(deliveries: Sequence[Delivery], message: MailMessage) -> Sequence[Delivery]:
    if is_postgresql():
        for delivery in deliveries:
            for name in _TIMES:
                setattr(delivery, name, Now() + (getattr(delivery, name) - message.created_at))
    return deliveries


@cache
def _names(model: type[MailMessage | Delivery]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@lru_cache(maxsize=64)
def _insert_sql(deliveries: int, has_key: bool) -> str:
    """The statement for so many deliveries. It returns a row unless the key was taken."""
    only_first = " WHERE EXISTS (SELECT FROM key)" if has_key else ""
    rows = [f"SELECT {', '.join(_marks(Delivery))}{only_first}" for _each in range(deliveries)]
    parts = [f"key AS ({_KEY})"] if has_key else []
    parts.append(
        f"message AS (INSERT INTO {_target(MailMessage)}"
        f" SELECT {', '.join(_marks(MailMessage))}{only_first})"
    )
    insert = f"INSERT INTO {_target(Delivery)} {' UNION ALL '.join(rows)} RETURNING 1"
    return f"WITH {', '.join(parts)} {insert}"


def _marks(model: type[MailMessage | Delivery]) -> list[str]:
    """A place for each value, with its type: a SELECT does not tell PostgreSQL what goes where."""
    marks = []
    for field in model._meta.concrete_fields:
        # Without its length: a cast would cut a text where an INSERT refuses it.
        kind = re.sub(r"\(\d+\)$", "", field.db_type(connection) or "text")
        shifted = f"{now_sql()} + (%s::{kind} - %s::{kind})"
        is_shifted = model is Delivery and field.column in _TIMES
        marks.append(shifted if is_shifted else f"%s::{kind}")
    return marks


def _target(model: type[MailMessage | Delivery]) -> str:
    columns = ", ".join(str(field.column) for field in model._meta.concrete_fields)
    return f"{model._meta.db_table} ({columns})"
