"""PostgreSQL's short way for the usual case: an accepted message and the next gate, one statement.

A statement is a transaction of its own: one round trip a message, planned once a connection. It
writes what ``maillog.journal`` writes step by step. That way remains for SQLite, for whatever is
not simply accepted, and for a message whose state depends on several recipients.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from maillog import dot_gate
from maillog.states import Role, State
from shops import quick_sql
from shops.conf import conf

if TYPE_CHECKING:
    from mailaccounts.transports.base import Outcome, Outgoing

LONGEST_REPLY = 2048

# What the statement takes, in this order, and as what.
_TYPES = {
    "done": "uuid",
    "fence": "integer",
    "at": "timestamptz",
    "answer": "text",
    "phase": "text",
    "code": "smallint",
    "enhanced": "text",
    "reply": "text",
    "server": "text",
    "tls": "text",
    "milliseconds": "integer",
    "gate": "uuid",
    "gate_fence": "integer",
}
_FORMATS = [
    quick_sql.BINARY if kind in ("uuid", "text") else quick_sql.TEXT for kind in _TYPES.values()
]
_MARKS = {name: f"${place}::{kind}" for place, (name, kind) in enumerate(_TYPES.items(), 1)}
_NOTHING_DONE = (None,) * 11


def step(done: Outcome | None, at: datetime, gate: Outgoing | None) -> tuple[bool, bool]:
    """Records ``done``, accepted ``at``, and opens ``gate``.

    Returns which of both took effect. Raises Django's database errors.
    """
    outcome = _NOTHING_DONE if done is None else _outcome_values(done, at)
    following = (None, None) if gate is None else (gate.delivery_id.bytes, b"%d" % gate.fence)
    sql = _sql(conf.LEASE_SECONDS)
    recorded, opened = quick_sql.execute(sql, outcome + following, _FORMATS, keep_plan=True)
    return recorded == b"t", opened == b"t"


def _outcome_values(done: Outcome, at: datetime) -> tuple[quick_sql.Value, ...]:
    return (
        done.delivery_id.bytes,
        b"%d" % done.fence,
        at.isoformat().encode(),
        done.answer.encode(),
        done.phase.encode(),
        None if done.code is None else b"%d" % done.code,
        done.enhanced[:12].encode(),
        done.text[:LONGEST_REPLY].encode(),
        done.server[:260].encode(),
        done.tls[:60].encode(),
        b"%d" % done.milliseconds,
    )


@lru_cache(maxsize=4)
def _sql(_lease_seconds: float) -> bytes:
    """The statement. Deliveries are locked first, in the order in which they are sent."""
    # The reaper may have called it unknown while we waited for the reply: that reply settles it.
    done = (
        f"UPDATE maillog_delivery SET state = '{State.SENT.value}', phase = '', due_at = {{at}},"
        " lease_until = NULL, worker = '', tries = tries + 1, alone = false, lone_claims = 0,"
        " last_code = {code}, last_answer = {answer}, last_reply = {reply}, ended_at = {at}"
        " WHERE id = {done} AND fence = {fence}"
        f" AND state IN ('{State.CLAIMED.value}', '{State.UNKNOWN.value}')"
        " RETURNING id, fence, message_id, role, reason"
    )
    attempt = (
        "INSERT INTO maillog_attempt (delivery_id, fence, at, answer, phase, code, enhanced, text,"
        " server, tls, milliseconds) SELECT id, fence, {at}, {answer}, {phase}, {code}, {enhanced},"
        " {reply}, {server}, {tls}, {milliseconds} FROM done"
    )
    message = (
        f"UPDATE maillog_mailmessage SET state = '{State.SENT.value}', reason = done.reason,"
        " failed_recipients = 0 FROM done WHERE maillog_mailmessage.id = done.message_id"
        f" AND done.role <> '{Role.COPY.value}'"
    )
    after = " AND (SELECT count(*) FROM done) >= 0"
    opened = dot_gate.open_sql("{gate}", "{gate_fence}", also=after)
    statement = (
        f"WITH done AS ({done}), attempt AS ({attempt}), message AS ({message}),"
        f" opened AS ({opened} RETURNING 1)"
        " SELECT EXISTS (SELECT FROM done), EXISTS (SELECT FROM opened)"
    )
    return statement.format(**_MARKS).encode()
