"""PostgreSQL's short way for the usual case: an accepted message and the next gate, one statement.

A statement is a transaction of its own: one round trip a message, planned once a connection. It
writes what ``maillog.journal`` writes step by step. That way remains for SQLite, for whatever is
not simply accepted, and for a message whose state depends on several recipients.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from maillog import dot_gate, server_cursor
from maillog.states import Role, State
from shops.conf import conf

if TYPE_CHECKING:
    from mailaccounts.transports.base import Outcome, Outgoing

LONGEST_REPLY = 2048


def step(done: Outcome | None, at: datetime, gate: Outgoing | None) -> tuple[bool, bool]:
    """Records ``done``, accepted ``at``, and opens ``gate``.

    Returns which of both took effect. Raises Django's database errors.
    """
    values = {
        "done": done and done.delivery_id,
        "done_fence": done and done.fence,
        "at": at,
        "answer": done and done.answer.value,
        "phase": done and done.phase.value,
        "code": done and done.code,
        "enhanced": done and done.enhanced[:12],
        "text": done and done.text[:LONGEST_REPLY],
        "server": done and done.server[:260],
        "tls": done and done.tls[:60],
        "milliseconds": done and done.milliseconds,
        "gate": gate and gate.delivery_id,
        "gate_fence": gate and gate.fence,
    }
    cursor = server_cursor.execute(_sql(conf.LEASE_SECONDS), values, prepare=True)
    recorded, opened = cursor.fetchone()
    return bool(recorded), bool(opened)


@lru_cache(maxsize=4)
def _sql(_lease_seconds: float) -> bytes:
    """The statement. Deliveries are locked first, in the order in which they are sent."""
    # The reaper may have called it unknown while we waited for the reply: that reply settles it.
    done = (
        f"UPDATE maillog_delivery SET state = '{State.SENT.value}', phase = '', due_at = %(at)s,"
        " lease_until = NULL, worker = '', tries = tries + 1, alone = false, lone_claims = 0,"
        " last_code = %(code)s::smallint, last_answer = %(answer)s::text, last_reply = %(text)s,"
        " ended_at = %(at)s WHERE id = %(done)s::uuid AND fence = %(done_fence)s::integer"
        f" AND state IN ('{State.CLAIMED.value}', '{State.UNKNOWN.value}')"
        " RETURNING id, fence, message_id, role, reason"
    )
    attempt = (
        "INSERT INTO maillog_attempt (delivery_id, fence, at, answer, phase, code, enhanced, text,"
        " server, tls, milliseconds) SELECT id, fence, %(at)s, %(answer)s::text, %(phase)s::text,"
        " %(code)s::smallint, %(enhanced)s::text, %(text)s, %(server)s::text, %(tls)s::text,"
        " %(milliseconds)s::integer FROM done"
    )
    message = (
        f"UPDATE maillog_mailmessage SET state = '{State.SENT.value}', reason = done.reason,"
        " failed_recipients = 0 FROM done WHERE maillog_mailmessage.id = done.message_id"
        f" AND done.role <> '{Role.COPY.value}'"
    )
    after = " AND (SELECT count(*) FROM done) >= 0"
    opened = dot_gate.open_sql("%(gate)s::uuid", "%(gate_fence)s::integer", also=after)
    return (
        f"WITH done AS ({done}), attempt AS ({attempt}), message AS ({message}),"
        f" opened AS ({opened} RETURNING 1)"
        " SELECT EXISTS (SELECT FROM done), EXISTS (SELECT FROM opened)"
    ).encode()
