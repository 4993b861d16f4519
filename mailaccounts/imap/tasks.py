"""Reading a mailbox's folders in the background, for the picker of the account's form."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db import transaction

from mailaccounts.imap.check import check
from mailaccounts.models import SenderAccount

KEPT = 600  # seconds that the outcome of a look is kept for the page that asked for it
READING, DONE, FAILED = "reading", "done", "failed"


def ask_for_folders(account: SenderAccount) -> None:
    """Starts the task, once the caller's transaction is committed."""
    from django_q.tasks import async_task

    cache.set(_key(account.pk), {"state": READING}, KEPT)
    transaction.on_commit(lambda: async_task("mailaccounts.imap.tasks.read_folders", account.pk))


def reading_of(account: SenderAccount) -> dict[str, Any]:
    """What is known of the latest look: ``state``, and where it failed ``found`` and ``hint``."""
    known: dict[str, Any] = cache.get(_key(account.pk)) or {}
    return known


def read_folders(account_id: int) -> bool:
    """Looks into the mailbox and keeps its folders on the account."""
    account = SenderAccount.objects.present().filter(pk=account_id).first()
    if account is None or not account.imap_host:
        cache.delete(_key(account_id))
        return False
    last = check(account)[-1]
    # A list was got even where none of its folders is the wanted one.
    outcome = {"state": DONE if last.ok else FAILED, "found": last.found, "hint": last.hint}
    cache.set(_key(account_id), outcome, KEPT)
    return last.ok


def _key(account_id: int) -> str:
    return f"imap-folders:{account_id}"
