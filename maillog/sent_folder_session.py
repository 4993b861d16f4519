"""One session with an account's mailbox: files what waits, message by message.

Claims are leased and fenced like those of the sending, but taken one at a time: a copy costs
several round trips, and a message that breaks the session is found at once. No delivery in role
``imap`` is ever uncertain: before each APPEND the folder is searched for the Message-ID, so a
crash between the server's yes and our commit leads to no second copy.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from mailaccounts.imap.folders import Folder
from mailaccounts.imap.session import (
    AppendRefused,
    Mailbox,
    MailboxTrouble,
    Timeouts,
    Unreachable,
    opened,
    place_of,
    remember_folders,
)
from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AnswerClass, Phase
from maillog import pipeline, registry, sent_folder
from maillog.claims import Claimed, release
from maillog.clock import db_id, db_now, from_db_id, is_postgresql, later_sql, now_sql
from maillog.dot_gate import SPARE_SECONDS
from maillog.loading import has_body
from maillog.models import Attempt, Delivery
from maillog.moves import move
from maillog.states import DUE, Role, State
from shops.conf import conf

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one copy. ``text`` is the server's own words or ours."""

    state: State
    answer: AnswerClass
    text: str = ""
    wait: timedelta = timedelta(0)
    milliseconds: int = 0


class ImapSession:
    """Files until nothing is due, ``stop`` is set, ``seconds`` are over, or it breaks."""

    def __init__(
        self,
        account: SenderAccount,
        worker: str,
        stop: threading.Event,
        seconds: float = 0,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.account = account
        self.worker = worker
        self.filed = 0
        self.held: Claimed | None = None
        self._timeouts = timeouts
        self._stop = stop
        self._ends_at = time.monotonic() + seconds if seconds else float("inf")

    def run(self) -> int:
        """Returns how many were filed. Raises only for a lost database, or a bug of ours."""
        if not sent_folder.begin(self.account) or not self._claim():
            return 0
        try:
            with opened(place_of(self.account), self._timeouts) as mailbox:
                self._file_all(mailbox)
        except MailboxTrouble as trouble:
            self._note_trouble(trouble)
        except DatabaseError:
            raise
        except Exception:
            # The row stays claimed until its lease ends, and is held after a few such claims.
            self.held = None
            raise
        finally:
            self._give_back()
        return self.filed

    def _file_all(self, mailbox: Mailbox) -> None:
        folders = mailbox.folders()
        remember_folders(self.account, folders)
        folder = mailbox.choose(self.account.imap_folder, folders)
        while self.held is not None:
            self._file(mailbox, folder, self.held)
            if self._is_over() or not self._claim():
                return

    def _is_over(self) -> bool:
        return self._stop.is_set() or time.monotonic() >= self._ends_at

    def _file(self, mailbox: Mailbox, folder: Folder, claim: Claimed) -> None:
        started = time.monotonic()
        row = _loaded(claim)
        if row is not None:
            result = self._result(mailbox, folder, row, claim)
            if result is not None:
                self._settle(row, result, mailbox, int((time.monotonic() - started) * 1000))
        self.held = None

    def _result(
        self, mailbox: Mailbox, folder: Folder, row: Delivery, claim: Claimed
    ) -> Result | None:
        """None: somebody else has it by now."""
        try:
            content = content_of(row)
        except pipeline.Stop as stop:
            return Result(State.FAILED, AnswerClass.CONTENT, stop.detail)
        try:
            if mailbox.has(folder, row.message.message_id):
                text = _("It was in “%s” already.") % folder.name
                return Result(State.SENT, AnswerClass.SENT, text)
            if not _is_still_ours(claim):
                return None
            mailbox.append(folder, content, row.message.created_at)
        except AppendRefused as refusal:
            wait = sent_folder.pause(row.tries + 1)
            return Result(State.DEFERRED, AnswerClass.TEMPORARY, str(refusal), wait)
        return Result(State.SENT, AnswerClass.SENT, _("Filed in “%s”.") % folder.name)

    def _settle(self, row: Delivery, result: Result, mailbox: Mailbox, milliseconds: int) -> None:
        """Writes it under the fence; what somebody else took meanwhile is left alone."""
        now = db_now()
        columns = {"tries": F("tries") + 1, "alone": False, "lone_claims": 0}
        with transaction.atomic():
            moved = move(
                Q(pk=row.pk, fence=row.fence),
                result.state,
                ended_at=now,
                due_at=now + result.wait,
                last_answer=result.answer.value,
                last_reply=result.text,
                **columns,
            )
            if moved:
                self._write_attempt(row, result.answer, result.text, mailbox, milliseconds)
        if moved and result.state == State.SENT:
            self.filed += 1
            sent_folder.note_success(self.account)

    def _write_attempt(
        self,
        row: Delivery,
        answer: AnswerClass,
        text: str,
        mailbox: Mailbox | None = None,
        milliseconds: int = 0,
    ) -> None:
        Attempt.objects.create(
            delivery=row,
            fence=row.fence,
            at=db_now(),
            answer=answer,
            phase=Phase.DATA if mailbox else Phase.CONNECT,
            text=text[:2048],
            server=mailbox.server[:260] if mailbox else self.account.imap_host,
            tls=mailbox.tls if mailbox else "",
            milliseconds=milliseconds,
        )

    def _note_trouble(self, trouble: MailboxTrouble) -> None:
        """The mailbox failed, not a message: it is written down at the one that waits first."""
        logger.warning("mailbox of account %s: %s", self.account.pk, trouble)
        is_away = isinstance(trouble, Unreachable)
        row = self.held and _loaded(self.held)
        with transaction.atomic():
            sent_folder.note_trouble(self.account, str(trouble), is_set_up=not is_away)
            if row:
                answer = AnswerClass.NET if is_away else AnswerClass.AUTH
                self._write_attempt(row, answer, str(trouble))

    def _claim(self) -> bool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_claim_sql(), [self.worker, self.account.pk])
            found = cursor.fetchone()
        self.held = Claimed(from_db_id(found[0]), found[1]) if found else None
        return self.held is not None

    def _give_back(self) -> None:
        if self.held is not None:
            release([self.held], self.worker)
            self.held = None


