"""Tells the workers that an account has mail: coalesced, and allowed to get lost.

The outbox table is the only truth. A wake-up that fails, comes twice or never is harmless: a
``deliver`` process looks every fraction of a second, the sweep every minute.
"""

from __future__ import annotations

import logging
from functools import partial

from django.apps import apps
from django.db import transaction

from mailaccounts.models import SenderAccount
from shops import quick_sql

logger = logging.getLogger(__name__)

_FLAG = "UPDATE mailaccounts_senderaccount SET wake = true WHERE id = %s AND NOT wake RETURNING 1"


def wake_on_commit(account_id: int) -> None:
    """Wakes a worker for this account once the caller's transaction is committed."""
    transaction.on_commit(partial(wake, account_id), robust=True)


def wake(account_id: int) -> None:
    """Enqueues one drain; does nothing while an earlier one has not begun (6 ms saved each)."""
    flagged = quick_sql.rows(_FLAG, [account_id])
    if not flagged or not apps.is_installed("django_q"):
        return
    try:
        from django_q.tasks import async_task

        async_task("maillog.tasks.drain", account_id)
    except Exception:
        # Whatever the broker's trouble is, the message is stored and the sweep will find it.
        logger.exception("wake-up of account %s failed", account_id)
        SenderAccount.objects.filter(pk=account_id).update(wake=False)
