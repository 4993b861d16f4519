"""What became of a message, in one sentence, with what it means and what the server said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailaccounts.models import AccountState, Breaker, Kind, SenderAccount
from maillog.generation_failure import explained, is_unmade, state_text
from maillog.limits import is_limited, usage
from maillog.models import Delivery, MailMessage
from maillog.order_messages import TONES
from maillog.states import WAITING, Reason, State, UnknownPolicy
from maillog.timeline import Story, answer_text, host_of
from shops.conf import conf
from shops.models import Shop
from shops.templatetags.panel import moment_text


@dataclass(frozen=True, slots=True)
class Verdict:
    """``title`` says what happened, ``text`` what it means or what to do, ``reply`` who said so."""

    title: str
    text: str = ""
    reply: str = ""
    tone: str = "idle"

    @property
    def needs_a_box(self) -> bool:
        """Good news and plain waiting are one calm line; trouble gets a framed note."""
        return self.tone in ("bad", "warn")


@dataclass(frozen=True, slots=True)
class Case:
    """All that a sentence is made of."""

    story: Story
    delivery: Delivery
    shop: Shop

    def clock(self, moment: datetime) -> str:
        zone = self.shop.zone
        return moment_text(moment.astimezone(zone), timezone.now().astimezone(zone), "long")

    def goes_after_another(self) -> bool:
        """True if an earlier message about the same order has not left yet."""
        if self.delivery.after is None:
            return False
        return Delivery.objects.filter(pk=self.delivery.after, state__in=WAITING).exists()

    def verdict(self, title: str, text: str = "", reply: str = "") -> Verdict:
        return Verdict(title, text, reply, TONES[State(self.delivery.state)])


def verdict_of(story: Story, shop: Shop) -> Verdict:
    """The verdict on a message, in the reader's language and on the shop's clock."""
    delivery = story.deciding
    if delivery is None:
        return Verdict(state_text(story.message), story.message.detail)
    case = Case(story, delivery, shop)
    return SENTENCES[State(delivery.state)](case)


def _accepted(case: Case) -> Verdict:
    last = next(iter(reversed(case.story.tries_of(case.delivery))), None)
    at = case.clock((last and last.at) or case.delivery.ended_at or case.story.message.created_at)
    many = len(case.story.counted)
    if many > 1:
        title = _("Accepted for all %(count)s recipients, last at %(time)s")
        return case.verdict(title % {"count": many, "time": at})
    if last and last.server:
        title = _("Accepted by %(server)s at %(time)s")
        return case.verdict(title % {"server": host_of(last.server), "time": at})
    return case.verdict(_("Accepted at %(time)s") % {"time": at})


def _sending(case: Case) -> Verdict:
    return case.verdict(_("It is being sent now."))


def _waiting(case: Case) -> Verdict:
    account = case.delivery.account
    paused = account and _paused(account, case)
    if paused:
        return paused
    if case.delivery.due_at > timezone.now() + timedelta(seconds=2):
        return case.verdict(
            _("Waiting until %(time)s") % {"time": case.clock(case.delivery.due_at)}
        )
    if case.goes_after_another():
        return case.verdict(_("Waiting: an earlier message about this order goes first."))
    return case.verdict(_("Waiting: it leaves in a moment."))


def _paused(account: SenderAccount, case: Case) -> Verdict | None:
    named = {"account": account.label}
    if account.state != AccountState.ACTIVE:
        title = _("Waiting: the account “%(account)s” is switched off")
        return Verdict(title % named, _("Switch it on and the message leaves."), tone="warn")
    if account.breaker == Breaker.OPEN:
        title = _("Waiting: the account “%(account)s” is paused")
        text = _("The message leaves by itself as soon as the account works again.")
        return Verdict(title % named, text, account.breaker_reason, "warn")
    if account.next_try_at and account.next_try_at > timezone.now():
        title = _("Waiting: the account “%(account)s” is tried again at %(time)s")
        at = {"time": case.clock(account.next_try_at)}
        return Verdict(title % {**named, **at}, "", account.breaker_reason, "warn")
    return _limited(account, case)


def _limited(account: SenderAccount, case: Case) -> Verdict | None:
    free_at = is_limited(account) and usage([account])[account.pk].next_free_at
    if not free_at:
        return None
    title = _("Waiting: the account “%(account)s” has sent as much as it may")
    text = _("It may send more from %(time)s; the message leaves by itself.")
    named = {"account": account.label}
    return Verdict(title % named, text % {"time": case.clock(free_at)}, tone="warn")


def _deferred(case: Case) -> Verdict:
    title = _("Not accepted yet: the next try is at %(time)s")
    return case.verdict(
        title % {"time": case.clock(case.delivery.due_at)},
        answer_text(case.delivery.last_answer),
        case.delivery.last_reply,
    )


def _held(case: Case) -> Verdict:
    message, reason = case.story.message, case.delivery.reason
    if is_unmade(case.delivery):
        return _unmade(message)
    texts = {
        Reason.APPROVAL: _("The shop is in test mode. It leaves only when you approve it."),
        Reason.NO_ACCOUNT: _("Add an account to send from, then try again."),
        Reason.POISON: _("Sending it broke off several times. Try again, or stop it."),
        Reason.LIMIT: _("It would have come too late. Raise the account's limit, then try again."),
        Reason.ACCOUNT: _("Try again and it leaves from the main account, or stop it."),
    }
    title = _("Held: %(reason)s") % {"reason": _lower(_reason(case.delivery))}
    return case.verdict(title, texts.get(Reason(reason), ""), message.detail)


def _unmade(message: MailMessage) -> Verdict:
    title = _("Generation failure: the text of this message could not be made")
    where, mistake = explained(message.detail)
    what_next = _("Mend the template, then send it. Nobody has got it yet.")
    if message.template_version is None:
        what_next = _("What it is about could not be read. Nobody has got it yet.")
    return Verdict(title, f"{where} {what_next}".strip(), mistake, "bad")


def _perhaps(case: Case) -> Verdict:
    title = _("Perhaps sent: the connection broke off before the server answered")
    policy, delivery = case.story.message.unknown_policy, case.delivery
    asks = delivery.account is not None and Kind(delivery.account.kind).asks_before_repeating
    if policy == UnknownPolicy.REPEAT and not (asks or delivery.repeats) and delivery.dot_at:
        again = case.clock(delivery.dot_at + timedelta(seconds=conf.REPEAT_AFTER_SECONDS))
        text = _("It is sent once more at %(time)s; the recipient may get it twice.")
        return case.verdict(title, text % {"time": again}, delivery.last_reply)
    text = _("Nobody can know. Ask the recipient, or try again: they may then get it twice.")
    return case.verdict(title, text, delivery.last_reply)


def _failed(case: Case) -> Verdict:
    failed, all_of_them = case.story.message.failed_recipients, len(case.story.counted)
    why = answer_text(case.delivery.last_answer) or case.story.message.detail
    if all_of_them > 1:
        title = ngettext(
            "Not delivered to %(failed)s of %(all)s recipients",
            "Not delivered to %(failed)s of %(all)s recipients",
            failed,
        ) % {"failed": failed, "all": all_of_them}
    elif case.delivery.reason == Reason.BAD_ADDRESS:
        title = _("Not sent: the address cannot be written to")
        why = case.story.message.detail
    else:
        title = _("Not delivered to %(address)s") % {"address": case.delivery.address}
    return case.verdict(title, why, case.delivery.last_reply)


def _expired(case: Case) -> Verdict:
    title = _("Given up: it was not sent in time")
    text = _("It is no longer tried, because it would come too late to be useful.")
    return case.verdict(title, text, case.delivery.last_reply)


def _stopped(case: Case) -> Verdict:
    title = _("Stopped: %(reason)s") % {"reason": _lower(_reason(case.delivery))}
    return case.verdict(title if case.delivery.reason else _("Stopped before it left"))


def _suppressed(case: Case) -> Verdict:
    title = _("Not sent: the shop does not write to %(address)s")
    text = _("An earlier message was refused for good, or staff entered the address.")
    return case.verdict(title % {"address": case.delivery.address}, text)


def _not_sent(case: Case) -> Verdict:
    reason = _lower(_reason(case.delivery))
    return case.verdict(_("Not sent: %(reason)s") % {"reason": reason}, case.story.message.detail)


def _bounced(case: Case) -> Verdict:
    title = _("It was accepted and came back from %(address)s")
    title %= {"address": case.delivery.address}
    return case.verdict(title, "", case.delivery.last_reply)


def _complained(case: Case) -> Verdict:
    title = _("%(address)s marked it as spam") % {"address": case.delivery.address}
    return case.verdict(title, "", case.delivery.last_reply)


def _reason(delivery: Delivery) -> str:
    known = delivery.reason in Reason.values
    return str(Reason(delivery.reason).label) if known else delivery.reason


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


SENTENCES: dict[State, Callable[[Case], Verdict]] = {
    State.QUEUED: _waiting,
    State.CLAIMED: _sending,
    State.DEFERRED: _deferred,
    State.SENT: _accepted,
    State.UNKNOWN: _perhaps,
    State.FAILED: _failed,
    State.HELD: _held,
    State.EXPIRED: _expired,
    State.CANCELLED: _stopped,
    State.SUPPRESSED: _suppressed,
    State.NOT_SENT: _not_sent,
    State.BOUNCED: _bounced,
    State.COMPLAINED: _complained,
}
