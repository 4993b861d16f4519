"""The first page of a shop: today's mail, the last 30 days, what needs a hand, what is left to
set up. A fixed number of queries, however much mail there is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from babel.dates import format_date
from django.db.models import Count, Min, Q
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView

from config.panel import shop_url
from config.set_up import SetUp
from mailaccounts.condition import Condition, condition_of
from mailaccounts.models import Breaker, SenderAccount
from maillog.filters import GROUPS
from maillog.forms import CAME_BACK, GIVEN_UP
from maillog.generation_failure import GENERATION_FAILURE, UNMADE
from maillog.models import Delivery, MailMessage, WorkerBeat
from maillog.states import WAITING, State
from shops.models import Role, Shop
from shops.scope import ShopScoped
from shops.templatetags.panel import reader_locale
from shops.uuid7 import lowest_at

DAYS = 30
# As the log groups them: each figure leads to the messages that it counts.
LOST, BACK = GROUPS[GIVEN_UP], GROUPS[CAME_BACK]


@dataclass(frozen=True, slots=True)
class Day:
    """What became of one day's messages."""

    date: date
    accepted: int = 0
    bounced: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Queue:
    """What has not ended: how much waits, since when, how much is held, and how much has no text
    (``unmade``, which is not among what is held)."""

    waiting: int
    oldest: datetime | None
    held: int
    unmade: int


@dataclass(frozen=True, slots=True)
class SendingAccount:
    """One account with its condition and how much left from it in 24 hours."""

    account: SenderAccount
    condition: Condition
    used: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """The one thing above the content that cannot wait. ``outranks`` those that were raised."""

    title: str
    text: str
    url: str = ""
    label: str = ""
    outranks: bool = False


def days_of(shop: Shop, today: date) -> list[Day]:
    """The last 30 days on the shop's calendar, days without mail included. One query."""
    first = today - timedelta(days=DAYS - 1)
    since = lowest_at(datetime.combine(first, time(), tzinfo=shop.zone))
    rows = (
        MailMessage.objects.for_shop(shop)
        .filter(id__gte=since, state__in=(State.SENT, *BACK, *LOST))
        .annotate(day=TruncDate("created_at", tzinfo=shop.zone))
        .values_list("day", "state")
        .annotate(count=Count("pk"))
        .order_by()
    )
    counted: Counter[tuple[date, str]] = Counter({(day, state): n for day, state, n in rows})
    return [
        Day(
            day,
            accepted=counted[day, State.SENT],
            bounced=sum(counted[day, state] for state in BACK),
            failed=sum(counted[day, state] for state in LOST),
        )
        for day in (first + timedelta(days=number) for number in range(DAYS))
    ]


def queue_of(shop: Shop) -> Queue:
    waiting = Q(state__in=WAITING)
    found = (
        MailMessage.objects.for_shop(shop)
        .filter(state__in=(*WAITING, State.HELD))
        .aggregate(
            waiting=Count("pk", filter=waiting),
            oldest=Min("created_at", filter=waiting),
            held=Count("pk", filter=Q(state=State.HELD) & ~UNMADE),
            unmade=Count("pk", filter=UNMADE),
        )
    )
    return Queue(**found)


def accounts_of(shop: Shop) -> list[SendingAccount]:
    """The shop's accounts with what left from each in the last 24 hours. Two queries.

    What is uncertain and waits for its repeat counts again when that has ended.
    """
    accounts = list(SenderAccount.objects.for_shop(shop).present().defer("password"))
    yesterday = timezone.now() - timedelta(hours=24)
    used = dict(
        Delivery.objects.filter(
            account__in=accounts, ended_at__gte=yesterday, dot_at__gte=yesterday
        )
        .values_list("account")
        .annotate(count=Count("pk"))
    )
    return [SendingAccount(each, condition_of(each), used.get(each.pk, 0)) for each in accounts]


def senders() -> list[int]:
    """For each process that sends, how many seconds ago it said so."""
    now = timezone.now()
    beats = WorkerBeat.objects.sending().order_by("started_at")
    moments = beats.values_list("beat_at", flat=True)
    return [max(0, round((now - moment).total_seconds())) for moment in moments]


