"""How much an account may send: so many a minute, so many in any 24 hours.

Nothing is booked. What counts is what the deliveries say: every final dot of the last 24 hours that
was accepted or may have been, and what is claimed now, because its dot is to come. One that the
server refused counts for nothing: it may be tried again. A claim takes what is left, under a lock
on the account's row. So no window of that length holds more than the limit: when the last of its
dots was claimed, all the others had been made or were claimed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from mailaccounts.models import Kind, SenderAccount
from maillog.clock import is_postgresql, later_sql
from maillog.states import DUE, LEFT, WAITING, Role, State

DAY = 86_400.0  # seconds
MINUTE = 60.0  # seconds
# Seconds by which the windows are longer: a dot leaves up to two seconds after its gate.
SPARE = 5.0
# Seconds by which a host's clock, which ``ended_at`` is of, may be behind the database's.
CLOCKS_DIFFER = 7_200.0
SOFT_LIMIT = 1_000  # a day, over the installation's own server: it is told of, and nothing waits
RESERVE = 10  # one part in so many of a day's limit is kept for critical messages
SMALL = 5  # copies wait for others where less than one part in so many may be left

_DUE = ", ".join(f"'{state.value}'" for state in DUE)
_WAITING = ", ".join(f"'{state.value}'" for state in WAITING)
# The last dot was accepted, or may have been. What was stopped while it was uncertain stays so.
_HANDED_OVER = ", ".join(f"'{state.value}'" for state in (*LEFT, State.CANCELLED))


@dataclass(frozen=True, slots=True)
class Room:
    """How many deliveries may be claimed now: ``total``, and ``ordinary`` ones among them.

    ``is_small``: after that little would be left.
    """

    total: int
    ordinary: int
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account has sent, and is sending, in the last 24 hours and in the last minute.

    ``per_day`` None: no limit. ``soft``: it is only warned of. ``next_free_at`` is when the next
    ordinary message may leave; None if that is now. ``common`` are the ordinary ones of today.
    """

    today: int = 0
    per_day: int | None = None
    soft: bool = False
    minute: int = 0
    next_free_at: datetime | None = None
    common: int = 0

    @property
    def percent(self) -> int:
        """Of the day's limit, at most 100; 0 where there is none."""
        return min(100, 100 * self.today // self.per_day) if self.per_day else 0


def is_limited(account: SenderAccount) -> bool:
    """True if mail of ``account`` may have to wait. Others pay nothing for what is here."""
    return account.per_day is not None or account.per_minute is not None


def room(account_id: int, limit: int) -> Room:
    """What is left for a claim of up to ``limit``. Locks the account for the open transaction."""
    lock = " FOR NO KEY UPDATE" if is_postgresql() else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT per_day, per_minute FROM mailaccounts_senderaccount WHERE id = %s{lock}",
            [account_id],
        )
        per_day, per_minute = cursor.fetchone()
        day, minute = _counted(cursor, account_id, "sum(n)", f"sum({_IN_MINUTE})")
        total = limit if per_minute is None else per_minute - minute
        if per_day is None:
            return Room(total, total)
        total = min(total, per_day - day)
        common = per_day - per_day // RESERVE
        is_small = (per_day - day - limit) * SMALL < per_day
        if day + limit <= common:
            return Room(total, total, is_small)
        # Near the limit only: what is critical is known by the message.
        day, ordinary = _counted(cursor, account_id, "sum(n)", f"sum({_ORDINARY})")
    total = min(total, per_day - day)
    return Room(total, min(total, common - ordinary), is_small)


_IN_MINUTE = "CASE WHEN is_claimed = 1 OR in_minute = 1 THEN n ELSE 0 END"
_ORDINARY = (
    "CASE WHEN EXISTS (SELECT 1 FROM maillog_mailmessage said"
    " WHERE said.id = used.message_id AND said.critical) THEN 0 ELSE n END"
)


def _counted(cursor: Any, account_id: int, *sums: str) -> list[int]:
    columns = ", ".join(f"COALESCE({each}, 0)" for each in sums)
    cursor.execute(f"SELECT {columns} FROM ({_used_sql(1)}) used", [account_id] * 3)
    return [int(each) for each in cursor.fetchone()]


def _used_sql(accounts: int) -> str:
    """The deliveries that count, ``n`` times each; three times the accounts are its parameters.

    One statement, hence one moment: a delivery that ends meanwhile is in one of the three parts,
    each of which has an index. ``repeats`` is how many dots before the last one were uncertain:
    they count whatever became of the delivery, and the last one unless it was refused.
    """
    among = f"account_id IN ({', '.join(['%s'] * accounts)}) AND NOT (role = '{Role.IMAP.value}')"
    recent = f"dot_at >= {later_sql(-DAY - SPARE)}"
    ended = f"ended_at >= {later_sql(-DAY - SPARE - CLOCKS_DIFFER)}"
    in_minute = f"CASE WHEN dot_at >= {later_sql(-MINUTE - SPARE)} THEN 1 ELSE 0 END AS in_minute"

    def part(is_claimed: int, last: str, condition: str) -> str:
        return (
            f"SELECT id, account_id, message_id, dot_at, repeats + {last} AS n,"
            f" {is_claimed} AS is_claimed, {in_minute}"
            f" FROM maillog_delivery WHERE {among} AND {condition}"
        )

    last = f"CASE WHEN state IN ({_HANDED_OVER}) THEN 1 ELSE 0 END"
    over = f"state NOT IN ({_WAITING}) AND repeats + {last} > 0"
    return " UNION ALL ".join(
        (
            part(0, last, f"{ended} AND {recent} AND {over}"),
            part(1, "1", f"state = '{State.CLAIMED.value}'"),
            part(0, "0", f"state IN ({_DUE}) AND {recent} AND repeats > 0"),
        )
    )


