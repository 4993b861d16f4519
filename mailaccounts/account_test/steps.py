"""What the test of an account looks at, part after part, as data.

A ``Part`` knows the codes of its steps and how to look; it yields a ``CheckResult`` for each as
soon as it is over. ``diagnostics`` runs them and stores what they say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailaccounts.account_test import domain_steps
from mailaccounts.account_test.message import TestMessage, Verdict
from mailaccounts.esp.guarded import Patience
from mailaccounts.imap.check import check as check_mailbox
from mailaccounts.models import AccountTest, Kind, SenderAccount
from mailaccounts.signals import test_message_requested
from mailaccounts.transports import transport_for
from mailaccounts.transports.api import Api
from mailaccounts.transports.api_check import STEPS as KEY_STEPS
from mailaccounts.transports.base import AnswerClass, CheckResult, Transport
from mailaccounts.transports.smtp import Smtp
from mailaccounts.transports.smtp_check import STEPS as SESSION_STEPS
from mailaccounts.transports.smtp_opening import Timeouts

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NAMES: dict[str, StrOrPromise] = {
    "settings": gettext_lazy("Settings"),
    "sign_in": gettext_lazy("Sign-in"),
    "server": gettext_lazy("Server name"),
    "connection": gettext_lazy("Connection"),
    "encryption": gettext_lazy("Encryption"),
    "login": gettext_lazy("Log-in"),
    "key": gettext_lazy("API key"),
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "imap": gettext_lazy("IMAP folder"),
    "message": gettext_lazy("Message"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. ``silence``: a test whose task has said nothing for so long is dead.

    ``pickup``: after so long the page says that no worker takes it up. ``look``: between two looks
    at a message under way and at a wish to cancel.
    """

    connect: float = 20.0
    command: float = 30.0
    total: float = 120.0
    silence: float = 150.0
    pickup: float = 10.0
    look: float = 0.25
    grace: float = 2.0  # for the verdict on a message that was handed over before a cancel


LIMITS = Limits()


@dataclass(slots=True)
class Probe:
    """One run: the account, how much time is left, and whether somebody wants it to stop."""

    test: AccountTest
    account: SenderAccount
    limits: Limits = LIMITS
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float:
        return self.limits.total - (time.monotonic() - self.started)

    def is_cancelled(self) -> bool:
        return AccountTest.objects.filter(pk=self.test.pk, cancel_requested=True).exists()


@dataclass(frozen=True, slots=True)
class Part:
    """``codes`` are its steps. ``is_session``: where it fails, nothing can be sent.

    ``needs_session``: not tried then. ``decides``: a failure of it fails the test; else it is a
    warning.
    """

    codes: tuple[str, ...]
    look: Callable[[Probe], Iterable[CheckResult]]
    is_session: bool = False
    needs_session: bool = False
    decides: bool = True


def parts_of(account: SenderAccount) -> list[Part]:
    """What to look at for this account, in order."""
    kind = Kind(account.kind)
    session: tuple[str, ...] = SESSION_STEPS if kind.speaks_smtp else KEY_STEPS
    if kind.logs_in_elsewhere:
        session = ("sign_in", *session)
    mailbox = [Part(("imap",), look_at_mailbox, decides=False)] if account.imap_enabled else []
    domain = [Part(domain_steps.STEPS, look_at_domain)] if domain_steps.has_domain(account) else []
    return [
        Part(session, look_at_session, is_session=True),
        *domain,
        *mailbox,
        Part(("message",), send_message, needs_session=True),
    ]


def look_at_session(probe: Probe) -> Iterable[CheckResult]:
    """From the server's name to the log-in; at a provider whatever its transport looks at."""
    left = min(probe.seconds_left, probe.limits.total / 2)
    transport = hurried(transport_for(probe.account), left, probe.limits)
    return transport.check()


def look_at_domain(probe: Probe) -> Iterator[CheckResult]:
    return domain_steps.look(probe.account)


def look_at_mailbox(probe: Probe) -> Iterator[CheckResult]:
    """The folder for sent mail; one line, because its troubles never touch the sending."""
    began = time.monotonic()
    results = check_mailbox(probe.account)
    last = results[-1]
    milliseconds = int((time.monotonic() - began) * 1000)
    found = last.found if last.ok else f"{last.name}: {last.found}"
    yield CheckResult(
        _("IMAP folder"), last.ok, found, last.hint, last.detail, milliseconds, code="imap"
    )


def hurried(transport: Transport, seconds: float, limits: Limits = LIMITS) -> Transport:
    """The transport with time limits for somebody who watches: about ``seconds`` for all of it."""
    each = max(min(seconds, limits.command), 0.1)
    if isinstance(transport, Smtp):
        transport.timeouts = Timeouts(
            connect=min(limits.connect, seconds),
            command=each,
            opening=max(seconds, 0.1),
            data=each,
            after_dot=max(seconds, 0.1),
        )
    if isinstance(transport, Api):
        transport.patience = Patience(min(limits.connect, seconds), each, each)
    return transport


def send_message(probe: Probe) -> Iterator[CheckResult]:
    """A real message; its verdict is waited for, and so is a wish to cancel."""
    began = time.monotonic()
    message = _request(probe)
    AccountTest.objects.filter(pk=probe.test.pk).update(message_uuid=message.uuid)
    verdict: Verdict | None = None
    while verdict is None and probe.seconds_left > 0 and not probe.is_cancelled():
        verdict = message.wait(probe.limits.look)
    result = _told(verdict) if verdict else _given_up(probe, message)
    result.milliseconds = int((time.monotonic() - began) * 1000)
    yield result


def _request(probe: Probe) -> TestMessage:
    answers = test_message_requested.send(
        SenderAccount,
        account=probe.account,
        to=probe.test.to_address,
        test_id=probe.test.pk,
        seconds=max(probe.seconds_left / 2, 0.5),
    )
    found: list[Any] = [answer for _receiver, answer in answers if answer is not None]
    return cast("TestMessage", found[0])


def _told(verdict: Verdict) -> CheckResult:
    if verdict.ok:
        return CheckResult(_("Message"), True, verdict.words, code="message")
    return CheckResult(
        _("Message"),
        False,
        _("Not accepted"),
        detail=verdict.words,
        extra=dict(verdict.facts),
        code="message",
    )


def _given_up(probe: Probe, message: TestMessage) -> CheckResult:
    """No verdict yet, and no more waiting: because of a cancel, or because time is up."""
    has_left = not message.cancel()
    verdict = message.wait(probe.limits.grace) if has_left else None
    if verdict is not None and verdict.ok:
        told = _told(verdict)
        told.hint = _("It had been handed over before you cancelled.")
        return told
    if has_left:
        found = _("Handed over already; the server's answer is still open.")
        facts = {"answer": AnswerClass.UNKNOWN.value}
    else:
        found = _("Stopped before it left") if probe.is_cancelled() else _("Not accepted in time")
        facts = {"answer": AnswerClass.NET.value}
    return CheckResult(_("Message"), False, found, extra=facts, code="message")
