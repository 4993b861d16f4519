"""Which sent messages are to be filed in their account's mailbox, and how far that has come.

A copy in the Sent folder is a delivery of its own, in role ``imap``. It is made after the main
one was accepted, by looking for what was sent lately: nothing here is in the way of sending, and
nothing that goes wrong here is seen there. ``sent_folder_session`` does the filing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from mailaccounts import account_alarms
from mailaccounts.models import AccountState, Kind, SenderAccount
from maillog import limits
from maillog.clock import db_now
from maillog.models import Delivery, MessageBody
from maillog.moves import move
from maillog.states import DUE, Channel, Reason, Role, State
from shops.models.shop import TestMode

# A dot or an outcome may be seen only after later ones: each look goes back this far once more.
# What has its row already costs one look-up.
OVERLAP = timedelta(minutes=5)
# ``ended_at`` is of a worker's clock. Where that is slow, ``dot_at``, which is the database's, says
# that it was lately; an answer to a dot may take some minutes.
SLOW_CLOCKS = timedelta(seconds=limits.CLOCKS_DIFFER)
ANSWER_TAKES = timedelta(minutes=15)
EXPIRES = timedelta(hours=24)
BATCH = 500
MOST_BATCHES = 20  # of one look; the next one goes on from there
# One a message: with the folder's name in it, two that look while it is changed would file twice.
ADDRESS = ""
# What the server took, whatever became of it later.
TAKEN = (State.SENT, State.BOUNCED, State.COMPLAINED)
WAITING = (*DUE, State.CLAIMED, State.HELD)
KINDS = tuple(kind.value for kind in Kind if kind.takes_imap)


@dataclass(frozen=True, slots=True)
class SentFolderStatus:
    """Everything sent before ``up_to`` is filed; ``error`` is why the rest is not."""

    up_to: datetime | None = None
    waiting: int = 0
    error: str = ""
    next_try_at: datetime | None = None


def switched_on() -> QuerySet[SenderAccount]:
    """Accounts with IMAP synchronisation. One that is switched off sends nothing, but what it has
    sent is filed all the same."""
    rows = SenderAccount.objects.exclude(state=AccountState.DELETED)
    return rows.filter(imap_enabled=True, kind__in=KINDS).exclude(imap_host="")


def gather(account: SenderAccount, since: datetime | None = None) -> int:
    """Makes the deliveries of what was sent and has none yet; returns how many.

    Looks at what was sent since the last look, never before ``imap_since``; with ``since``, at
    all that was sent from then on.
    """
    started, made = db_now(), 0
    look_from = since or _look_from(account, started)
    ended_from = look_from - SLOW_CLOCKS
    for _batch in range(MOST_BATCHES):
        found = list(_unfiled(account, look_from, ended_from)[:BATCH])
        Delivery.objects.bulk_create(_copies(account, found), ignore_conflicts=True)
        made += len({row["message_id"] for row in found})
        if len(found) < BATCH:
            break
        ended_from = found[-1]["ended_at"]
    else:
        started = ended_from
    if since is None:
        ahead = Q(imap_seen_at=None) | Q(imap_seen_at__lt=started)
        SenderAccount.objects.filter(ahead, pk=account.pk).update(imap_seen_at=started)
    return made


def _look_from(account: SenderAccount, now: datetime) -> datetime:
    if account.imap_since is None:
        # Switched on by something else than the form.
        SenderAccount.objects.filter(pk=account.pk, imap_since=None).update(imap_since=now)
        account.imap_since = now
    if account.imap_seen_at is None:
        return account.imap_since
    return max(account.imap_since, account.imap_seen_at - OVERLAP)


def _dot_from(account: SenderAccount, look_from: datetime) -> datetime:
    """The dot was before the answer, but nothing from before ``imap_since`` is filed unasked."""
    earlier = look_from - ANSWER_TAKES
    if account.imap_since is None or look_from < account.imap_since:
        return look_from
    return max(earlier, account.imap_since)


def _unfiled(
    account: SenderAccount, look_from: datetime, ended_from: datetime
) -> QuerySet[Delivery, dict[str, Any]]:
    """What has left since ``look_from``; by a slow clock it ended before, but no earlier than
    ``ended_from``."""
    lately = Q(ended_at__gte=look_from) | Q(dot_at__gte=_dot_from(account, look_from))
    filed = Delivery.objects.filter(message=OuterRef("message"), role=Role.IMAP)
    text = MessageBody.objects.filter(~Q(html="") | ~Q(text=""), message=OuterRef("message"))
    mine = Delivery.objects.filter(
        lately, ~Exists(filed), account=account, channel=Channel.EMAIL, ended_at__gte=ended_from
    )
    rows: QuerySet[Delivery, dict[str, Any]] = (
        mine.filter(role=Role.MAIN, state__in=TAKEN)
        .annotate(has_text=Exists(text))
        .order_by("ended_at", "pk")
        .values(
            *("message_id", "ended_at", "subject_prefix", "has_text"),
            *("message__sensitive", "message__test_mode", "message__is_test"),
        )
    )
    return rows


def _copies(account: SenderAccount, found: Iterable[dict[str, Any]]) -> list[Delivery]:
    """One for each message, however many people it was for. What is not to be filed is written
    down too, with the reason, and is not looked at again."""
    now, rows = db_now(), {}
    for each in found:
        reason = _why_not(each)
        rows[each["message_id"]] = Delivery(
            message_id=each["message_id"],
            account=account,
            role=Role.IMAP,
            address=ADDRESS,
            state=State.NOT_SENT if reason else State.QUEUED,
            reason=reason,
            due_at=now,
            expires_at=now + EXPIRES,
            ended_at=now if reason else None,
        )
    return list(rows.values())


def _why_not(found: dict[str, Any]) -> Reason:
    if found["message__sensitive"]:
        return Reason.SECRET
    in_test_mode = found["message__test_mode"] == TestMode.REDIRECT
    if found["subject_prefix"] or (in_test_mode and not found["message__is_test"]):
        return Reason.REDIRECTED
    return Reason.NONE if found["has_text"] else Reason.TEXT_GONE


def hurry(account: SenderAccount) -> None:
    """Somebody asked for it now: whatever waits for a later moment is due at once."""
    SenderAccount.objects.filter(pk=account.pk).update(imap_next_try_at=None)
    _of(account).filter(state=State.DEFERRED).update(due_at=Now())


def give_another_day(account: SenderAccount, since: datetime) -> int:
    """Queues again what was given up and was sent from ``since`` on; returns how many."""
    main = Delivery.objects.filter(message=OuterRef("message"), role=Role.MAIN, ended_at__gte=since)
    given_up = Q(account=account, role=Role.IMAP)
    given_up &= Q(state__in=(State.EXPIRED, State.FAILED, State.HELD)) & Q(Exists(main))
    now = db_now()
    fresh: dict[str, Any] = {"reason": "", "alone": False, "lone_claims": 0}
    with transaction.atomic():
        moved = move(given_up, State.QUEUED, due_at=now, expires_at=now + EXPIRES, **fresh)
    return len(moved)


def _of(account: SenderAccount) -> QuerySet[Delivery]:
    return Delivery.objects.filter(account=account, role=Role.IMAP)


def status(account: SenderAccount) -> SentFolderStatus:
    return statuses([account])[account.pk]


def statuses(accounts: Iterable[SenderAccount]) -> dict[int, SentFolderStatus]:
    """How far each account's Sent folder is, in one query for all of them."""
    by_id = {each.pk: each for each in accounts if each.pk is not None}
    waiting = Delivery.objects.filter(account__in=by_id, role=Role.IMAP, state__in=WAITING)
    counted: dict[int, dict[str, Any]] = {
        row["account"]: dict(row)
        for row in waiting.order_by()
        .values("account")
        .annotate(
            count=Count("pk"),
            oldest=Min("message__created_at"),
            refusal=Max("last_reply", filter=Q(state=State.DEFERRED)),
            again=Min("due_at", filter=Q(state=State.DEFERRED)),
        )
    }
    return {pk: _status(each, counted.get(pk, {})) for pk, each in by_id.items()}


