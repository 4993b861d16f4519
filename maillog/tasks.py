"""Background tasks: load, call, return. All are safe to run twice."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from itertools import count

from mailaccounts.models import SenderAccount
from maillog import claims, generation_alarms, mending_many, quotas, reaper, sent_folder
from maillog.clock import db_now
from maillog.deliver import LeaseKeeper, process_name, run_session
from maillog.models import WorkerBeat
from maillog.sent_folder_threads import gather_all
from maillog.sent_folder_threads import run_session as run_filing
from maillog.wake import wake
from shops.conf import conf

DELIVERER_IS_FRESH = timedelta(seconds=10)
_numbers = count(1)


def deliverers_at_work() -> bool:
    fresh = db_now() - DELIVERER_IS_FRESH
    return WorkerBeat.objects.filter(kind="deliver", beat_at__gte=fresh).exists()


def drain(account_id: int) -> int:
    """Sends what is due for one account, for at most ``DRAIN_SECONDS``; returns claims made.

    What is left is due still: another task takes it up. Where ``deliver`` processes are at work
    they have seen the mail before this task began, and it leaves the sending to them.
    """
    SenderAccount.objects.filter(pk=account_id).update(wake=False)
    if deliverers_at_work():
        return 0
    _beat()
    account = SenderAccount.objects.filter(claims.open_now(), pk=account_id).first()
    if account is None:
        return 0
    # Never twice the same: a later drain must not prolong what an earlier one left behind.
    worker = f"{process_name()}:q{next(_numbers)}"
    with LeaseKeeper() as keeper:
        session = run_session(account, worker, keeper, threading.Event(), conf.DRAIN_SECONDS)
    # Where nothing could be claimed, or the server takes no more connections, another session is at
    # work, and looks again when it ends.
    goes_on = session.claimed and not session.is_crowded
    if goes_on and any(each.pk == account_id for each in claims.due_accounts()):
        wake(account_id)
    return session.claimed


def sweep() -> int:
    """The minute's round: lost leases, repeats, expiry, and wake-ups that got lost."""
    moved = reaper.sweep()
    if not deliverers_at_work():
        quotas.look()
        generation_alarms.look()
    for account in claims.due_accounts():
        # A task that was lost with its process must not keep the flag that prevents the next.
        SenderAccount.objects.filter(pk=account.pk).update(wake=False)
        wake(account.pk)
    _beat()
    return moved


def sync_sent_folder(account_id: int) -> int:
    """Files what one account has sent, for at most ``DRAIN_SECONDS``; returns how many."""
    account = sent_folder.switched_on().filter(pk=account_id).first()
    if account is None:
        return 0
    sent_folder.gather(account)
    worker = f"{process_name()}:i{next(_numbers)}"
    with LeaseKeeper() as keeper:
        return run_filing(account, worker, keeper, threading.Event(), conf.DRAIN_SECONDS).filed


def sync_sent_folders() -> int:
    """The minute's look for a plain qcluster; where ``deliver`` processes are at work they look
    by themselves. Returns how many accounts have something to file."""
    if deliverers_at_work():
        return 0
    gather_all()
    due = sent_folder.due_accounts()
    for account in due:
        enqueue_sync(account.pk)
    return len(due)


def enqueue_sync(account_id: int) -> None:
    """Twice at once is harmless: what one session has claimed the other leaves alone."""
    from django_q.tasks import async_task

    async_task("maillog.tasks.sync_sent_folder", account_id)


def mend_batch(shop_id: int, narrower: dict[str, str], by_id: int | None, after: str) -> int:
    """Mends the next ones of many, and asks for another task where more are left; returns how many
    were looked at. Twice at once is harmless: a message is queued by whoever has it first."""
    return mending_many.go_on(shop_id, mending_many.Which(**narrower), by_id, after)


def _beat() -> None:
    """Says that this host's qcluster runs tasks: the supervisor and the overview look at it."""
    now = db_now()
    WorkerBeat.objects.update_or_create(
        name=f"{socket.gethostname()[:48]}:tasks",
        defaults={"kind": "tasks", "beat_at": now},
        create_defaults={"kind": "tasks", "beat_at": now, "started_at": now},
    )
