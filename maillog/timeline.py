"""The story of one message: every recipient, every try, and the server's own words."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailaccounts.transports.base import AnswerClass
from maillog.generation_failure import is_unmade
from maillog.models import Attempt, Delivery, MailMessage
from maillog.registry import type_name
from maillog.states import COUNTED_ROLES, WAITING, Reason, Role, State

MOST_DELIVERIES = 1100  # a message has at most 1,000 recipients, and a few copies
MOST_ATTEMPTS = 500
SOON = timedelta(minutes=2)

# What an answer means, for people who sell shoes; the server's own words stand beside it.
ANSWERS: dict[str, Promise] = {
    AnswerClass.SENT: gettext_lazy("The server accepted it."),
    AnswerClass.NET: gettext_lazy("The account's server could not be reached, or broke off."),
    AnswerClass.AUTH: gettext_lazy("The server refused the account's log-in."),
    AnswerClass.QUOTA: gettext_lazy("The account may not send more for now."),
    AnswerClass.TEMPORARY: gettext_lazy("The server asked to come back later."),
    AnswerClass.MAILBOX_FULL: gettext_lazy("The recipient's mailbox is full."),
    AnswerClass.RECIPIENT: gettext_lazy("The server does not take mail for this address."),
    AnswerClass.CONTENT: gettext_lazy("The server refused the message itself."),
    AnswerClass.SIZE: gettext_lazy("The message is too large for the server."),
    AnswerClass.CAPABILITY: gettext_lazy("The server cannot carry this message."),
    AnswerClass.UNKNOWN: gettext_lazy("It was handed over, but no answer came."),
}
TONES = {
    AnswerClass.SENT: "ok",
    AnswerClass.RECIPIENT: "bad",
    AnswerClass.CONTENT: "bad",
    AnswerClass.SIZE: "bad",
    AnswerClass.CAPABILITY: "bad",
}
# Ends that no server's answer tells of.
SILENT_ENDS: dict[str, Promise] = {
    State.EXPIRED: gettext_lazy("Given up: it was not sent in time."),
    State.CANCELLED: gettext_lazy("Stopped before it left."),
    State.SUPPRESSED: gettext_lazy("Not sent: this address is not written to."),
    State.BOUNCED: gettext_lazy("It came back."),
    State.COMPLAINED: gettext_lazy("The recipient marked it as spam."),
}
UNMADE_TEXT = gettext_lazy("Generation failure: the text could not be made.")
NOTES: dict[str, Promise] = {
    "copy_withheld": gettext_lazy("No copy was sent: the message holds a personal link."),
    "copy_unusable": gettext_lazy("No copy was sent: the account's copy address is wrong."),
    "approved": gettext_lazy("Approved by staff."),
    "conditional": gettext_lazy(
        "It waits: the shop's settings are looked at again before it leaves."
    ),
    "mended": gettext_lazy(
        "Its text could not be made at first. It was, when the template was mended."
    ),
    "unsigned": gettext_lazy("It left without a DKIM signature: the domain's key was unusable."),
    "moved": gettext_lazy("Its account was switched off: the main account took it over."),
    "fallback": gettext_lazy("Its account could not send it in time: the fallback account did."),
}
# Why no copy lies in the Sent folder.
NOT_FILED: dict[str, Promise] = {
    Reason.SECRET: gettext_lazy("Not filed in the Sent folder: the message holds a personal link."),
    Reason.REDIRECTED: gettext_lazy("Not filed in the Sent folder: it went to the test address."),
    Reason.TEXT_GONE: gettext_lazy("Not filed in the Sent folder: its text is no longer kept."),
}


def answer_text(answer: str) -> str:
    return str(ANSWERS.get(answer, answer))


def host_of(server: str) -> str:
    """The name alone of a server that an attempt noted as “host [address]:port”."""
    return server.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline. ``reply`` is a server's own words, ``who`` whom it is about."""

    at: datetime
    text: str
    tone: str = ""
    reply: str = ""
    who: str = ""


