"""A stored test as the page shows it: lines, verdict, explanation, and a text for support."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from mailaccounts.account_test.domain_steps import STEPS as DOMAIN_STEPS
from mailaccounts.account_test.explain import explain, failure_of
from mailaccounts.account_test.failures import Deed, Explanation
from mailaccounts.account_test.steps import LIMITS, NAMES
from mailaccounts.models import AccountState, AccountTest, SenderAccount, TestState
from mailaccounts.models.test_run import GOING_ON

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SHOWN_FOR = timedelta(hours=1)  # a failure stands open in the list
PASSED_SHOWN_FOR = timedelta(minutes=2)
ICONS = {
    "ok": ("check", "ok-t"),
    "warning": ("alert-triangle", "warn-t"),
    "failed": ("x", "bad-t"),
    "unknown": ("minus", "t3"),  # looked for, and nothing is known
    "running": ("loader-2", "spin t2"),
    "waiting": ("circle-dashed", "t3"),
    "skipped": ("minus", "t3"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One step."""

    code: str
    name: StrOrPromise
    state: str
    icon: str
    tone: str
    found: StrOrPromise
    hint: str
    milliseconds: int

    @property
    def is_quiet(self) -> bool:
        return self.state in ("waiting", "skipped", "unknown")


@dataclass(frozen=True, slots=True)
class Report:
    """``badge`` and ``tone`` are the verdict in two words; ``reply`` the server's own."""

    test: AccountTest
    account: SenderAccount
    lines: list[Line]
    tone: str
    badge: str
    seconds: float
    explanation: Explanation | None
    reply: str
    no_worker: bool

    @property
    def is_going(self) -> bool:
        return self.test.state in GOING_ON

    @property
    def version(self) -> str:
        """Another one as soon as there is something new to show."""
        test = self.test
        facts = [test.state, test.cancel_requested, test.steps, self.no_worker]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def said(self) -> str:
        """The news in one sentence, for a screen reader."""
        told = [line for line in self.lines if line.state not in ("waiting", "running", "skipped")]
        last = f"{told[-1].name}: {told[-1].found}. " if told else ""
        return f"{last}{self.badge}"

    @property
    def hints(self) -> list[Line]:
        """Steps that went well enough and have advice."""
        return [line for line in self.lines if line.hint and line.state in ("ok", "warning")]

    @property
    def worked_until(self) -> datetime | None:
        """When a test of the account last passed before this one."""
        passed = self.account.tests.filter(state=TestState.PASSED, pk__lt=self.test.pk).first()
        return passed.ended_at if passed else None

    @property
    def may_activate(self) -> bool:
        passed = self.test.state == TestState.PASSED
        return passed and self.account.state in (AccountState.DRAFT, AccountState.DISABLED)

    @property
    def is_open(self) -> bool:
        """True if the list shows it without being asked."""
        if self.is_going:
            return True
        if self.test.state == TestState.CANCELLED:
            return False  # it is among the earlier tests
        shown_for = PASSED_SHOWN_FOR if self.test.state == TestState.PASSED else SHOWN_FOR
        is_fresh = timezone.now() - (self.test.ended_at or self.test.created_at) < shown_for
        if self.test.state != TestState.FAILED:
            return is_fresh
        return self.account.is_troubled or (is_fresh and not self._was_mended)

    @property
    def _was_mended(self) -> bool:
        """True if the log-in was refused, and the account has been saved or has sent since."""
        failed_at = next((line.code for line in self.lines if line.state == "failed"), "")
        is_calm = self.account.state == AccountState.ACTIVE and not self.account.is_troubled
        return failed_at == "login" and is_calm

    @property
    def offers(self) -> Deed:
        deed = self.explanation.deed if self.explanation else Deed.NONE
        if deed == Deed.IGNORE_CERTIFICATE and self.account.last_test_at is None:
            return Deed.SETTINGS  # that was another server
        return deed

    @property
    def support_text(self) -> str:
        """The whole test as text, without any secret, to be sent to whoever can help."""
        account, test = self.account, self.test
        at = (test.started_at or test.created_at).isoformat(timespec="seconds")
        head = [
            _("Test of %(address)s, %(at)s: %(result)s")
            % {"address": account.from_address, "at": at, "result": self.badge},
            f"{account.get_kind_display()}: {account.host}:{account.port}, "
            f"{account.get_tls_mode_display()}",
            "",
        ]
        steps = [
            f"{place}. {line.name}: {line.state}, {line.found} ({line.milliseconds} ms)"
            for place, line in enumerate(self.lines, 1)
        ]
        tail = ["", _("The server’s own words") + ": " + self.reply] if self.reply else []
        return "\n".join([*head, *steps, *tail])


