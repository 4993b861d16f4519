"""Who has which delivery: claim, renew, give back. Every statement is one conditional UPDATE.

PostgreSQL's workers pass each other with SKIP LOCKED; SQLite's stand in line for the one write
lock. Times are the database's (``maillog.clock``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Now

from mailaccounts.models import AccountState, Breaker, SenderAccount
from maillog import limits
from maillog.clock import db_id, db_now, from_db_id, is_postgresql, later_sql, now_sql
from maillog.models import Delivery
from maillog.states import DUE, WAITING, Role, State
from shops.conf import conf

if TYPE_CHECKING:
    from mailaccounts.transports.base import Outcome, Outgoing


# How long a message waits for the one before it about the same order, from when it is due itself.
AFTER_SECONDS = 600
_DUE = ", ".join(f"'{state.value}'" for state in DUE)
_WAITING = ", ".join(f"'{state.value}'" for state in WAITING)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One claim of one delivery; the next claim of it has another fence."""

    delivery_id: UUID
    fence: int


def claim_of(row: Delivery | Outgoing | Outcome) -> Claimed:
    return Claimed(row.pk if isinstance(row, Delivery) else row.delivery_id, row.fence)


def open_now() -> Q:
    """Accounts that may send at this moment. One whose breaker is open until staff mend it has
    no ``next_try_at`` and never qualifies."""
    return Q(state=AccountState.ACTIVE) & (
        Q(breaker=Breaker.CLOSED, next_try_at=None)
        | Q(next_try_at__lte=Now())
        | Q(breaker=Breaker.HALF_OPEN, next_try_at=None)
    )


def open_account_sql() -> str:
    """The same as ``open_now`` for the account of a row of ``maillog_delivery``."""
    return (
        "EXISTS (SELECT 1 FROM mailaccounts_senderaccount a"
        " WHERE a.id = maillog_delivery.account_id AND a.state = 'active'"
        f" AND a.breaker <> 'open' AND (a.next_try_at IS NULL OR a.next_try_at <= {now_sql()}))"
    )


def due_accounts() -> list[SenderAccount]:
    """Accounts that are open and have something due, the longest unused first."""
    earlier = Delivery.objects.filter(pk=OuterRef("after")).values("state")
    due = Delivery.objects.alias(earlier_state=Coalesce(Subquery(earlier), Value(""))).filter(
        _its_turn(), ~Q(role=Role.IMAP), account=OuterRef("pk"), state__in=DUE, due_at__lte=Now()
    )
    # The first in the index's order, not EXISTS: PostgreSQL joins that, and walks through a whole
    # backlog at each look (36 ms with 30,000 that wait, five times a second).
    first = Subquery(due.order_by("priority", "due_at").values("pk")[:1])
    # PostgreSQL would put the one that was never used behind all others.
    longest_unused = F("last_used_at").asc(nulls_first=True)
    rows = SenderAccount.objects.filter(open_now()).annotate(first_due=first)
    return list(rows.filter(first_due__isnull=False).order_by(longest_unused, "pk"))


def _its_turn() -> Q:
    """Deliveries that wait for no earlier one about the same order, or have done so long enough.

    Asks for ``earlier_state``, the state of that one.
    """
    patient = Q(due_at__lte=Now() - timedelta(seconds=AFTER_SECONDS))
    return Q(after=None) | patient | ~Q(earlier_state__in=WAITING)


def _its_turn_sql() -> str:
    """The same; for most rows it ends with the look at one of their own columns.

    Not as NOT EXISTS: of that PostgreSQL might make one look through all deliveries there are.
    """
    return (
        f"(after IS NULL OR due_at <= {later_sql(-AFTER_SECONDS)} OR COALESCE((SELECT earlier.state"
        " FROM maillog_delivery earlier WHERE earlier.id = maillog_delivery.after), '')"
        f" NOT IN ({_WAITING}))"
    )


def claim(
    account: SenderAccount,
    worker: str,
    limit: int,
    *,
    suspect_first: bool = False,
    holds_nothing: bool = False,
) -> list[Claimed]:
    """Takes up to ``limit`` due deliveries of ``account`` for ``worker``, a lease long.

    A delivery that a reaper took back before is claimed alone, and only such claims count
    towards poison; everything else is taken as a batch. ``suspect_first`` gives such a delivery
    its turn although others are due: under a steady flow it would otherwise never have one.

    ``holds_nothing``: no other session can see that ``worker`` is at work. Then nothing is claimed
    where as many others are as the account may have connections.
    """
    take = partial(_in_turn, account.pk, worker, suspect_first)
    is_limited = limits.is_limited(account)
    if not (is_limited or holds_nothing):
        return take(limit)
    with transaction.atomic():
        # Under a lock on the account's row: what two take at once would exceed its limits.
        if holds_nothing and not _may_connect(account.pk, worker):
            return []
        return _within(limits.room(account.pk, limit), limit, take) if is_limited else take(limit)


def _may_connect(account_id: int, worker: str) -> bool:
    """True if the account may have one more connection. Locks it for the open transaction."""
    lock = " FOR NO KEY UPDATE" if is_postgresql() else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT concurrency FROM mailaccounts_senderaccount WHERE id = %s{lock}", [account_id]
        )
        [concurrency] = cursor.fetchone()
    return sessions_of(account_id, but=worker) < int(concurrency)


def _within(room: limits.Room, limit: int, take: Callable[..., list[Claimed]]) -> list[Claimed]:
    """Up to ``limit`` of what ``room`` has place for; critical messages may use all of it."""
    rows = take(min(limit, room.ordinary), NO_COPIES) if room.is_small else []
    rows = rows or take(min(limit, room.ordinary))
    return rows or take(min(limit, room.total), CRITICAL)


