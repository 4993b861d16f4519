"""People are told when texts of a type cannot be made, and once more when none is left.

Looked at once a minute, never while an order is saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Count, Min, Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from maillog.generation_failure import GENERATION_FAILURE, UNMADE, explained, unmade_of
from maillog.models import MailMessage
from maillog.registry import type_name
from shops.alarms import clear_alarm, raise_alarm, speaking_to
from shops.models import Alarm, Shop
from shops.templatetags.panel import moment_text

ALARM = "template.failing"
# A customer who has paid waits for it; what is critical (new passwords) waits for nobody either.
URGENT = ("order.placed",)


@dataclass(frozen=True, slots=True)
class Heap:
    """The messages of one type that have no text, in one shop."""

    shop: Shop
    code: str
    count: int
    since: datetime
    is_critical: bool

    @property
    def is_urgent(self) -> bool:
        return self.is_critical or self.code in URGENT


def look() -> None:
    """One round. Two at once do no harm."""
    shops = list(Shop.objects.all())
    for heap in _heaps(shops):
        with speaking_to(heap.shop):
            _tell(heap)
    clear_what_is_over(shops)


def clear_what_is_over(shops: Iterable[Shop]) -> None:
    """Closes the alarms about types of which nothing is left."""
    for alarm in Alarm.objects.filter(code=ALARM, shop__in=shops, closed_at=None):
        shop = alarm.shop
        if shop is None or unmade_of(shop, alarm.target).exists():
            continue
        with speaking_to(shop):
            title = _("No message “%(type)s” waits for its text any more")
            named = {"type": type_name(alarm.target, shop)}
            clear_alarm(ALARM, shop=shop, target=alarm.target, title=title % named)


def _heaps(shops: list[Shop]) -> Iterator[Heap]:
    """One query; by shop and state, as an index of the log has them."""
    by_id = {shop.pk: shop for shop in shops}
    found = MailMessage.objects.filter(UNMADE, shop__in=by_id).values_list("shop", "message_type")
    critical = Count("pk", filter=Q(critical=True))
    rows = found.annotate(Count("pk"), Min("created_at"), critical=critical).order_by()
    for shop, code, count, since, critical_ones in rows:
        yield Heap(by_id[shop], code, count, since, critical_ones > 0)


def _tell(heap: Heap) -> None:
    facts = {"count": heap.count, "type": type_name(heap.code, heap.shop)}
    title = ngettext(
        "%(count)s message “%(type)s” could not be made",
        "%(count)s messages “%(type)s” could not be made",
        heap.count,
    )
    raise_alarm(
        ALARM,
        shop=heap.shop,
        target=heap.code,
        title=title % facts,
        text=_text(heap),
        path=log_path(heap.shop, heap.code),
        urgent=heap.is_urgent,
    )


def _text(heap: Heap) -> str:
    first = unmade_of(heap.shop, heap.code).order_by("id").values_list("detail", flat=True).first()
    where, mistake = explained(first or "")
    zone = heap.shop.zone
    since = moment_text(heap.since.astimezone(zone), timezone.now().astimezone(zone), "long")
    text = _("Since %(time)s. Mend the template; then send them from the log, all at once.")
    about = " ".join(part for part in (where, mistake) if part)
    return "\n".join((text % {"time": since}, about))


def log_path(shop: Shop, code: str = "") -> str:
    """The log's view of what could not be made, of one type where ``code`` is given."""
    query = {"state": GENERATION_FAILURE} | ({"type": code} if code else {})
    try:
        return f"{reverse('maillog:log', args=[shop.slug])}?{urlencode(query)}"
    except NoReverseMatch:  # somebody else's project without our pages
        return ""