def report_of(test: AccountTest, account: SenderAccount) -> Report:
    """What to show of ``test``, which is one of ``account``."""
    lines = [_line(row) for row in test.steps]
    failed = next((row for row in test.steps if row["state"] == "failed"), None)
    is_over = test.state == TestState.FAILED
    tone, badge = _verdict(test, failed)
    message = next((row for row in test.steps if row["code"] == "message"), None)
    accepted = message["found"] if message and message["state"] == "ok" else ""
    return Report(
        test=test,
        account=account,
        lines=lines,
        tone=tone,
        badge=badge,
        seconds=_seconds(test),
        explanation=_explanation(failed, test, account) if is_over and failed else None,
        reply=(failed["detail"] if failed else "") or accepted,
        no_worker=_is_ignored(test),
    )


def latest_report(account: SenderAccount) -> Report | None:
    test = account.tests.first()
    return report_of(test, account) if test else None


def latest_reports(accounts: Sequence[SenderAccount]) -> dict[int, Report]:
    """By account; one query, however many accounts there are."""
    known = {account.pk: account for account in accounts}
    newest = AccountTest.objects.filter(account=OuterRef("pk")).order_by("-id").values("pk")[:1]
    ids = SenderAccount.objects.filter(pk__in=known).values_list(Subquery(newest), flat=True)
    tests = AccountTest.objects.filter(pk__in=ids)
    return {test.account_id: report_of(test, known[test.account_id]) for test in tests}


def _line(row: dict[str, Any]) -> Line:
    state = row["state"]
    icon, tone = ICONS.get(state, ICONS["skipped"])
    waits = {
        "waiting": _("Waiting"),
        "running": _("At work …"),
        "skipped": _("Not tried"),
    }
    name = row.get("name") or NAMES.get(row["code"], row["code"])
    found = waits.get(state) or row["found"]
    return Line(row["code"], name, state, icon, tone, found, row["hint"], row["milliseconds"])


def _verdict(test: AccountTest, failed: dict[str, Any] | None) -> tuple[str, str]:
    if test.state == TestState.WAITING:
        return "idle", _("Waiting for the worker")
    if test.state == TestState.RUNNING:
        return "acc", _("Stopping …") if test.cancel_requested else _("Running")
    if test.state == TestState.CANCELLED:
        return "idle", _("Cancelled")
    if test.state == TestState.PASSED:
        remarks = any(row["state"] == "warning" for row in test.steps)
        return "ok", _("Passed, with remarks") if remarks else _("Passed")
    if failed is None:
        return "bad", _("Failed")
    name = str(failed.get("name") or NAMES.get(failed["code"], failed["code"]))
    if any(row["state"] == "skipped" for row in test.steps):
        return "bad", _("Stopped at: %(step)s") % {"step": name}
    return "bad", _("Not in order: %(step)s") % {"step": name}


def _explanation(row: dict[str, Any], test: AccountTest, account: SenderAccount) -> Explanation:
    if row["code"] in DOMAIN_STEPS:
        title = _("%(record)s of %(domain)s is not in order")
        named = {"record": row["code"].upper(), "domain": account.from_domain}
        return Explanation(title % named, row["found"], row["hint"], Deed.DOMAIN)
    if row.get("extra"):
        return explain(failure_of(row, account, test.to_address))
    return Explanation(row["found"], advice=row["hint"] or _("Test again in a few minutes."))


def _seconds(test: AccountTest) -> float:
    if test.started_at is None:
        return 0.0
    ended = test.ended_at or timezone.now()
    return (ended - test.started_at).total_seconds()


def _is_ignored(test: AccountTest) -> bool:
    """True if no worker has taken the test up for longer than one needs."""
    age = (timezone.now() - test.created_at).total_seconds()
    return test.state == TestState.WAITING and age > LIMITS.pickup