def _in_turn(
    account_id: int, worker: str, suspect_first: bool, limit: int, only: str = ""
) -> list[Claimed]:
    if limit <= 0:
        return []
    for alone in (suspect_first, not suspect_first):
        sql = _claim_sql(alone, only)
        if rows := _claim(sql, [worker, account_id, alone, 1 if alone else limit]):
            return rows
    return []


def _claim(sql: str, values: list[str | int | bool]) -> list[Claimed]:
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = [Claimed(from_db_id(pk), fence) for pk, fence in cursor.fetchall()]
    # UUIDv7: the order of the ids is the order in which they were made.
    return sorted(rows, key=lambda row: row.delivery_id)


# What of an account's due mail is claimed, where that is not all.
NO_COPIES = f" AND role <> '{Role.COPY.value}'"
CRITICAL = (
    " AND EXISTS (SELECT 1 FROM maillog_mailmessage said"
    " WHERE said.id = maillog_delivery.message_id AND said.critical)"
    f" AND role <> '{Role.COPY.value}'"
)


def _claim_sql(alone: bool, only: str = "") -> str:
    skip = " FOR UPDATE SKIP LOCKED" if is_postgresql() else ""
    # As an array PostgreSQL evaluates it once: joined in, its LIMIT may be exceeded.
    among = ("= ANY(ARRAY(", "))") if is_postgresql() else ("IN (", ")")
    counted = "lone_claims + 1" if alone else "lone_claims"
    # Suspects take turns: one that broke off again must not be the next one tried.
    first = "lone_claims, priority, due_at" if alone else "priority, due_at"
    # Copies in Sent folders are filed by others. Put as in the index ``delivery_due``, which
    # SQLite would not use otherwise.
    return (
        f"UPDATE maillog_delivery SET state = '{State.CLAIMED.value}', worker = %s,"
        # Its turn has come: it waits for the earlier one no second time.
        f" fence = fence + 1, phase = '', after = NULL, lone_claims = {counted},"
        f" lease_until = {later_sql(conf.LEASE_SECONDS)}"
        f" WHERE id {among[0]}SELECT id FROM maillog_delivery"
        f" WHERE account_id = %s AND state IN ({_DUE}) AND NOT (role = '{Role.IMAP.value}')"
        f" AND alone = %s AND due_at <= {now_sql()} AND {_its_turn_sql()}{only}"
        f" AND {open_account_sql()}"
        f" ORDER BY {first} LIMIT %s{skip}{among[1]}"
        f" AND state IN ({_DUE}) RETURNING id, fence"
    )


def sessions_of(account_id: int, *, but: str = "") -> int:
    """How many sessions hold mail of this account at present, on all hosts; ``but`` not counted."""
    held = Delivery.objects.filter(~Q(role=Role.IMAP), account_id=account_id, state=State.CLAIMED)
    others = held.filter(~Q(worker=but), lease_until__gt=Now())
    return others.values("worker").distinct().count()


def renew(workers: Sequence[str]) -> int:
    """Prolongs the leases of what these workers hold; returns how many.

    Never waits for a row: a session locks two at a time, in whatever order it sends, and the two
    would wait for each other until PostgreSQL ends one of them, perhaps with an outcome in it.
    What is locked is at work, and has three more turns before its lease ends.
    """
    if not workers:
        return 0
    held = f"state = '{State.CLAIMED.value}' AND worker IN ({', '.join(['%s'] * len(workers))})"
    free = f"id IN (SELECT id FROM maillog_delivery WHERE {held} FOR UPDATE SKIP LOCKED)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE maillog_delivery SET lease_until = {later_sql(conf.LEASE_SECONDS)}"
            f" WHERE {free if is_postgresql() else held}",
            list(workers),
        )
        renewed: int = cursor.rowcount
    return renewed


def release(claimed: Sequence[Claimed], worker: str, *, past_gate: bool = False) -> None:
    """Gives back deliveries that provably did not leave. What staff asked to cancel is cancelled.

    Only rows that ``worker`` still holds under the same fence are touched. ``past_gate`` says
    that a transport vouches for them although their gate was opened; without it such a row is
    left to its lease, because an outcome may have been lost on its way to the database.
    """
    from maillog import moves

    also = "" if past_gate else " AND phase = ''"
    sql = f"{_RELEASE}{also} RETURNING message_id"
    given_back: list[UUID] = []
    with transaction.atomic(), connection.cursor() as cursor:
        for row in claimed:
            cursor.execute(sql, [db_id(row.delivery_id), row.fence, worker])
            if found := cursor.fetchone():
                given_back.append(from_db_id(found[0]))
                _cancel_if_asked(row.delivery_id)
        # One that was to be tried again later is simply waiting now.
        moves.roll_up(given_back)


_RELEASE = (
    f"UPDATE maillog_delivery SET state = '{State.QUEUED.value}', lease_until = NULL, worker = '',"
    # It did not leave, so nothing of it may have, unless an earlier dot was uncertain.
    " dot_at = CASE WHEN ever_unknown THEN dot_at END,"
    # Given back in order: this claim did not break off, and is none that counts as poison.
    " phase = '', lone_claims = CASE WHEN alone AND lone_claims > 0 THEN lone_claims - 1"
    " ELSE lone_claims END"
    f" WHERE id = %s AND fence = %s AND worker = %s AND state = '{State.CLAIMED.value}'"
)


def _cancel_if_asked(delivery_id: UUID) -> None:
    from maillog.moves import move
    from maillog.states import Reason

    asked = Q(pk=delivery_id, cancel_requested=True)
    if Delivery.objects.filter(asked).exists():
        move(asked, State.CANCELLED, reason=Reason.STAFF, ended_at=db_now())
