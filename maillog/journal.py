"""The queue as a transport sees it: the dot gate, and the one place that records outcomes.

One transaction for each message: the outcome of the one before and the gate of the next. Written
in SQL by hand because it is the hot path: four short statements a message, and on PostgreSQL one
for the usual case.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AnswerClass, Outcome, Outgoing
from maillog import claims, dot_gate, health, moves, one_statement, retry
from maillog.blanking import blank_ended
from maillog.clock import db_id, is_postgresql
from maillog.models import Delivery
from maillog.one_statement import LONGEST_REPLY
from maillog.states import ENDED, Role, State
from shops.conf import conf

STATE_AFTER: dict[AnswerClass, State] = {
    AnswerClass.SENT: State.SENT,
    AnswerClass.UNKNOWN: State.UNKNOWN,
    AnswerClass.NET: State.QUEUED,
    AnswerClass.AUTH: State.QUEUED,
    AnswerClass.QUOTA: State.QUEUED,
    AnswerClass.TEMPORARY: State.DEFERRED,
    AnswerClass.MAILBOX_FULL: State.DEFERRED,
    AnswerClass.RECIPIENT: State.FAILED,
    AnswerClass.CONTENT: State.FAILED,
    AnswerClass.SIZE: State.FAILED,
    AnswerClass.CAPABILITY: State.FAILED,
}
WRITE_AGAIN_AFTER = 0.5  # seconds
logger = logging.getLogger(__name__)
_jitter = Random()


class AccountJournal:
    """``mailaccounts.transports.base.Journal`` for one session of one account."""

    def __init__(self, account: SenderAccount, worker: str) -> None:
        self.account = account
        self.worker = worker
        # Claimed by this session and not settled yet. By fence too: it may lose one while the
        # transport still has it, and claim it again.
        self.held: dict[claims.Claimed, Delivery] = {}
        self._refused = False  # a gate stayed shut: those behind it are looked at first
        self.given_back: Delivery | None = None  # the last that the transport released

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """This session has claimed these."""
        self.held |= {claims.claim_of(each): each for each in deliveries}

    def step(self, done: Outcome | None, gate: Outgoing | None) -> bool:
        try:
            opened = self._commit(done, gate)
        except (OperationalError, InterfaceError):
            if done is None:
                raise
            # Not sent a second time because the database was away for a moment: the gate stays
            # shut, and the outcome, which only we know, is written as soon as it can be.
            self._write_down_later(done)
            opened = False
        self._refused |= gate is not None and not opened
        if done is not None:
            self.held.pop(claims.claim_of(done), None)
        return opened

    def _commit(self, done: Outcome | None, gate: Outgoing | None) -> bool:
        if is_postgresql() and (done is None or self._is_plain(done)):
            _recorded, opened = one_statement.step(done, timezone.now(), gate)
            return opened
        with transaction.atomic(), connection.cursor() as cursor:
            if done is not None:
                self._record(cursor, done)
            return gate is not None and self._open_gate(cursor, gate)

    def _is_plain(self, outcome: Outcome) -> bool:
        """True if the outcome concerns nothing but its delivery and that one's message."""
        delivery = self.held[claims.claim_of(outcome)]
        message = delivery.message
        decides_alone = delivery.role == Role.COPY or message.recipient_count == 1
        is_calm = outcome.answer == AnswerClass.SENT and not self.account.is_troubled
        return is_calm and decides_alone and not message.sensitive

    def _write_down_later(self, done: Outcome) -> None:
        """Tries again, over fresh connections, for a lease long; raises if that is not enough.

        A commit whose answer was lost may have happened: then its row is settled already, and
        writing the outcome under the same fence changes nothing.
        """
        ends = time.monotonic() + conf.LEASE_SECONDS
        while True:
            logger.warning("the outcome of delivery %s is written once more", done.delivery_id)
            connection.close()
            time.sleep(WRITE_AGAIN_AFTER)
            try:
                self._commit(done, None)
                return
            except (OperationalError, InterfaceError):
                if time.monotonic() > ends:
                    raise

    def may_go(self, delivery: Delivery) -> bool:
        """False if the gate would refuse it: then it is given back instead.

        Asked only after a refusal. What shut that gate (an account that was switched off or has
        used up its limit, a lease that was lost) mostly holds for the whole batch, and each
        message would cost a connection and a text before it was refused too.
        """
        if not self._refused:
            return True
        with connection.cursor() as cursor:
            cursor.execute(dot_gate.may_open_sql(), [db_id(delivery.pk), delivery.fence])
            if cursor.fetchone():
                return True
        claims.release([claims.claim_of(delivery)], self.worker)
        self.held.pop(claims.claim_of(delivery), None)
        return False

    def release(self, items: list[Outgoing]) -> None:
        rows = [claims.claim_of(item) for item in items]
        claims.release(rows, self.worker, past_gate=True)
        for row in rows:
            self.given_back = self.held.pop(row, self.given_back)

    def release_all(self) -> None:
        """Gives back whatever this session still holds and whose gate was never opened."""
        claims.release(list(self.held), self.worker)
        self.held.clear()

    def _open_gate(self, cursor: object, gate: Outgoing) -> bool:
        row = [db_id(gate.delivery_id), gate.fence]
        cursor.execute(dot_gate.open_sql(), row)  # type: ignore[attr-defined]
        return bool(cursor.rowcount)  # type: ignore[attr-defined]

    def _record(self, cursor: object, outcome: Outcome) -> None:
        """Writes the outcome under its fence; a row that somebody else took is left alone."""
        delivery = self.held[claims.claim_of(outcome)]
        state, due_at = self._decide(delivery, outcome)
        now = timezone.now()
        execute = cursor.execute  # type: ignore[attr-defined]
        execute(_outcome_sql(state), self._outcome_values(outcome, due_at, now, state))
        if not cursor.rowcount:  # type: ignore[attr-defined]
            return
        execute(_ATTEMPT, attempt_values(outcome, now))
        message = delivery.message
        if delivery.role != Role.COPY:  # a copy changes nothing about its message
            moves.roll_up([message.pk], shared=message.recipient_count > 1)
        if message.sensitive:
            blank_ended([delivery.message_id])
        health.note_outcome(self.account, delivery, outcome)

    def _decide(self, delivery: Delivery, outcome: Outcome) -> tuple[State, datetime]:
        """The state after this answer, and when the delivery is due again."""
        state, now = STATE_AFTER[outcome.answer], timezone.now()
        if state != State.DEFERRED:
            return state, now
        age = (now - delivery.message.created_at).total_seconds()
        wait = retry.next_try(
            outcome.answer,
            age_seconds=age,
            tries=delivery.tries + 1,
            retry_after=outcome.retry_after,
            rng=_jitter,
        )
        return state, now + (wait or timedelta(minutes=5))

    def _outcome_values(
        self, outcome: Outcome, due_at: datetime, now: datetime, state: State
    ) -> list[object]:
        adapt = connection.ops.adapt_datetimefield_value
        return [
            state.value,
            "dot" if state == State.UNKNOWN else "",
            adapt(due_at),
            state == State.UNKNOWN,
            outcome.code,
            outcome.answer.value,
            outcome.text[:LONGEST_REPLY],
            adapt(now) if state in ENDED else None,
            db_id(outcome.delivery_id),
            outcome.fence,
        ]