@dataclass(slots=True)
class Story:
    """A message with its deliveries and their attempts, loaded by two queries."""

    message: MailMessage
    deliveries: list[Delivery]
    attempts: dict[UUID, list[Attempt]] = field(default_factory=dict)

    @classmethod
    def of(cls, message: MailMessage) -> Story:
        rows = message.deliveries.select_related("account").defer("account__password")
        deliveries = list(rows.order_by("id")[:MOST_DELIVERIES])
        tries: dict[UUID, list[Attempt]] = defaultdict(list)
        newest = Attempt.objects.filter(delivery__message=message).order_by("-id")[:MOST_ATTEMPTS]
        for attempt in reversed(newest):
            tries[attempt.delivery_id].append(attempt)
        for delivery in deliveries:
            delivery.message = message
        return cls(message, deliveries, dict(tries))

    @property
    def counted(self) -> list[Delivery]:
        """The customer's deliveries; the shop's own copies are notes beside them."""
        return [each for each in self.deliveries if each.role in COUNTED_ROLES]

    @property
    def copies(self) -> list[Delivery]:
        return [each for each in self.deliveries if each.role not in COUNTED_ROLES]

    @property
    def deciding(self) -> Delivery | None:
        """The main delivery that gave the message its state."""
        main = [each for each in self.deliveries if each.role == Role.MAIN]
        same = [each for each in main if each.state == self.message.state]
        return next(iter(same or main), None)

    def tries_of(self, delivery: Delivery) -> list[Attempt]:
        return self.attempts.get(delivery.pk, [])

    @property
    def is_moving(self) -> bool:
        """True while the page may look different in a moment, so that it asks again by itself."""
        soon = timezone.now() + SOON
        return any(
            each.state in WAITING and (each.state != State.DEFERRED or each.due_at < soon)
            for each in self.deliveries
        )

    @property
    def fingerprint(self) -> str:
        """Changes whenever the page would."""
        account = self.message.account
        seen = [(each.state, each.tries, len(self.tries_of(each))) for each in self.deliveries]
        breaker = account and (account.state, account.breaker)
        return hashlib.sha256(repr((seen, breaker)).encode()).hexdigest()[:16]

    def steps(self) -> list[Step]:
        """Everything that happened, in its order."""
        steps = [self._birth(), *self._tries(), *self._ends(), *self._resends()]
        return sorted(steps, key=lambda step: step.at)

    def _birth(self) -> Step:
        message = self.message
        name = type_name(message.message_type, message.shop)
        if message.resend_of_id:
            return Step(message.created_at, _("Sent again by staff: message queued"))
        if message.order_number:
            name = _("Order %(number)s, %(type)s") % {"number": message.order_number, "type": name}
        if message.state == State.NOT_SENT:
            return Step(message.created_at, name)
        if self._was_never_queued:
            return Step(message.created_at, name)
        return Step(message.created_at, _("%(what)s: message queued") % {"what": name})

    @property
    def _was_never_queued(self) -> bool:
        """True if its subject or its facts could not be made: no worker has ever seen it."""
        return is_unmade(self.message) and not any(each.fence for each in self.deliveries)

    def _tries(self) -> Iterator[Step]:
        for delivery in self.deliveries:
            for attempt in self.tries_of(delivery):
                yield Step(
                    attempt.at,
                    attempt_text(attempt),
                    TONES.get(AnswerClass(attempt.answer), "warn")
                    if attempt.answer in AnswerClass
                    else "warn",
                    reply_of(attempt),
                    self._who(delivery),
                )

    def _ends(self) -> Iterator[Step]:
        if is_unmade(self.message):
            # What was held before it was queued has no moment of its own.
            ends = [each.ended_at for each in self.counted if is_unmade(each) and each.ended_at]
            at = min(ends, default=self.message.created_at)
            yield Step(at, str(UNMADE_TEXT), "bad", self.message.detail)
        for delivery in self.deliveries:
            text = SILENT_ENDS.get(delivery.state)
            if text and delivery.ended_at:
                yield Step(delivery.ended_at, str(text), "bad", who=self._who(delivery))

    def _resends(self) -> Iterator[Step]:
        for again in self.message.resends.only("created_at", "to_text")[:50]:
            yield Step(again.created_at, _("Sent again to %(to)s") % {"to": again.to_text})

    def _who(self, delivery: Delivery) -> str:
        """Named only where it is not clear who is meant."""
        if delivery.role in COUNTED_ROLES:
            return delivery.address if len(self.counted) > 1 else ""
        if delivery.role == Role.IMAP:
            return _("Copy in the Sent folder")
        return _("Copy to %(address)s") % {"address": delivery.address}

    @property
    def notes(self) -> list[str]:
        noted = [NOTES.get(code, code) for code in self.message.notes]
        unfiled = [NOT_FILED[each.reason] for each in self.copies if each.reason in NOT_FILED]
        return [str(each) for each in (*noted, *unfiled)]


def attempt_text(attempt: Attempt) -> str:
    """What happened in one try, in one sentence."""
    if attempt.answer == AnswerClass.SENT and attempt.server:
        return _("Accepted by %(server)s") % {"server": host_of(attempt.server)}
    return answer_text(attempt.answer)


def reply_of(attempt: Attempt) -> str:
    """The server's own words with their code, which the text may already begin with."""
    code = str(attempt.code or "")
    return attempt.text if attempt.text.startswith(code) else f"{code} {attempt.text}".strip()
