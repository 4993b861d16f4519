"""Takes back what a dead worker left, repeats what may be repeated, ends what is too late.

Runs in every ``deliver`` process and, for installations without one, as a scheduled task. All of
it is conditional UPDATEs: two reapers at once do no harm.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import close_old_connections, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from mailaccounts.models import Kind
from mailaccounts.transports.base import AnswerClass, Phase
from maillog.blanking import blank_ended
from maillog.clock import db_now
from maillog.models import Attempt, Delivery, MailMessage
from maillog.moves import move
from maillog.relocation import rescue_stranded
from maillog.states import DUE, Reason, Role, State, UnknownPolicy
from shops import alarms, hooks
from shops.conf import conf

BATCH = 500
ANNOUNCE_SECONDS = 2.0  # a round: mail that waits must not wait for a heap of foreign orders
logger = logging.getLogger(__name__)


def sweep() -> int:
    """One round of everything; returns how many deliveries were moved.

    Foreign orders that were saved outside a transaction are announced here too, last.
    """
    moved = reap_lost_leases() + repeat_unknown() + rescue_stranded() + expire()
    blank_uncertain()
    alarms.tell_what_waits()
    _announce_orders()
    return moved


def _announce_orders() -> None:
    """The shop's own code runs here: whatever it raises, the next round of all the rest comes."""
    try:
        hooks.catch_up(seconds=ANNOUNCE_SECONDS)
    except Exception:
        logger.exception("orders that were saved outside a transaction were not announced")
        # A connection that broke would fail the next round too; a sound one stays open.
        close_old_connections()


def reap_lost_leases() -> int:
    """Rows whose lease ended a while ago: back to the queue, or ``unknown`` past the dot.

    Never "all rows that are being sent": a live worker's lease is renewed.
    """
    ended = db_now() - timedelta(seconds=conf.REAP_GRACE_SECONDS)
    claimed = Delivery.objects.select_related("message")
    lost = claimed.filter(state=State.CLAIMED, lease_until__lt=ended)[:BATCH]
    moved = 0
    for delivery in lost:
        with transaction.atomic():
            moved += _take_back(delivery, ended)
    return moved


def _take_back(delivery: Delivery, ended: datetime) -> int:
    same = Q(pk=delivery.pk, fence=delivery.fence, state=State.CLAIMED, phase=delivery.phase)
    # Not "the lease that was read": SQLite keeps times as text, and on a whole second Django
    # writes a shorter one than our own SQL does.
    still_lost = same & Q(lease_until__lt=ended)
    if delivery.phase == "dot":
        moved = move(still_lost, State.UNKNOWN, ended_at=db_now())
    elif delivery.cancel_requested:
        moved = move(still_lost, State.CANCELLED, reason=Reason.STAFF, ended_at=db_now())
    elif delivery.message.is_test:
        # Somebody watched it break off, and starts another test if they like.
        moved = move(still_lost, State.FAILED, ended_at=db_now())
    elif delivery.lone_claims >= conf.LONE_CLAIMS:
        moved = move(still_lost, State.HELD, reason=Reason.POISON, ended_at=db_now())
    else:
        # Each time it broke off while it was alone makes it wait longer: a crash may have had
        # another cause, and that may be over by then.
        pause = timedelta(seconds=conf.LEASE_SECONDS * delivery.lone_claims)
        moved = move(still_lost, State.QUEUED, alone=True, due_at=db_now() + pause)
    if moved:
        _write_down(delivery)
    return len(moved)


def _write_down(delivery: Delivery) -> None:
    """The attempt of the worker that could not write it itself."""
    past_dot = delivery.phase == "dot"
    Attempt.objects.create(
        delivery=delivery,
        fence=delivery.fence,
        at=db_now(),
        answer=AnswerClass.UNKNOWN if past_dot else AnswerClass.NET,
        phase=Phase.DOT if past_dot else Phase.CONNECT,
        text=f"worker {delivery.worker} stopped without an outcome",
    )


def repeat_unknown() -> int:
    """Repeats once, with the same Message-ID, what its policy lets us repeat."""
    now = db_now()
    patient = now - timedelta(seconds=conf.REPEAT_AFTER_SECONDS)
    may = Q(message__unknown_policy=UnknownPolicy.REPEAT_NOW) | Q(dot_at__lte=patient)
    uncertain = Delivery.objects.filter(may, _repeatable(now))
    ids = list(uncertain.values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    with transaction.atomic():
        rows = Q(pk__in=ids, state=State.UNKNOWN, repeats=0)
        return len(move(rows, State.QUEUED, repeats=F("repeats") + 1, due_at=now))


def _repeatable(now: datetime) -> Q:
    """What is repeated sooner or later. Copies are left as they are: nobody waits for them."""
    policies = (UnknownPolicy.REPEAT, UnknownPolicy.REPEAT_NOW)
    paid = [kind.value for kind in Kind if kind.asks_before_repeating]
    return Q(
        ~Q(role=Role.COPY),
        ~Q(account__kind__in=paid),
        state=State.UNKNOWN,
        repeats=0,
        expires_at__gt=now,
        message__unknown_policy__in=policies,
    )


def blank_uncertain() -> int:
    """Blanks personal links of uncertain messages that are too old to be repeated or asked for."""
    late = Q(state=State.UNKNOWN, expires_at__lte=timezone.now(), message__sensitive=True)
    kept = ~Q(message__body__text="", message__body__html="") | Q(message__context__isnull=False)
    found = Delivery.objects.filter(late, kept).values_list("message_id", flat=True)
    return blank_ended(list(found[:BATCH]))


def expire() -> int:
    """Ends what was not sent in time and is no longer useful."""
    now = db_now()
    late = Q(expires_at__lte=now, state__in=(*DUE, State.HELD))
    ids = list(Delivery.objects.filter(late).values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    with transaction.atomic():
        return len(move(late & Q(pk__in=ids), State.EXPIRED, ended_at=now))


def has_ended() -> bool:
    """True if nothing more will happen by itself (see ``./postroom demo --once``)."""
    waiting = Q(state__in=(*DUE, State.CLAIMED)) | _repeatable(db_now())
    return not MailMessage.objects.filter(
        Exists(Delivery.objects.filter(waiting, message=OuterRef("pk")))
    ).exists()