def _outcome_sql(state: State) -> str:
    # The reaper may have called it unknown while we waited for the reply: that reply settles it.
    also = f", '{State.UNKNOWN.value}'" if state in (State.SENT, State.FAILED) else ""
    # Refused: nothing of it can have been taken, unless an earlier dot was uncertain.
    refused = state not in (State.SENT, State.UNKNOWN)
    dot = " dot_at = CASE WHEN ever_unknown THEN dot_at END," if refused else ""
    return (
        f"UPDATE maillog_delivery SET state = %s, phase = %s,{dot} due_at = %s, lease_until = NULL,"
        " worker = '', tries = tries + 1, alone = false, lone_claims = 0,"
        " ever_unknown = (ever_unknown OR %s), last_code = %s, last_answer = %s, last_reply = %s,"
        " ended_at = %s WHERE id = %s AND fence = %s"
        f" AND state IN ('{State.CLAIMED.value}'{also})"
    )


_ATTEMPT = (
    "INSERT INTO maillog_attempt (delivery_id, fence, at, answer, phase, code, enhanced, text,"
    " server, tls, milliseconds) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


def attempt_values(outcome: Outcome, at: datetime) -> list[object]:
    """The columns of an ``Attempt`` row, in the order of the INSERT."""
    return [
        db_id(outcome.delivery_id),
        outcome.fence,
        connection.ops.adapt_datetimefield_value(at),
        outcome.answer.value,
        outcome.phase.value,
        outcome.code,
        outcome.enhanced[:12],
        outcome.text[:LONGEST_REPLY],
        outcome.server[:260],
        outcome.tls[:60],
        outcome.milliseconds,
    ]
