"""The only code that changes a delivery's state, and the roll-up onto its message.

A move is one conditional UPDATE: it happens only from a state that ``ALLOWED_FROM`` names, and
only under the fence that the caller holds. No row changed means somebody else has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from maillog.blanking import blank_ended
from maillog.clock import db_id, is_postgresql
from maillog.models import Delivery
from maillog.states import ALLOWED_FROM, COUNTED_ROLES, ENDED, FAILURES, SEVERITY, State


def move(rows: Q, to: State, *, ended_at: datetime | None = None, **columns: Any) -> list[UUID]:
    """Moves every delivery of ``rows`` that may become ``to``; returns the messages concerned.

    The caller holds a transaction. Sets what follows from the state: a lease ends with
    ``claimed``, the uncertainty of ``phase`` with an outcome.
    """
    # In one order for all: two that move the same rows must not wait for each other.
    movable = Delivery.objects.filter(rows, state__in=ALLOWED_FROM[to]).order_by("pk")
    found = list(movable.select_for_update().values_list("pk", "message_id"))
    if not found:
        return []
    values: dict[str, Any] = {
        "state": to,
        "lease_until": None,
        "worker": "",
        "phase": "",
        "ended_at": None,
    }
    if to in ENDED:
        values["ended_at"] = ended_at
    if to == State.UNKNOWN:
        values |= {"phase": "dot", "ever_unknown": True}
    Delivery.objects.filter(pk__in=[pk for pk, _ in found]).update(**{**values, **columns})
    messages = list(dict.fromkeys(message for _, message in found))
    roll_up(messages)
    if to in ENDED:
        blank_ended(messages)
    return messages


def roll_up(messages: Iterable[UUID]) -> None:
    """Derives state, reason and failed recipients of ``messages`` from their deliveries."""
    ids = [db_id(each) for each in sorted(set(messages))]
    for start in range(0, len(ids), 500):
        chunk = ids[start : start + 500]
        with connection.cursor() as cursor:
            if len(chunk) > 1 and is_postgresql():
                # An UPDATE locks in the order in which it finds: see ``move``.
                marks = ", ".join(["%s"] * len(chunk))
                cursor.execute(
                    f"SELECT 1 FROM maillog_mailmessage WHERE id IN ({marks})"
                    " ORDER BY id FOR UPDATE",
                    chunk,
                )
            cursor.execute(roll_up_sql(len(chunk)), chunk)


@lru_cache(maxsize=64)
def roll_up_sql(count: int) -> str:
    """The UPDATE for ``count`` messages, whose ids are its parameters."""
    ranks = " ".join(f"WHEN '{state.value}' THEN {rank}" for state, rank in SEVERITY.items())
    worst = (
        "SELECT {column} FROM maillog_delivery d WHERE d.message_id = maillog_mailmessage.id"
        f" AND d.role IN ({_quoted(COUNTED_ROLES)})"
        # Cc and Bcc decide only where there is nobody else.
        f" ORDER BY CASE d.role WHEN 'main' THEN 0 ELSE 1 END, CASE d.state {ranks} END LIMIT 1"
    )
    return (
        "UPDATE maillog_mailmessage SET"
        f" state = COALESCE(({worst.format(column='d.state')}), state),"
        f" reason = COALESCE(({worst.format(column='d.reason')}), reason),"
        " failed_recipients = (SELECT count(*) FROM maillog_delivery d"
        f" WHERE d.message_id = maillog_mailmessage.id AND d.role IN ({_quoted(COUNTED_ROLES)})"
        f" AND d.state IN ({_quoted([state.value for state in FAILURES])}))"
        f" WHERE id IN ({', '.join(['%s'] * count)})"
    )


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
