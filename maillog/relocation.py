"""Mail that waits at one account and leaves from another instead.

The sender's address changes with the account, so only a message of which nothing has left is moved,
unless both accounts send under the same address. What cannot be moved waits, or is held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from mailaccounts.models import AccountState, Breaker, SenderAccount
from maillog import limits
from maillog.clock import db_now
from maillog.models import Delivery, MailMessage
from maillog.moves import move
from maillog.states import DUE, LEFT, STOPPABLE, Reason, Role, State
from maillog.wake import wake_on_commit

MOVED, FALLBACK = "moved", "fallback"  # codes in a message's notes
BATCH = 500
# Within so many seconds before it expires a message is not counted on to leave.
MARGIN = 60.0
# A server is away for long from so many failures in a row on: two hours (see ``retry``).
LONG_AWAY = 8
# The copy in a Sent folder belongs to its mailbox.
_MAIL = ~Q(role=Role.IMAP)
_GONE = Q(state__in=LEFT) | Q(ever_unknown=True)


def fallback_of(account: SenderAccount) -> SenderAccount | None:
    """The account that takes over mail of ``account``; None if none is set that sends at present.

    It takes over nothing but what was queued at ``account``: no chains, and no way back.
    """
    other = account.fallback
    if other is None or other.pk == account.pk or other.shop_id != account.shop_id:
        return None
    is_open = other.state == AccountState.ACTIVE and not _is_stuck(other)
    return other if is_open else None


def _is_stuck(account: SenderAccount) -> bool:
    """True if it sends nothing until staff act."""
    return account.breaker == Breaker.OPEN and account.next_try_at is None


def to_fallback(account: SenderAccount, only: Q | None = None) -> int:
    """Moves what was never past its dot to the fallback account; returns how many messages."""
    other = fallback_of(account)
    if other is None:
        return 0
    fresh = Q(dot_at=None) if only is None else Q(only, dot_at=None)
    return move_waiting(account, other, FALLBACK, only=fresh)


def move_what_fits(account: SenderAccount, late: Q) -> int:
    """As ``to_fallback``, but no more than the fallback account can send before it expires, beside
    what waits there already. Returns how many messages were moved."""
    other = fallback_of(account)
    if other is None or other.breaker == Breaker.OPEN:
        return 0
    if other.next_try_at is not None:
        late &= Q(expires_at__gt=other.next_try_at)
    if not limits.is_limited(other):
        return to_fallback(account, late)
    rows = Delivery.objects.filter(_MAIL, late, account=account, state__in=DUE, dot_at=None)
    first_to_expire = rows.order_by("expires_at", "pk").values_list("message_id", "expires_at")
    fits = _fitting(other, list(first_to_expire[:BATCH]))
    return to_fallback(account, Q(late, message__in=fits)) if fits else 0


def _fitting(other: SenderAccount, rows: list[tuple[UUID, datetime]]) -> list[UUID]:
    """The messages of ``rows``, deliveries in the order of their expiry, that ``other`` can send
    in time."""
    found, now = limits.usage([other])[other.pk], db_now()
    due = Delivery.objects.filter(_MAIL, ~Q(role=Role.COPY), account=other, state__in=DUE)
    taken = due.filter(due_at__lte=now + timedelta(seconds=MARGIN)).count()
    fits = []
    expiries, parts = dict(reversed(rows)), Counter(message for message, _expiry in rows)
    for message, count in parts.items():
        seconds = (expiries[message] - now).total_seconds() - MARGIN
        room = limits.room_within(other, found, seconds)
        if room is None or taken + count <= room.ordinary:
            fits.append(message)
            taken += count
    return fits


def to_main(account: SenderAccount) -> int:
    """Moves what waits at an account that was switched off; returns how many messages."""
    if account.shop is None:
        return 0
    main = SenderAccount.objects.main_of(account.shop)
    return move_waiting(account, main, MOVED) if main and main.pk != account.pk else 0


def move_waiting(
    account: SenderAccount, target: SenderAccount, note: str, *, only: Q | None = None
) -> int:
    """Moves due deliveries of ``account``, with all that waits of their messages.

    Returns how many messages were moved. Never waits for a row that somebody else has locked.
    """
    moved = 0
    while True:
        with transaction.atomic():
            batch = _movable(account, target, note, only or Q())
            done = _move(batch, account, target, note)
            if done:
                wake_on_commit(target.pk)
        moved += done
        # One that is locked, or is being sent, is left to the next look.
        if len(batch) < BATCH or not done:
            return moved


def _movable(account: SenderAccount, target: SenderAccount, note: str, only: Q) -> list[UUID]:
    rows = Delivery.objects.filter(_MAIL, only, account=account, state__in=DUE)
    rows = rows.annotate(said=Cast("message__notes", TextField()))
    if note == FALLBACK:
        rows = rows.exclude(said__contains=f'"{FALLBACK}"')
    if not _same_sender(account, target):
        rows = rows.exclude(Exists(_siblings().filter(_left(note) | Q(state=State.CLAIMED))))
    found = rows.order_by("message_id").values_list("message_id", flat=True)
    return list(found.distinct()[:BATCH])


def _left(note: str) -> Q:
    """Parts that keep a message under its sender. A fallback takes none that was past a dot."""
    return _GONE | Q(dot_at__isnull=False) if note == FALLBACK else _GONE


def _siblings() -> QuerySet[Delivery]:
    """All deliveries of the same message."""
    return Delivery.objects.filter(_MAIL, message=OuterRef("message_id"))


def _same_sender(account: SenderAccount, target: SenderAccount) -> bool:
    return account.from_address == target.from_address


def _move(messages: list[UUID], account: SenderAccount, target: SenderAccount, note: str) -> int:
    """Under locks on the deliveries: a claim passes them by, and what it has is seen."""
    rows = Delivery.objects.filter(_MAIL, message__in=messages).order_by("pk")
    locked = rows.select_for_update(skip_locked=True, of=("self",))
    found: dict[UUID, list[Delivery]] = {}
    for each in locked.only("message", "state", "ever_unknown", "account", "dot_at"):
        found.setdefault(each.message_id, []).append(each)
    complete = _sizes(messages)
    same = _same_sender(account, target)
    going = [
        pk
        for pk, parts in found.items()
        if len(parts) == complete[pk] and (same or not any(_has_gone(each, note) for each in parts))
    ]
    waiting = Q(message__in=going, account=account, state__in=STOPPABLE)
    Delivery.objects.filter(_MAIL, waiting).update(account=target)
    _say_from(account, target, going, note)
    return len(going)


def _sizes(messages: list[UUID]) -> dict[UUID, int]:
    """How many deliveries each has: of one that somebody else has locked too little is known."""
    sizes: dict[UUID, int] = dict.fromkeys(messages, 0)
    rows = Delivery.objects.filter(_MAIL, message__in=messages)
    for pk in rows.values_list("message_id", flat=True):
        sizes[pk] += 1
    return sizes


def _has_gone(delivery: Delivery, note: str) -> bool:
    if delivery.ever_unknown or delivery.state in (*LEFT, State.CLAIMED):
        return True
    return note == FALLBACK and delivery.dot_at is not None


def _say_from(
    account: SenderAccount, target: SenderAccount, messages: Iterable[UUID], note: str
) -> None:
    """Account, sender and note of ``messages``; those with equal values in one statement.

    Answers go where the new account wants them, unless the message had an address of its own.
    """
    alike: dict[tuple[str, tuple[str, ...]], list[UUID]] = {}
    rows = MailMessage.objects.filter(pk__in=list(messages))
    for pk, notes, reply_to in rows.values_list("pk", "notes", "reply_to"):
        answers = target.reply_to if reply_to == account.reply_to else reply_to
        said = (*(each for each in notes if each != note), note)
        alike.setdefault((answers, said), []).append(pk)
    for (answers, said), ids in alike.items():
        MailMessage.objects.filter(pk__in=ids).update(
            account=target,
            from_address=target.from_address,
            from_name=target.from_name,
            reply_to=answers,
            notes=list(said),
        )


def rescue_stranded() -> int:
    """What no worker would look at any more; returns how many messages were moved or held.

    Mail of an account that sends nothing until staff mend it goes to its fallback account, and so
    does what waits for a server that has been away for long, or would come too late. Mail of one
    that was switched off goes to the shop's main account; what came after the switch (it was being
    sent, it was repeated, an order's transaction was still open) has only this way.
    """
    due = Delivery.objects.filter(_MAIL, account=OuterRef("pk"), state__in=DUE)
    stuck = Q(state=AccountState.ACTIVE, breaker=Breaker.OPEN, next_try_at=None)
    off = Q(~Q(state=AccountState.ACTIVE), shop__isnull=False)
    accounts = SenderAccount.objects.filter(off | (stuck & Q(fallback__isnull=False)), Exists(due))
    moved = 0
    for account in accounts.select_related("shop", "fallback"):
        if account.state == AccountState.ACTIVE:
            moved += to_fallback(account)
        else:
            moved += to_main(account) + _hold_rest(account)
    return moved + _leave_what_is_away(due)


def _leave_what_is_away(due: QuerySet[Delivery]) -> int:
    """While the breaker is open by network failures, and it is not the moment of a try."""
    now = db_now()
    away = SenderAccount.objects.usable().filter(
        Exists(due), breaker=Breaker.OPEN, next_try_at__gt=now, fallback__isnull=False
    )
    moved = 0
    for account in away.filter(net_failures__gt=0).select_related("fallback"):
        assert account.next_try_at is not None
        late = Q(expires_at__lte=account.next_try_at + timedelta(seconds=MARGIN))
        moved += move_what_fits(account, Q() if account.net_failures >= LONG_AWAY else late)
    return moved


def _hold_rest(account: SenderAccount) -> int:
    """Parts of messages that have left, or may have, under another sender than the main one's."""
    rest = Q(_MAIL, Q(ever_unknown=True) | Exists(_siblings().filter(_GONE)))
    with transaction.atomic():
        rows = Q(rest, account=account, state__in=DUE)
        return len(move(rows, State.HELD, reason=Reason.ACCOUNT, ended_at=db_now()))