def _claim_sql() -> str:
    due = ", ".join(f"'{state.value}'" for state in DUE)
    skip = " FOR UPDATE SKIP LOCKED" if is_postgresql() else ""
    # Always alone (see ``claims.claim``): whoever breaks off with it says which one it was.
    return (
        f"UPDATE maillog_delivery SET state = '{State.CLAIMED.value}', worker = %s,"
        " fence = fence + 1, phase = '', alone = true, lone_claims = lone_claims + 1,"
        f" lease_until = {later_sql(conf.LEASE_SECONDS)}"
        " WHERE id = (SELECT id FROM maillog_delivery"
        f" WHERE account_id = %s AND state IN ({due}) AND role = '{Role.IMAP.value}'"
        f" AND due_at <= {now_sql()} AND expires_at > {now_sql()}"
        f" ORDER BY due_at LIMIT 1{skip}) AND state IN ({due}) RETURNING id, fence"
    )


def _is_still_ours(claim: Claimed) -> bool:
    """Asked right before APPEND: a process that slept through its lease files nothing."""
    spare = min(SPARE_SECONDS, conf.LEASE_SECONDS / 3)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM maillog_delivery WHERE id = %s AND fence = %s"
            f" AND state = '{State.CLAIMED.value}' AND lease_until > {later_sql(spare)}",
            [db_id(claim.delivery_id), claim.fence],
        )
        return cursor.fetchone() is not None


def _loaded(claim: Claimed) -> Delivery | None:
    rows = Delivery.objects.select_related("message__body", "message__shop")
    return rows.filter(pk=claim.delivery_id, fence=claim.fence).first()


def content_of(row: Delivery) -> bytes:
    """The bytes that the server took: those of the message's first accepted main delivery.

    Raises ``pipeline.Stop`` where they can no longer be made.
    """
    message = row.message
    sent = message.deliveries.filter(role=Role.MAIN, state__in=sent_folder.TAKEN)
    main = sent.order_by("pk").first()
    if main is None or not has_body(message) or not (message.body.html or message.body.text):
        raise pipeline.Stop(State.FAILED, detail=_("Its text is no longer kept."))
    main.message = message
    return registry.channels[main.channel].build(main).content
