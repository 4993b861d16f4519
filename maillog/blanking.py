"""Bodies of sensitive messages are kept only as long as they are needed to send them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from maillog.models import Delivery, MailMessage, MessageBody
from maillog.states import State

# May still be sent, by a worker or by a person's decision.
OPEN = (State.QUEUED, State.CLAIMED, State.DEFERRED, State.HELD, State.UNKNOWN)


def blank_ended(messages: Iterable[UUID]) -> int:
    """Blanks text and context of those that are sensitive and have ended; returns how many.

    Their links sign somebody in: after the verdict nobody needs them, and who reads the database
    or a backup must not find them. Called in the transaction that ends them.
    """
    too_late = Q(state=State.UNKNOWN, expires_at__lte=timezone.now())
    still_open = Delivery.objects.filter(~too_late, message=OuterRef("pk"), state__in=OPEN)
    ended = MailMessage.objects.filter(~Exists(still_open), pk__in=list(messages), sensitive=True)
    ids = list(ended.values_list("pk", flat=True))
    if ids:
        MessageBody.objects.filter(message__in=ids).update(html="", text="")
        MailMessage.objects.filter(pk__in=ids).update(context=None)
    return len(ids)
