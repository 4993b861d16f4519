"""The test of an account: begun by a click, run by a task, told step by step in its row.

``AccountTest.steps`` holds one dictionary a step: ``code``, ``name``, ``state`` (waiting, running,
ok, warning, failed, skipped), ``found``, ``hint``, ``detail`` (the server's own words),
``milliseconds`` and ``extra``. All steps are there from the beginning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from mailaccounts.account_test.steps import LIMITS, NAMES, Limits, Part, Probe, parts_of
from mailaccounts.models import (
    AccountRefusal,
    AccountState,
    AccountTest,
    SenderAccount,
    TestState,
)
from mailaccounts.models.test_run import GOING_ON
from mailaccounts.signals import login_refused
from mailaccounts.transports.base import AnswerClass, CheckResult
from shops.models import AuditEntry

logger = logging.getLogger(__name__)

type Row = dict[str, Any]
type Tell = Callable[[Row], None]
TASK = "mailaccounts.tasks.run_account_test"
KEPT = 50  # tests of one account
# Each sends a mail to an address that staff type: the shop is no machine for sending to strangers.
MOST_AN_HOUR = 30


class TooManyTests(AccountRefusal):
    """More tests of a shop's accounts in an hour than anybody needs; ``str()`` says so."""

    __test__ = False


def start(account: SenderAccount, to: str, user: Any) -> tuple[AccountTest, bool]:
    """A test that a worker is to run; with False the one that is going on already.

    Raises ``TooManyTests``.
    """
    _refuse_too_many(account)
    test, is_new = new_test(account, to, user)
    if is_new:
        transaction.on_commit(lambda: _enqueue(test.pk))
    return test, is_new


def _refuse_too_many(account: SenderAccount) -> None:
    """Those of the command are the operator's, and not counted."""
    if account.shop_id is None or account.tests.filter(state__in=GOING_ON).exists():
        return
    hour_ago = timezone.now() - timedelta(hours=1)
    asked = AccountTest.objects.filter(account__shop=account.shop_id, created_at__gt=hour_ago)
    if asked.filter(requested_by__isnull=False).count() >= MOST_AN_HOUR:
        text = _("%(count)s tests within an hour are enough for one shop. Try again later.")
        raise TooManyTests(text % {"count": MOST_AN_HOUR})


def new_test(account: SenderAccount, to: str, user: Any) -> tuple[AccountTest, bool]:
    """The row of a new test that nobody runs yet; with False the one that is going on."""
    end_dead(account)
    try:
        with transaction.atomic():
            test = AccountTest.objects.create(
                account=account,
                to_address=to,
                requested_by=user if getattr(user, "pk", None) else None,
                language=(get_language() or "")[:5],
                steps=planned(parts_of(account)),
            )
            AuditEntry.note("account.tested", shop=account.shop, user=user, target=account)
    except IntegrityError:
        # One at a time: the constraint decides between two clicks.
        return AccountTest.objects.get(account=account, state__in=GOING_ON), False
    _forget_old(account)
    return test, True


def _enqueue(test_id: UUID) -> None:
    from django_q.tasks import async_task

    async_task(TASK, str(test_id))


def _forget_old(account: SenderAccount) -> None:
    old = AccountTest.objects.filter(account=account).values_list("pk", flat=True)[KEPT:]
    AccountTest.objects.filter(pk__in=list(old)).delete()


def silent_since(limits: Limits = LIMITS) -> Q:
    """Tests that go on by their row only: their task has died, or was never taken up."""
    too_old = timezone.now() - timedelta(seconds=limits.silence)
    return Q(state__in=GOING_ON, last_sign__lt=too_old)


def end_dead(account: SenderAccount, limits: Limits = LIMITS) -> int:
    """Ends this account's test if its task is dead, so that it blocks no other."""
    tests = AccountTest.objects.annotate(last_sign=Coalesce("beat_at", "created_at"))
    ended = 0
    for test in tests.filter(silent_since(limits), account=account):
        steps = _closed(test.steps, broken=_("The test broke off: its worker was ended."))
        rows = AccountTest.objects.filter(pk=test.pk, state=test.state, beat_at=test.beat_at)
        ended += rows.update(state=TestState.FAILED, steps=steps, ended_at=timezone.now())
    return ended


def cancel(test: AccountTest) -> None:
    """Ends a test that nobody runs yet; asks one that runs to stop after its present step."""
    waiting = AccountTest.objects.filter(pk=test.pk, state=TestState.WAITING)
    stopped = waiting.update(
        state=TestState.CANCELLED,
        cancel_requested=True,
        steps=_closed(test.steps),
        ended_at=timezone.now(),
    )
    if not stopped:
        AccountTest.objects.filter(pk=test.pk, state=TestState.RUNNING).update(
            cancel_requested=True
        )


def planned(parts: Iterable[Part]) -> list[Row]:
    """A row for every step, all of them waiting."""
    return [_row(code) for part in parts for code in part.codes]


def _row(code: str, state: str = "waiting", name: str = "") -> Row:
    blank = {"found": "", "hint": "", "detail": "", "milliseconds": 0, "extra": {}}
    return {"code": code, "name": name, "state": state, **blank}


def _closed(steps: list[Row], broken: str = "") -> list[Row]:
    """What was under way when a test ended did not succeed, and the rest was not tried."""
    for row in steps:
        if row["state"] == "running" and broken:
            row |= {"state": "failed", "found": broken}
        elif row["state"] in ("waiting", "running"):
            row["state"] = "skipped"
    return steps