def chart_data(days: list[Day]) -> dict[str, Any]:
    locale = reader_locale()
    return {
        "labels": [format_date(day.date, "d MMM", locale=locale) for day in days],
        "today": _("Today"),
        "accepted": [day.accepted for day in days],
        "bounced": [day.bounced for day in days],
        "failed": [day.failed for day in days],
        "names": [_("Accepted"), _("Bounced"), _("Failed")],
    }


def greeting(hour: int, name: str) -> str:
    """ "Good morning, Marta", by the shop's clock."""
    words = _("Good morning") if 4 <= hour < 12 else _("Good afternoon")
    words = _("Good evening") if hour >= 18 or hour < 4 else words
    return f"{words}, {name}" if name else words


class Overview(ShopScoped, TemplateView):
    template_name = "panel/overview.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # The start page leads back to the shop one worked in last.
        if request.session.get("shop") != self.shop.slug:
            request.session["shop"] = self.shop.slug
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = self.shop.local(timezone.now())
        days, queue = days_of(self.shop, now.date()), queue_of(self.shop)
        beats, accounts = senders(), accounts_of(self.shop)
        tasks = SetUp(self, accounts).tasks()
        todo = next((task for task in tasks if not task.is_done), None)
        return {
            **super().get_context_data(**kwargs),
            "clock": f"{now:%H:%M}",
            "greeting": greeting(now.hour, getattr(self.request.user, "first_name", "")),
            "today_text": format_date(now, "full", locale=reader_locale()),
            "days": days,
            "today": days[-1],
            "week_ago": days[-8],
            "sums": {
                "accepted": sum(day.accepted for day in days),
                "bounced": sum(day.bounced for day in days),
                "failed": sum(day.failed for day in days),
            },
            "chart": chart_data(days),
            "queue": queue,
            "accounts": accounts,
            "accounts_url": self.url("mailaccounts:accounts", Role.ACCOUNTS),
            "beats": beats,
            "alarm": self._alarm(beats, accounts, queue),
            "tasks": tasks,
            "next_task": todo,
            "tasks_done": sum(task.is_done for task in tasks),
        }

    def url(self, name: str, role: str = Role.VIEWER) -> str:
        """Address of one of the shop's pages; empty if it is not there or not for the reader."""
        return shop_url(name, self.shop) if self.may(role) else ""

    def _alarm(
        self, beats: list[int], accounts: list[SendingAccount], queue: Queue
    ) -> Alarm | None:
        """The worst of what is wrong: no worker, a paused account, mail without a text or held."""
        if not beats:
            return Alarm(
                _("Nothing is sending: start the worker"),
                _(
                    "Messages are kept and leave as soon as it runs. Whoever looks after the "
                    "server starts it: manage.py worker"
                ),
                outranks=True,
            )
        paused = next(
            (each.account for each in accounts if each.account.breaker == Breaker.OPEN), None
        )
        if paused is not None:
            condition = condition_of(paused)
            return Alarm(
                _("The account “%(account)s” is paused") % {"account": paused.label},
                f"{condition.title} {condition.advice}".strip() or paused.breaker_reason,
                self.url("mailaccounts:accounts", Role.ACCOUNTS),
                _("Open the accounts"),
            )
        return self._alarm_of(queue)

    def _alarm_of(self, queue: Queue) -> Alarm | None:
        if queue.unmade:
            title = ngettext(
                "The text of %(count)s message could not be made",
                "The texts of %(count)s messages could not be made",
                queue.unmade,
            )
            text = _("Mend the template; then send them from the log, all at once.")
            url = f"{self.url('maillog:log')}?state={GENERATION_FAILURE}"
            return Alarm(title % {"count": queue.unmade}, text, url, _("Show them"))
        if not queue.held:
            return None
        title = ngettext(
            "%(count)s message is held and waits for you",
            "%(count)s messages are held and wait for you",
            queue.held,
        )
        text = _("Each says why: an approval, a missing account, a limit that is used up.")
        url = f"{self.url('maillog:log')}?state={State.HELD}"
        return Alarm(title % {"count": queue.held}, text, url, _("Show them"))
