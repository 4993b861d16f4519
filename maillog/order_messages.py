"""Shows orders what was written about them. Fills ``shops.previews``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.db.models import Exists, F, OuterRef, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from maillog.generation_failure import is_unmade, state_text
from maillog.models import Delivery, MailMessage
from maillog.registry import names_of
from maillog.states import WAITING, Reason, Role, State
from shops.models import Shop
from shops.previews import SentMessage

# An order with more messages than this has a fault that its page need not show in full.
MOST = 200
# The snapshot and the search text are large and not shown.
SHOWN = (
    "message_type",
    "order_number",
    "to_text",
    "state",
    "reason",
    "detail",
    "channel",
    "created_at",
)
# A claim is too frequent to be rolled up onto the message; who looks at it wants to know.
AT_WORK = Exists(
    Delivery.objects.filter(message=OuterRef("pk"), role=Role.MAIN, state=State.CLAIMED)
)
TONES: dict[State, str] = {
    State.QUEUED: "hol",
    State.CLAIMED: "hol",
    State.DEFERRED: "warn",
    State.SENT: "ok",
    State.UNKNOWN: "warn",
    State.FAILED: "bad",
    State.HELD: "warn",
    State.EXPIRED: "bad",
    State.CANCELLED: "idle",
    State.SUPPRESSED: "warn",
    State.NOT_SENT: "idle",
    State.BOUNCED: "bad",
    State.COMPLAINED: "bad",
}


def tone_of(row: MailMessage | Delivery) -> str:
    """The colour of a row's state. A customer waits for what has no text as for what failed."""
    return "bad" if is_unmade(row) else TONES[State(row.state)]


def messages_of(shop: Shop, number: str) -> Iterator[SentMessage]:
    """Every message about one order, whatever became of it."""
    found = MailMessage.objects.for_shop(shop).filter(order_number=number).newest_first()
    return _shown(shop, found.only(*SHOWN).annotate(at_work=AT_WORK)[:MOST])


def newest_of(shop: Shop, numbers: Sequence[str]) -> dict[str, SentMessage]:
    """The newest message that was to leave, for each of the orders; one query."""
    place = Window(RowNumber(), partition_by=F("order_number"), order_by=F("id").desc())
    found = (
        MailMessage.objects.for_shop(shop)
        .filter(order_number__in=numbers)
        .exclude(state=State.NOT_SENT)
        .annotate(place=place)
        .filter(place=1)
    )
    rows = list(found.only(*SHOWN).annotate(at_work=AT_WORK))
    return {row.order_number: shown for row, shown in zip(rows, _shown(shop, rows), strict=True)}


def _shown(shop: Shop, rows: Iterable[MailMessage]) -> Iterator[SentMessage]:
    found = list(rows)
    names = names_of((each.message_type for each in found), shop)
    return (_as_sent(shop, each, names[each.message_type]) for each in found)


def _as_sent(shop: Shop, message: MailMessage, name: str) -> SentMessage:
    if message.at_work:  # type: ignore[attr-defined]
        message.state = State.CLAIMED
    state = State(message.state)
    return SentMessage(
        id=str(message.pk),
        name=name,
        to=message.to_text,
        state=state_text(message),
        tone=tone_of(message),
        at=message.created_at,
        url=reverse("maillog:message", args=[shop.slug, message.pk]),
        reason=message.detail or (str(Reason(message.reason).label) if message.reason else ""),
        channel=message.channel,
        is_moving=state in WAITING,
        left=state != State.NOT_SENT,
    )