def usage(accounts: Iterable[SenderAccount]) -> dict[int, Usage]:
    """How much each of ``accounts`` has sent, by its id, in one statement."""
    asked = {account.pk: account for account in accounts}
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_usage_sql(len(asked)), list(asked) * 3)
        found = {pk: tuple(row) for pk, *row in cursor.fetchall()}
    nothing = (0, 0, 0, None, None)
    return {pk: _usage(account, *found.get(pk, nothing)) for pk, account in asked.items()}


def _usage_sql(accounts: int) -> str:
    """By account: used in a day, ordinary ones among them, used in a minute, and the oldest dots
    with whose end there is room again, in a day and in a minute."""
    oldest_first = "OVER (PARTITION BY account_id ORDER BY is_claimed, dot_at, id)"
    all_of_it = "OVER (PARTITION BY account_id)"
    lines = (
        f"SELECT used.*, {_ORDINARY} AS common, {_IN_MINUTE} AS quick FROM ({_used_sql(accounts)})"
        " used"
    )
    left = ", ".join(
        f"sum({name}) {all_of_it} - sum({name}) {oldest_first} AS {name}_left"
        for name in ("n", "common", "quick")
    )
    fits = f"n_left < a.per_day AND common_left < a.per_day - a.per_day / {RESERVE}"
    return (
        "SELECT u.account_id, sum(u.n), sum(u.common), sum(u.quick),"
        f" min(CASE WHEN is_claimed = 0 AND {fits} THEN dot_at END),"
        " min(CASE WHEN is_claimed = 0 AND in_minute = 1 AND quick_left < a.per_minute"
        " THEN dot_at END)"
        f" FROM (SELECT lines.*, {left} FROM ({lines}) lines) u"
        " JOIN mailaccounts_senderaccount a ON a.id = u.account_id GROUP BY u.account_id"
    )


def _usage(
    account: SenderAccount, day: int, common: int, quick: int, *oldest: datetime | str | None
) -> Usage:
    per_day, per_minute = account.per_day, account.per_minute
    waits = []
    if per_day is not None and (day >= per_day or common >= per_day - per_day // RESERVE):
        waits.append(_end(oldest[0], DAY))
    if per_minute is not None and quick >= per_minute:
        waits.append(_end(oldest[1], MINUTE))
    soft = per_day is None and account.kind == Kind.SERVER
    return Usage(
        today=int(day),
        per_day=SOFT_LIMIT if soft else per_day,
        soft=soft,
        minute=int(quick),
        next_free_at=max(waits, default=None),
        common=int(common),
    )


def room_within(account: SenderAccount, found: Usage, seconds: float) -> Room | None:
    """What may leave within ``seconds``, at the least; None where nothing limits it.

    What gets free of the day's limit meanwhile is not counted: who knows for whom.
    """
    totals, ordinary = [], []
    if account.per_minute is not None:
        share = int(account.per_minute * max(seconds, 0) / (MINUTE + SPARE))
        totals.append(account.per_minute - found.minute + share)
    if account.per_day is not None:
        totals.append(account.per_day - found.today)
        ordinary.append(account.per_day - account.per_day // RESERVE - found.common)
    if not totals:
        return None
    return Room(max(min(totals), 0), max(min(totals + ordinary), 0))


def _end(oldest: datetime | str | None, window: float) -> datetime:
    """When the dot at ``oldest`` is out of its window. Without one all is being sent just now."""
    if oldest is None:
        return timezone.now() + timedelta(seconds=min(window, MINUTE))
    moment = parse_datetime(oldest) if isinstance(oldest, str) else oldest
    assert moment is not None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware + timedelta(seconds=window + SPARE)


SHORTEST_REST, LONGEST_REST = 0.5, 60.0  # seconds
REST_WITH_RESERVE = 3.0  # seconds; a password link may come at any time


def rest(account: SenderAccount) -> float:
    """For how many seconds nobody need look at ``account`` again; 0 if it may send.

    Never long: what is due is not looked at while it waits, and staff may raise the limit.
    """
    if not is_limited(account):
        return 0.0
    found = usage([account])[account.pk]
    if found.next_free_at is None:
        return 0.0
    wait = (found.next_free_at - timezone.now()).total_seconds()
    has_reserve = account.per_day is not None and found.today < account.per_day
    longest = REST_WITH_RESERVE if has_reserve else LONGEST_REST
    return min(max(wait, SHORTEST_REST), longest)
