"""The message of an account's test: queued and logged like any other, sent here and now.

It goes through exactly the account that is being tested, be that a draft, switched off or paused,
so it is no worker's: it is never due, and only this module claims it. Claim, fence, gate and
outcome are those of all mail; only the question whether the account is open is not asked. A
failure ends it: nothing is tried a second time.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta, tzinfo
from itertools import count
from typing import Any
from uuid import UUID

from babel.dates import format_date
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from mailaccounts.account_test.message import Verdict
from mailaccounts.account_test.steps import hurried
from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AccountTrouble, AnswerClass, Outcome, Outgoing, Phase
from maillog import claims, dot_gate, limits, pipeline, registry
from maillog.clock import db_id, from_db_id, later_sql
from maillog.deliver import LeaseKeeper, process_name
from maillog.journal import AccountJournal
from maillog.models import Delivery, MailMessage
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.session import Session, settle
from maillog.states import DUE, Reason, Role, State, UnknownPolicy
from shops.conf import conf
from shops.templatetags.panel import moment_text, reader_locale

logger = logging.getLogger(__name__)

TYPE = "system.account_test"
LIVES = timedelta(minutes=5)
# Later than its end: no worker ever finds it due.
DUE_IN = timedelta(minutes=30)
_numbers = count(1)


class TestMail:
    """One test message under way, in a thread with a database connection of its own.

    Implements ``mailaccounts.account_test.message.TestMessage``.
    """

    __test__ = False

    def __init__(self, account: SenderAccount, to: str, seconds: float) -> None:
        self.account = account
        self._worker = f"{process_name()}:t{next(_numbers)}"
        with transaction.atomic():
            # In one commit: nobody else ever sees it waiting. Asked first: a test that is claimed
            # counts itself.
            used_up = limit_used_up(account)
            message = queue_test(account, to)
            self._delivery = message.deliveries.get(role=Role.MAIN)
            self._claimed = claim_one(self._delivery.pk, self._worker)
            if used_up and self._claimed is not None:
                self._delivery.fence, self._claimed = self._claimed.fence, None
                settle(self._delivery, pipeline.Stop(State.FAILED, Reason.LIMIT, used_up))
        self.uuid: UUID = message.pk
        self._seconds = seconds
        self._verdict: Verdict | None = None
        self._language = get_language() or "en"
        self._thread = threading.Thread(target=self._run, name="test-mail", daemon=True)

    def start(self) -> TestMail:
        self._thread.start()
        return self

    def wait(self, seconds: float) -> Verdict | None:
        self._thread.join(seconds)
        return self._verdict

    def cancel(self) -> bool:
        """The gate refuses what somebody asked to stop; past it there is no way back."""
        mine = Delivery.objects.filter(pk=self._delivery.pk)
        mine.update(cancel_requested=True)
        row = mine.get()
        return row.phase != "dot" and row.state not in (State.SENT, State.UNKNOWN)

    def _run(self) -> None:
        try:
            with override(self._language):
                if self._claimed is not None:
                    self._send(self._claimed)
                self._verdict = verdict_on(self._delivery.pk)
        except Exception as error:
            # The thread is ours alone: the test must hear of it, whatever it is.
            logger.exception("test message %s broke off", self.uuid)
            self._verdict = Verdict(False, type(error).__name__)
        finally:
            connection.close()

    def _send(self, claimed: claims.Claimed) -> None:
        with LeaseKeeper() as keeper:
            keeper.add(self._worker)
            session = TestSession(self.account, self._worker, threading.Event())
            session.send(claimed, self._seconds)


def limit_used_up(account: SenderAccount) -> str:
    """Why a test may not leave through ``account`` now; empty if it may, from its reserve too.

    Locks the account for the open transaction, as a claim does.
    """
    if not limits.is_limited(account) or limits.room(account.pk, 1).total > 0:
        return ""
    free_at = limits.usage([account])[account.pk].next_free_at
    if free_at is None or 0 in (account.per_day, account.per_minute):
        return _("The account's limit is 0, so it sends nothing")
    zone = _zone(account)
    until = moment_text(free_at.astimezone(zone), timezone.now().astimezone(zone), "long")
    return _("The account's limit is used up until %(time)s") % {"time": until}


def queue_test(account: SenderAccount, to: str) -> MailMessage:
    """The test message in the reader's language, logged in the account's shop."""
    named = {"account": account, "shop": account.shop, "to": to, "at": _moment(account)}
    named["server"] = f"{account.host}:{account.port}" if account.host else ""
    folder = "maillog/mail/account_test"
    message = queue(
        Draft(
            message_type=TYPE,
            shop=account.shop,
            account=account,
            recipients=(Recipient(to),),
            expires_in=LIVES,
            due_in=DUE_IN,
            once=False,
            subject=_("Test: mail from %(address)s works") % {"address": account.from_address},
            body=Body(
                html=render_to_string(f"{folder}.html", named),
                text=render_to_string(f"{folder}.txt", named),
            ),
            language=(get_language() or "")[:5],
            is_test=True,
            unknown_policy=UnknownPolicy.LEAVE,
        )
    )
    assert message is not None, "what may be said each time has no key"
    # An installation's own policy is for mail to customers: a test is never repeated.
    MailMessage.objects.filter(pk=message.pk).update(unknown_policy=UnknownPolicy.LEAVE)
    return message


def _moment(account: SenderAccount) -> str:
    """Now, on the shop's clock and in the reader's words."""
    now = timezone.now().astimezone(_zone(account))
    return f"{format_date(now, 'long', locale=reader_locale())}, {now:%H:%M:%S %Z}"


def _zone(account: SenderAccount) -> tzinfo:
    return account.shop.zone if account.shop else timezone.get_current_timezone()


class TestSession(Session):
    """A session for one message that was claimed already; it never looks for others."""

    __test__ = False

    def __init__(self, account: SenderAccount, worker: str, stop: threading.Event) -> None:
        super().__init__(account, worker, stop)
        self.test_journal = self.journal = TestJournal(account, worker)

    def send(self, claimed: claims.Claimed, seconds: float) -> None:
        trouble = AccountTrouble(AnswerClass.NET, _("The test broke off."))
        try:
            for claim in self._load([claimed]):
                if outgoing := self._prepare(claim):
                    transport = registry.channels["email"].transport(self.account)
                    self._send(hurried(transport, seconds), iter([outgoing]))
        except AccountTrouble as error:
            trouble = error
        finally:
            self.test_journal.end(trouble)


def claim_one(delivery_id: UUID, worker: str) -> claims.Claimed | None:
    """Takes the one test delivery, due or not, whatever state its account is in."""
    due = ", ".join(f"'{state.value}'" for state in DUE)
    sql = (
        f"UPDATE maillog_delivery SET state = '{State.CLAIMED.value}', worker = %s,"
        f" fence = fence + 1, phase = '', lease_until = {later_sql(conf.LEASE_SECONDS)}"
        f" WHERE id = %s AND state IN ({due}) AND message_id IN"
        " (SELECT id FROM maillog_mailmessage WHERE is_test) RETURNING id, fence"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, [worker, db_id(delivery_id)])
        row = cursor.fetchone()
    return claims.Claimed(from_db_id(row[0]), row[1]) if row else None


class TestJournal(AccountJournal):
    """A journal for one test: its gate does not ask for an open account, and no answer leads to a
    second try. What the transport gives back stays claimed until it is known why."""

    __test__ = False

    def __init__(self, account: SenderAccount, worker: str) -> None:
        super().__init__(account, worker)
        self._vouched: set[claims.Claimed] = set()  # provably not sent, says the transport

    def release(self, items: list[Outgoing]) -> None:
        """Nothing goes back to the queue."""
        self._vouched |= {claims.claim_of(item) for item in items}

    def end(self, trouble: AccountTrouble) -> None:
        """Whatever is still held has failed, for this reason, unless somebody stopped it, or its
        dot may have left: then nobody knows."""
        for claimed, delivery in list(self.held.items()):
            row = Delivery.objects.get(pk=delivery.pk)
            is_uncertain = row.phase == "dot" and claimed not in self._vouched
            if row.cancel_requested and row.fence == claimed.fence and not is_uncertain:
                self.held.clear()
                settle(delivery, pipeline.Stop(State.CANCELLED, Reason.STAFF))
                continue
            outcome = Outcome(
                claimed.delivery_id,
                claimed.fence,
                AnswerClass.UNKNOWN if is_uncertain else trouble.answer,
                Phase.DOT if is_uncertain else trouble.phase,
                trouble.code,
                trouble.enhanced,
                trouble.text,
            )
            self.step(outcome, None)

    def _commit(self, done: Outcome | None, gate: Outgoing | None) -> bool:
        with transaction.atomic(), connection.cursor() as cursor:
            if done is not None:
                self._record(cursor, done)
            return gate is not None and self._open_gate(cursor, gate)

    def _open_gate(self, cursor: Any, gate: Outgoing) -> bool:
        cursor.execute(dot_gate.open_for_test_sql(), [db_id(gate.delivery_id), gate.fence])
        return bool(cursor.rowcount)

    def _decide(self, delivery: Delivery, outcome: Outcome) -> tuple[State, datetime]:
        state, due_at = super()._decide(delivery, outcome)
        return (State.FAILED if state in DUE else state), due_at


def verdict_on(delivery_id: UUID) -> Verdict:
    """What the row says now."""
    row = Delivery.objects.select_related("message").get(pk=delivery_id)
    last = row.attempts.last()
    # Our own limit, not the server's: it was not asked, so there is no phase.
    facts = {"answer": AnswerClass.QUOTA.value} if row.reason == Reason.LIMIT else {}
    words = row.message.detail or str(row.get_state_display())
    if last is not None:
        codes = ("" if last.code is None else str(last.code), last.enhanced, last.text)
        words = " ".join(part for part in codes if part)
        facts = {
            "answer": last.answer,
            "phase": last.phase,
            "code": codes[0],
            "enhanced": last.enhanced,
        }
    return Verdict(row.state == State.SENT, words, facts)
