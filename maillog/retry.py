"""When to try again: the schedule, for one delivery and for a whole account.

What an answer *means* was decided before (``mailaccounts.transports.answers``); here it only
becomes a time. Nothing is read or written.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random

from mailaccounts.transports.base import AnswerClass

SHORTEST_WAIT = 5 * 60.0  # seconds; greylisting usually asks for five minutes
LONGEST_WAIT = 67 * 60.0  # seconds; Postfix's maximal_backoff_time of 4,000 s
JITTER = 0.2
MAILBOX_FULL_HOURS = (1, 2, 4, 8)
ACCOUNT_PAUSE_MINUTES = (1, 2, 5, 10, 20, 30, 60)
QUOTA_PAUSE = timedelta(minutes=30)

# The account waits, not the message: it is due at once when its account is open again.
_WAITS_WITH_ACCOUNT = frozenset({AnswerClass.NET, AnswerClass.AUTH, AnswerClass.QUOTA})


def next_try(
    answer: AnswerClass,
    *,
    age_seconds: float,
    tries: int,
    retry_after: int | None = None,
    rng: Random,
) -> timedelta | None:
    """How long a delivery waits after ``answer``; None = the schedule does not try again.

    ``age_seconds`` is the time since the message was queued, ``tries`` counts attempts so far
    (this one included), ``retry_after`` is the wait in seconds that the server asked for.
    """
    if answer in _WAITS_WITH_ACCOUNT:
        return timedelta(0)
    if answer is AnswerClass.MAILBOX_FULL:
        step = min(max(tries, 1), len(MAILBOX_FULL_HOURS)) - 1
        return timedelta(hours=MAILBOX_FULL_HOURS[step])
    if answer is not AnswerClass.TEMPORARY:
        return None
    if retry_after is not None:
        return timedelta(seconds=retry_after)
    # Postfix waits as long as the mail is old. The jitter keeps a batch that was refused
    # together from coming back together.
    wait = min(max(age_seconds, SHORTEST_WAIT), LONGEST_WAIT)
    return timedelta(seconds=wait * rng.uniform(1 - JITTER, 1 + JITTER))


def account_pause(failures: int) -> timedelta:
    """How long an account rests after its ``failures``-th network failure in a row."""
    step = min(max(failures, 1), len(ACCOUNT_PAUSE_MINUTES)) - 1
    return timedelta(minutes=ACCOUNT_PAUSE_MINUTES[step])


def quota_pause(retry_after: int | None) -> timedelta:
    """How long an account rests when its server says that it has sent enough."""
    return QUOTA_PAUSE if retry_after is None else timedelta(seconds=retry_after)
