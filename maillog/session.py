"""One session: claims an account's mail batch by batch, renders it and hands it to a transport.

No database transaction is open while a server is waited for. What a session holds when it ends,
however it ends, goes back to the queue; what it cannot give back, its lease does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AccountTrouble, AnswerClass, Outgoing, Phase, Transport
from mailaccounts.transports.parcels import Unsendable
from maillog import claims, health, limits, loading, pipeline, registry, retry, wire_form
from maillog.clock import db_now
from maillog.journal import AccountJournal
from maillog.models import Attempt, Delivery, MailMessage
from maillog.moves import move
from maillog.signing import Signer
from maillog.states import State
from shops.conf import conf

logger = logging.getLogger(__name__)

# Where the server had heard of one message, and of no other, before it made trouble.
ASKED_FOR_ONE = (Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT)
# What an API says of key, credit and pace (RFC 9110 section 15.5, RFC 6585): the next message would
# hear the same. Not among SMTP's codes.
SAID_TO_ALL = (401, 402, 407, 429)
SHORTEST_STEP_BACK = 60.0  # seconds


class Session:
    """Sends what is due for one account until nothing is, ``stop`` is set, or it breaks."""

    def __init__(
        self, account: SenderAccount, worker: str, stop: threading.Event, seconds: float = 0
    ) -> None:
        self.account = account
        self.worker = worker
        self.journal = AccountJournal(account, worker)
        self.claimed = 0
        self.is_crowded = False  # the server takes no more connections than it has of us
        self.rest = 0.0  # seconds until the account may send more; its limit is used up
        self._signer = Signer(account)
        self._stop = stop
        self._ends_at = time.monotonic() + seconds if seconds else float("inf")

    def run(self) -> int:
        """Sends; returns how many deliveries were claimed. Raises only for a lost database."""
        limit = health.begin(self.account)
        if limit is None:
            return 0
        items = self._items(limit)
        try:
            first = next(items, None)
            if first is not None:
                transport = registry.channels["email"].transport(self.account)
                self._send(transport, _chain(first, items))
        except AccountTrouble as trouble:
            self._note_trouble(trouble)
        except DatabaseError:
            raise
        except Exception:
            # A bug of ours: given back at once, the same rows would meet it at once. Their leases
            # end, they are taken alone, and the one to blame is held.
            self.journal.held.clear()
            raise
        finally:
            items.close()
            self.journal.release_all()
        return self.claimed

    def _send(self, transport: Transport, items: Iterator[Outgoing]) -> None:
        """Sends all; one whose bytes would break SMTP fails alone and the others go on."""
        while True:
            try:
                return transport.send(items, self.journal)
            except Unsendable as error:
                delivery = self.journal.held.pop(claims.claim_of(error.item))
                settle(delivery, pipeline.Stop(State.FAILED, detail=str(error)))

    def _items(self, limit: int) -> Generator[Outgoing]:
        """What may be sent, batch after batch; what may not is settled on the way."""
        suspect_first = False
        while not self._is_over():
            rows = claims.claim(
                self.account,
                self.worker,
                limit,
                suspect_first=suspect_first,
                holds_nothing=not self.journal.held,
            )
            if not rows:
                self.rest = limits.rest(self.account)
                return
            suspect_first = not suspect_first
            self.claimed += len(rows)
            for claim in self._load(rows):
                if self._is_over():
                    return
                if not self.journal.may_go(claim.delivery):
                    continue
                outgoing = self._prepare(claim)
                if outgoing is not None:
                    yield outgoing
            # One message has shown whether a troubled account works again.
            if self.account.is_troubled:
                return
            limit = conf.CLAIM_BATCH

    def _is_over(self) -> bool:
        return self._stop.is_set() or time.monotonic() >= self._ends_at

    def _load(self, rows: list[claims.Claimed]) -> list[pipeline.Claim]:
        """The claimed rows with all that sending needs."""
        mine = loading.deliveries(rows)
        for each in mine:
            each.account = self.account
        self.journal.take(mine)
        problems = loading.render_missing([each.message for each in mine])
        blocked, now = loading.suppressed_among(mine), timezone.now()
        batch = [
            pipeline.Claim(each, now, each.pk in blocked, problems.get(each.message_id))
            for each in mine
        ]
        self._signer.sign(batch)
        return batch

    def _prepare(self, claim: pipeline.Claim) -> Outgoing | None:
        delivery, before = claim.delivery, wire_form.place(claim.delivery)
        try:
            outgoing = pipeline.process(claim)
        except pipeline.Stop as stop:
            settle(delivery, stop)
        except Exception:
            # A bug of ours must not stop the others: the row stays claimed until its lease ends,
            # is then taken alone, and is held after a few such claims.
            logger.exception("delivery %s could not be prepared", delivery.pk)
        else:
            if wire_form.place(delivery) != before:
                wire_form.store(delivery)
            return outgoing
        self.journal.held.pop(claims.claim_of(delivery), None)
        return None

    def _note_trouble(self, trouble: AccountTrouble) -> None:
        """The account failed, not a message: it is written down at one of those that wait."""
        logger.warning("account %s: %s %s", self.account.pk, trouble.answer, trouble.text)
        if self._has_enough_connections(trouble):
            self.is_crowded = True
            return
        first = self._blamed(trouble)
        with transaction.atomic():
            health.note_trouble(self.account, trouble)
            if first is not None:
                Attempt.objects.create(
                    delivery=first,
                    fence=first.fence,
                    at=timezone.now(),
                    answer=trouble.answer,
                    phase=trouble.phase,
                    code=trouble.code,
                    enhanced=trouble.enhanced[:12],
                    text=trouble.text[:2048],
                )
                if _may_be_its_own(trouble):
                    put_behind(first)

    def _blamed(self, trouble: AccountTrouble) -> Delivery | None:
        """The delivery that trouble is written down at: the one it came from, or one that waits."""
        if trouble.about is not None:
            found = Delivery.objects.select_related("message").filter(pk=trouble.about)
            return found.first()
        waiting = self.journal.held.values()
        return self.journal.given_back or min(waiting, key=lambda each: each.pk, default=None)

    def _has_enough_connections(self, trouble: AccountTrouble) -> bool:
        """True if the server turned this connection away while others of ours are at work."""
        if trouble.answer != AnswerClass.NET or trouble.phase != Phase.CONNECT:
            return False
        self.journal.release_all()
        return claims.sessions_of(self.account.pk) > 0


def _may_be_its_own(trouble: AccountTrouble) -> bool:
    """True if one message may be the cause, although the answer speaks of the account."""
    asked = trouble.about is not None and trouble.phase in ASKED_FOR_ONE
    return asked and trouble.code not in SAID_TO_ALL


def put_behind(delivery: Delivery) -> None:
    """Lets others go first: the trouble may be this message's own, whatever the answer says.

    Waits about as long as the message is old, as greylisted mail does. At its old place it would
    be tried first each time, and the account would rest after each try.
    """
    age = (timezone.now() - delivery.message.created_at).total_seconds()
    wait = timedelta(seconds=min(max(age, SHORTEST_STEP_BACK), retry.LONGEST_WAIT))
    mine = Q(pk=delivery.pk, fence=delivery.fence, state=State.QUEUED)
    Delivery.objects.filter(mine).update(due_at=db_now() + wait)


def _chain(first: Outgoing, rest: Iterator[Outgoing]) -> Iterator[Outgoing]:
    yield first
    yield from rest


def settle(delivery: Delivery, stop: pipeline.Stop) -> None:
    """Records where a step of the pipeline ended this delivery."""
    mine = Q(pk=delivery.pk, fence=delivery.fence, state=State.CLAIMED)
    now: datetime = timezone.now()
    with transaction.atomic():
        if stop.state == State.EXPIRED:
            # Only what waits can expire (see ALLOWED_FROM): back to the queue, then out of it.
            move(mine, State.QUEUED)
            mine = Q(pk=delivery.pk, fence=delivery.fence, state=State.QUEUED)
        moved = move(mine, stop.state, reason=stop.reason.value, ended_at=now)
        if moved and stop.detail:
            MailMessage.objects.filter(pk__in=moved).update(detail=stop.detail[:2000])
