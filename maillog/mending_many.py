"""Everything that waited for a mended template is sent: at once where it is little, else by tasks.

How far the tasks have come is kept in the cache, which all processes share; if it is lost, only the
figures are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import QuerySet
from django.utils.translation import ngettext

from maillog import generation_alarms
from maillog.generation_failure import unmade_of
from maillog.mending import mend_one
from maillog.models import MailMessage
from shops.models import Shop

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

AT_ONCE = 50  # a person waits for so many
BATCH = 200  # in one task
# Seconds. A task that is lost with its process must not stand in the way of the button for long.
LOST_AFTER, TOLD_FOR = 300, 600


@dataclass(frozen=True, slots=True)
class Which:
    """All messages of a shop that have no text, or those of one type or language."""

    code: str = ""
    language: str = ""

    def of(self, shop: Shop) -> QuerySet[MailMessage]:
        return unmade_of(shop, self.code, self.language)


@dataclass(frozen=True, slots=True)
class Tally:
    """What has become of many: queued, over (cancelled), failing, with the trouble of the first.
    ``left``: so many have not been looked at yet."""

    queued: int = 0
    over: int = 0
    failing: int = 0
    why_not: str = ""
    left: int = 0

    @property
    def is_done(self) -> bool:
        return self.left <= 0

    def in_words(self) -> str:
        parts = [
            ngettext("%(n)s is on its way", "%(n)s are on their way", self.queued)
            % {"n": self.queued}
        ]
        if self.over:
            told = ngettext("%(n)s is not sent any more", "%(n)s are not sent any more", self.over)
            parts.append(told % {"n": self.over})
        if self.failing:
            told = ngettext("%(n)s still fails", "%(n)s still fail", self.failing)
            parts.append(f"{told % {'n': self.failing}}: {self.why_not}")
        return ", ".join(parts).removesuffix(".") + "."


def mend_all(
    shop: Shop, which: Which | None = None, by: AbstractUser | None = None
) -> Tally | None:
    """Mends and queues what ``which`` names; None where it is so much that tasks do it.

    Then ``progress_of`` tells how far they are.
    """
    which = which or Which()
    count = which.of(shop).count()
    if count <= AT_ONCE or not apps.is_installed("django_q"):
        return _mended(shop, which.of(shop).order_by("id"), by)
    waiting = Tally(left=count)
    running = progress_of(shop)
    if running is None or running.is_done:
        _note(shop, waiting)
        _enqueue(shop.pk, which, by.pk if by else None, "")
    return None


def progress_of(shop: Shop) -> Tally | None:
    """How far the tasks are, or what came of them lately."""
    kept: dict[str, Any] | None = cache.get(_key(shop))
    return Tally(**kept) if kept else None


def go_on(shop_id: int, which: Which, by_id: int | None, after: str) -> int:
    """One task's part: those that follow the id ``after``; returns how many were looked at."""
    shop = Shop.objects.get(pk=shop_id)
    by = get_user_model().objects.filter(pk=by_id).first() if by_id else None
    rows = which.of(shop).order_by("id")
    if after:
        rows = rows.filter(id__gt=UUID(after))
    ids = list(rows.values_list("id", flat=True)[:BATCH])
    before = progress_of(shop) or Tally()
    now = _mended(shop, MailMessage.objects.filter(pk__in=ids).order_by("id"), by)
    left = rows.filter(id__gt=ids[-1]).count() if ids else 0
    _note(shop, replace(_sum(before, now), left=left))
    if left:
        _enqueue(shop_id, which, by_id, str(ids[-1]))
    return len(ids)


def _mended(shop: Shop, rows: QuerySet[MailMessage], by: AbstractUser | None) -> Tally:
    results = [mend_one(pk, by) for pk in rows.values_list("pk", flat=True)]
    generation_alarms.clear_what_is_over([shop])
    troubles = [each.mistake or each.why_not for each in results if not each.is_over]
    failing = [each for each in troubles if each]
    return Tally(
        queued=sum(each.queued > 0 for each in results),
        over=sum(each.is_over for each in results),
        failing=len(failing),
        why_not=next(iter(failing), ""),
    )


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(
        queued=one.queued + other.queued,
        over=one.over + other.over,
        failing=one.failing + other.failing,
        why_not=one.why_not or other.why_not,
    )


def _enqueue(shop_id: int, which: Which, by_id: int | None, after: str) -> None:
    from django_q.tasks import async_task

    async_task("maillog.tasks.mend_batch", shop_id, asdict(which), by_id, after)


def _note(shop: Shop, tally: Tally) -> None:
    cache.set(_key(shop), asdict(tally), TOLD_FOR if tally.is_done else LOST_AFTER)


def _key(shop: Shop) -> str:
    return f"maillog.mending.{shop.pk}"