def run(test_id: UUID, limits: Limits = LIMITS, tell: Tell | None = None) -> AccountTest | None:
    """Runs a waiting test to its end; None if somebody else has it. ``tell`` hears each step."""
    now = timezone.now()
    taken = AccountTest.objects.filter(pk=test_id, state=TestState.WAITING).update(
        state=TestState.RUNNING, started_at=now, beat_at=now
    )
    if not taken:
        return None
    test = AccountTest.objects.select_related("account__shop").get(pk=test_id)
    with override(test.language or settings.LANGUAGE_CODE):
        Run(Probe(test, test.account, limits), tell or (lambda row: None)).carry_out()
    test.refresh_from_db()
    return test


class TestGone(Exception):
    """Somebody ended this test meanwhile; nothing of it is written any more."""

    __test__ = False


class Run:
    """One test on its way through its parts. Only here are its rows changed."""

    def __init__(self, probe: Probe, tell: Tell) -> None:
        self.probe = probe
        self.rows: list[Row] = []
        self._tell = tell
        self._at = 0  # the row that comes next
        self._session_failed = self._failed = False

    def carry_out(self) -> None:
        parts = parts_of(self.probe.account)
        self.rows = planned(parts)
        try:
            for part in parts:
                self._carry_out(part)
            self._end()
        except TestGone:
            logger.info("test %s was ended by somebody else", self.probe.test.pk)

    def _carry_out(self, part: Part) -> None:
        left = len(part.codes)
        is_open = not (part.needs_session and self._session_failed)
        if is_open and self.probe.seconds_left > 0 and not self.probe.is_cancelled():
            left = self._look(part)
        for row in self.rows[self._at : self._at + left]:
            row["state"] = "skipped"
        self._at += left
        self._store()

    def _look(self, part: Part) -> int:
        """Runs ``part`` to its end or its first failure; returns how many rows were not reached."""
        ends = self._at + len(part.codes)
        self._begin(ends)
        try:
            with closing(iter(part.look(self.probe))) as results:  # type: ignore[type-var]
                for result in results:
                    ends = self._write(part, result, ends)
                    if self.probe.is_cancelled():
                        break
                    self._begin(ends)
        except (DatabaseError, TestGone):
            raise
        except Exception as error:
            # A bug of ours in one part must not leave the page waiting for ever.
            logger.exception("test %s: %s", self.probe.test.pk, part.codes)
            words = _("This step broke off (%s).") % type(error).__name__
            ends = self._write(part, CheckResult("", ok=False, found=words), ends)
        return ends - self._at

    def _begin(self, ends: int) -> None:
        if self._at < ends:
            self.rows[self._at]["state"] = "running"
            self._store()

    def _write(self, part: Part, result: CheckResult, ends: int) -> int:
        """Stores one result. A part may have more steps than were planned."""
        if self._at == ends:
            self.rows.insert(self._at, _row(part.codes[-1]))
            ends += 1
        row = self.rows[self._at]
        known = result.code if result.code in NAMES else row["code"]
        row |= {
            "code": known,
            "name": "" if known in NAMES else result.name,
            "state": self._state_of(part, result),
            "found": result.found,
            "hint": result.hint,
            "detail": result.detail,
            "milliseconds": result.milliseconds,
            "extra": result.extra,
        }
        self._at += 1
        self._store()
        self._tell(row)
        return ends

    def _state_of(self, part: Part, result: CheckResult) -> str:
        if result.extra.get("weight") == "unknown":
            return "unknown"
        if result.ok:
            return "warning" if result.extra.get("weight") == "warn" else "ok"
        if not part.decides or result.extra.get("weight") == "remark":
            return "warning"
        self._failed = True
        self._session_failed |= part.is_session
        return "failed"

    def _store(self) -> None:
        mine = AccountTest.objects.filter(pk=self.probe.test.pk, state=TestState.RUNNING)
        if not mine.update(steps=self.rows, beat_at=timezone.now()):
            raise TestGone

    def _end(self) -> None:
        state = TestState.FAILED if self._failed or self._is_short() else TestState.PASSED
        if state == TestState.FAILED and self.probe.is_cancelled():
            state = TestState.CANCELLED
        now = timezone.now()
        mine = AccountTest.objects.filter(pk=self.probe.test.pk, state=TestState.RUNNING)
        if mine.update(state=state, steps=self.rows, ended_at=now, beat_at=now):
            record(self.probe.account, state, self.rows)

    def _is_short(self) -> bool:
        """True if a step was not tried: then nothing is proved."""
        return any(row["state"] == "skipped" for row in self.rows)


def record(account: SenderAccount, state: TestState, rows: list[Row]) -> None:
    """What a test says about its account: when it last worked, and whether it is mended."""
    if state == TestState.CANCELLED:
        return
    passed = state == TestState.PASSED
    same = SenderAccount.objects.filter(pk=account.pk)
    same.update(last_test_at=timezone.now(), last_test_ok=passed)
    account.refresh_from_db(fields=["state", "breaker", "net_failures", "auth_failures"])
    if passed and account.is_troubled:
        account.mend()
    refused = [row for row in rows if row["code"] == "login" and row["state"] == "failed"]
    if refused and account.state == AccountState.ACTIVE:
        extra = refused[0]["extra"]
        if extra.get("answer") == AnswerClass.AUTH and extra.get("code"):
            login_refused.send(SenderAccount, account=account, words=refused[0]["detail"])