def _status(account: SenderAccount, row: dict[str, Any]) -> SentFolderStatus:
    return SentFolderStatus(
        up_to=row.get("oldest") or account.imap_seen_at,
        waiting=row.get("count", 0),
        error=account.imap_error or row.get("refusal") or "",
        next_try_at=account.imap_next_try_at or row.get("again"),
    )


def open_now() -> Q:
    """Accounts whose mailbox may be connected to at this moment."""
    return Q(imap_next_try_at=None) | Q(imap_next_try_at__lte=Now())


def due_accounts() -> list[SenderAccount]:
    """Accounts with something to file that nobody is filing already."""
    rows = Delivery.objects.filter(account=OuterRef("pk"), role=Role.IMAP)
    due = rows.filter(state__in=DUE, due_at__lte=Now())
    at_work = rows.filter(state=State.CLAIMED, lease_until__gt=Now())
    return list(switched_on().filter(open_now(), Exists(due), ~Exists(at_work)).order_by("pk"))


def begin(account: SenderAccount) -> bool:
    """True if a session may connect. After a failure only one of all processes tries: moving the
    time of the next try is the lock."""
    if not account.imap_failures:
        return account.imap_next_try_at is None or account.imap_next_try_at <= db_now()
    mine = SenderAccount.objects.filter(open_now(), pk=account.pk)
    same = mine.filter(imap_failures=account.imap_failures)
    return bool(same.update(imap_next_try_at=Now() + PAUSES[0]))


PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30, 60))
# A password that is said too often, and was wrong each time, locks the mailbox.
STEPS_AHEAD = 3
TOLD_AFTER = 5  # failures in a row, about an hour


def pause(failures: int, *, is_set_up: bool = False) -> timedelta:
    """How long to wait after the ``failures``-th failure in a row; longer where staff must mend
    something first (``is_set_up``)."""
    step = max(failures, 1) - 1 + (STEPS_AHEAD if is_set_up else 0)
    return PAUSES[min(step, len(PAUSES) - 1)]


def note_trouble(account: SenderAccount, text: str, *, is_set_up: bool) -> None:
    """The mailbox could not be worked with. The account's sending is none of its business."""
    SenderAccount.objects.filter(pk=account.pk).update(
        imap_failures=F("imap_failures") + 1,
        imap_error=text[:2000],
        imap_next_try_at=Now() + pause(account.imap_failures + 1, is_set_up=is_set_up),
    )
    if is_set_up or account.imap_failures + 1 >= TOLD_AFTER:
        account_alarms.mailbox_broke(account, text)


def note_success(account: SenderAccount) -> None:
    if account.imap_failures or account.imap_error or account.imap_next_try_at:
        SenderAccount.objects.filter(pk=account.pk).update(
            imap_failures=0, imap_error="", imap_next_try_at=None
        )
        account.imap_failures, account.imap_error, account.imap_next_try_at = 0, "", None
        account_alarms.mailbox_mended(account)
