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


def roll_up(messages: Iterable[UUID], *, shared: bool = True) -> None:
    """Derives state, reason and failed recipients of ``messages`` from their deliveries.

    Two workers may end two deliveries of one message at once, and neither sees what the other has
    not committed: whoever comes second waits for the message and looks only then. The order of the
    ids keeps those that wait from waiting for each other. ``shared=False`` says that the caller has
    just written the only delivery that counts, and spares the wait.
    """
    ids = [db_id(each) for each in sorted(set(messages))]
    for start in range(0, len(ids), 500):
        chunk = ids[start : start + 500]
        with connection.cursor() as cursor:
            if shared and is_postgresql():
                cursor.execute(_lock_sql(len(chunk)), chunk)
            cursor.execute(roll_up_sql(len(chunk)), chunk)


def _lock_sql(count: int) -> str:
    marks = ", ".join(["%s"] * count)
    return f"SELECT 1 FROM maillog_mailmessage WHERE id IN ({marks}) ORDER BY id FOR UPDATE"


@lru_cache(maxsize=64)
def roll_up_sql(count: int) -> str:
    """The UPDATE for ``count`` messages, whose ids are its parameters.

    One look at the deliveries finds the worst: the least of "role, severity, reason" as text.
    """
    ranks = [(state.value, f"{rank:02}") for state, rank in SEVERITY.items()]
    severity = " ".join(f"WHEN '{state}' THEN '{rank}'" for state, rank in ranks)
    state_of = " ".join(f"WHEN '{rank}' THEN '{state}'" for state, rank in ranks)
    # Cc and Bcc decide only where there is nobody else.
    worst = f"CASE role WHEN 'main' THEN '0' ELSE '1' END || CASE state {severity} END || reason"
    failures = _quoted([state.value for state in FAILURES])
    return (
        "UPDATE maillog_mailmessage"
        f" SET state = CASE substr(w.worst, 2, 2) {state_of} END,"
        " reason = substr(w.worst, 4), failed_recipients = w.failed"
        f" FROM (SELECT message_id, min({worst}) AS worst,"
        f" sum(CASE WHEN state IN ({failures}) THEN 1 ELSE 0 END) AS failed"
        f" FROM maillog_delivery WHERE message_id IN ({', '.join(['%s'] * count)})"
        f" AND role IN ({_quoted(COUNTED_ROLES)}) GROUP BY message_id) w"
        " WHERE maillog_mailmessage.id = w.message_id"
    )


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
