"""The log's filter and its pages: what is shown, and how one gets on from there.

Everything is walked by the UUIDv7 id, newest first: dates are bounds of ids, and a page begins
below the last id of the one before, so that depth costs nothing. Nothing is ever counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.formats import date_format

from maillog.forms import CAME_BACK, GIVEN_UP, ON_ITS_WAY, TROUBLE, LogFilterForm
from maillog.generation_failure import GENERATION_FAILURE, UNMADE
from maillog.models import MailMessage
from maillog.states import WAITING, Reason, State
from shops.models import Shop
from shops.search_text import fold
from shops.uuid7 import lowest_at

PAGE = 50
MOST_WORDS = 10
# What a UUIDv7, and a day after it, can still tell.
FIRST_DAY, LAST_DAY = date(1971, 1, 1), date(9999, 12, 30)
GROUPS: dict[str, tuple[State, ...]] = {
    ON_ITS_WAY: WAITING,
    TROUBLE: (
        State.FAILED,
        State.BOUNCED,
        State.EXPIRED,
        State.HELD,
        State.UNKNOWN,
        State.SUPPRESSED,
    ),
    GIVEN_UP: (State.FAILED, State.EXPIRED),
    CAME_BACK: (State.BOUNCED, State.COMPLAINED),
}
# The snapshot and the search text are large, and a list does not show them.
LISTED = (
    "has_files",
    "subject",
    "to_text",
    "message_type",
    "state",
    "reason",
    "failed_recipients",
    "recipient_count",
    "created_at",
)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What one reader asked the log for, as the address holds it."""

    form: LogFilterForm
    zone: tzinfo
    own: bool = False

    @classmethod
    def from_query(
        cls, query: Mapping[str, Any], shop: Shop, *, own_allowed: bool = False
    ) -> LogFilter:
        """Reads ``request.GET``. What makes no sense is left out; ``form`` says so at its field.

        ``own`` in the query asks for the installation's own mail, which has no shop.
        """
        own = own_allowed and bool(query.get("own"))
        form = LogFilterForm(query, shop=None if own else shop)
        form.is_valid()
        return cls(form, shop.zone, own)

    def value(self, name: str) -> Any:
        """What one field holds; None where it is empty or makes no sense."""
        return self.form.cleaned_data.get(name)

    def apply(self, messages: QuerySet[MailMessage]) -> QuerySet[MailMessage]:
        """``messages`` narrowed down. What was never to be sent shows only when asked for."""
        for condition in self._conditions():
            messages = messages.filter(condition)
        if not self.value("state"):
            messages = messages.exclude(state=State.NOT_SENT)
        return messages

    def _conditions(self) -> Iterator[Q]:
        yield from (Q(search__contains=word) for word in words_of(self.value("q")))
        yield from (_in_subject(word) for word in words_of(self.value("subject"), folded=False))
        for word in words_of(self.value("recipient"), folded=False):
            yield Q(search__contains=fold(word), to_text__icontains=word)
        if self.value("sender"):
            yield Q(account_id=self.value("sender"))
        if self.value("type"):
            yield Q(message_type=self.value("type"))
        if self.value("state"):
            yield _in_state(self.value("state"))
        if self.value("since"):
            yield Q(id__gte=self._first_id(self.value("since")))
        if self.value("until"):
            after = min(self.value("until"), LAST_DAY) + timedelta(days=1)
            yield Q(id__lt=self._first_id(after))

    def _first_id(self, day: date) -> UUID:
        """The lowest id that a message made on ``day`` of the shop's calendar can have."""
        return lowest_at(datetime.combine(max(day, FIRST_DAY), time(), tzinfo=self.zone))

    @property
    def is_set(self) -> bool:
        return any(self.form.cleaned_data.values())

    def in_words(self) -> list[str]:
        """“Recipient: nowak” and so on, for a list that came out empty."""
        return [
            f"{self.form[name].label}: {self._shown(name, value)}"
            for name, value in self.form.cleaned_data.items()
            if value
        ]

    def _shown(self, name: str, value: Any) -> str:
        if isinstance(value, date):
            return date_format(value)
        choices = dict(getattr(self.form.fields[name], "choices", ()))
        return str(choices.get(value, value))


def _in_state(asked: str) -> Q:
    """As people count: what has no text is no part of what is held."""
    if asked == GENERATION_FAILURE:
        return UNMADE
    if asked == State.HELD:
        return Q(state=State.HELD) & ~Q(reason=Reason.TEMPLATE)
    return Q(state__in=GROUPS.get(asked, (asked,)))


def words_of(text: str | None, *, folded: bool = True) -> list[str]:
    """The words of a query, all of which must be found."""
    return ((fold(text) if folded else text) if text else "").split()[:MOST_WORDS]


def _in_subject(word: str) -> Q:
    """Subjects with ``word``, with or without its accents.

    Only ``search`` is folded, and it holds recipients and order numbers too: what is found there
    and in neither of those two is in the subject.
    """
    elsewhere = Q(to_text__icontains=word) | Q(order_number__icontains=word)
    return Q(search__contains=fold(word)) & (Q(subject__icontains=word) | ~elsewhere)


@dataclass(frozen=True, slots=True)
class Page:
    """One screenful. ``newer`` and ``older`` are the ids to go on from, None at the ends."""

    messages: Sequence[MailMessage]
    newer: UUID | None = None
    older: UUID | None = None


def page_of(
    messages: QuerySet[MailMessage], *, before: UUID | None = None, after: UUID | None = None
) -> Page:
    """The newest messages, or those next to an id. One query, and as fast at any depth."""
    rows = messages.only(*LISTED)
    if after is not None:
        found = list(rows.filter(id__gt=after).order_by("id")[: PAGE + 1])
        shown = found[:PAGE][::-1]
        more_newer, more_older = len(found) > PAGE, True
    else:
        if before is not None:
            rows = rows.filter(id__lt=before)
        found = list(rows.order_by("-id")[: PAGE + 1])
        shown = found[:PAGE]
        more_newer, more_older = before is not None, len(found) > PAGE
    if not shown:
        return Page([])
    return Page(shown, shown[0].pk if more_newer else None, shown[-1].pk if more_older else None)


def read_id(text: str | None) -> UUID | None:
    """An id from an address; None for anything else."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
