"""The dot gate as SQL: under which condition a claimed delivery may be finished with its dot."""

from __future__ import annotations

from maillog import claims
from maillog.clock import is_postgresql, later_sql, now_sql
from maillog.states import State
from shops.conf import conf

# A lease must outlast the moment between the gate and the dot.
SPARE_SECONDS = 5.0


def open_sql(pk: str = "%s", fence: str = "%s", *, also: str = "") -> str:
    """An UPDATE that opens the gate of one delivery, if it may be opened."""
    opened = f"UPDATE maillog_delivery SET phase = 'dot', dot_at = {now_sql()}"
    return f"{opened} {_condition(pk, fence)}{also}"


def may_open_sql() -> str:
    return f"SELECT 1 FROM maillog_delivery {_condition('%s', '%s')}"


def open_for_test_sql() -> str:
    """The gate of an account's test message: whether the account is open is not asked."""
    opened = f"UPDATE maillog_delivery SET phase = 'dot', dot_at = {now_sql()}"
    return f"{opened} {_held('%s', '%s')}"


def _condition(pk: str, fence: str) -> str:
    return f"{_held(pk, fence)} AND {claims.open_account_sql()}"


def _held(pk: str, fence: str) -> str:
    spare = min(SPARE_SECONDS, conf.LEASE_SECONDS / 3)
    state, long_enough = "state", f"lease_until > {later_sql(spare)}"
    if is_postgresql():
        # Put so that no index can serve them: PostgreSQL, whose figures say that next to nothing is
        # claimed, would walk through all that is claimed instead of taking the row by its id. By
        # the clock, because the row may have been waited for.
        state = "state || ''"
        long_enough = f"lease_until - interval '{spare:.3f} seconds' > clock_timestamp()"
    return (
        f"WHERE id = {pk} AND fence = {fence} AND {state} = '{State.CLAIMED.value}'"
        f" AND {long_enough} AND NOT cancel_requested"
    )
