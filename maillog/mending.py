"""A message whose text could not be made leaves once its template is mended.

No other message ever gets other words than those it was queued with: a change of a template
reaches only what has no text at all.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maillog import generation_alarms, registry
from maillog.generation_failure import MENDABLE
from maillog.hindrances import look_up
from maillog.kept_files import keep_files
from maillog.loading import has_body
from maillog.models import Delivery, MailMessage
from maillog.moves import move
from maillog.outbox import COPY_PRIORITY
from maillog.registry import CannotMend, Mended, RenderFailed
from maillog.requeue import CannotResend, put_back
from maillog.states import Reason, Role, State
from maillog.storing import take_key
from maillog.wake import wake_on_commit
from shops.models import AuditEntry
from shops.search_text import fold

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

logger = logging.getLogger(__name__)

_OVER: dict[Reason, Promise] = {
    Reason.RESET: gettext_lazy("A reset has silenced it meanwhile: it is not sent."),
    Reason.SAID: gettext_lazy("Another message has said it meanwhile: it is not sent."),
}
_WORDS = ("template_version", "language", "subject", "context", "reply_to", "search", "has_files")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one message: so many deliveries are queued, or ``why_not`` tells staff why
    none is, where it is not the ``mistake`` in its template. ``is_over``: it never will be."""

    queued: int = 0
    why_not: str = ""
    mistake: str = ""
    is_over: bool = False


def mend(message: MailMessage, by: AbstractUser | None = None) -> int:
    """Gives ``message`` the words that its shop uses now and queues it.

    Returns how many deliveries are queued: 0 if somebody else has done so meanwhile. Raises
    ``CannotResend`` where its text cannot be made still, and where it must not leave any more:
    then it is cancelled.
    """
    result = mend_one(message.pk, by)
    if message.shop is not None:
        generation_alarms.clear_what_is_over([message.shop])
    if result.mistake:
        raise CannotResend(_("Its text still cannot be made: %s") % result.mistake)
    if result.why_not:
        raise CannotResend(result.why_not)
    return result.queued


def mend_one(pk: UUID, by: AbstractUser | None = None) -> Result:
    """``mend`` for many: says instead of raising, and leaves alarms alone."""
    try:
        with transaction.atomic():
            return _mend(pk, by)
    except CannotResend as reason:
        return Result(why_not=str(reason))


def _mend(pk: UUID, by: AbstractUser | None) -> Result:
    # The deliveries before the message, as an outcome does. Of two who click at once the second
    # waits here, and finds nothing.
    held = Delivery.objects.filter(MENDABLE, message=pk).exclude(role=Role.IMAP).order_by("pk")
    rows = list(held.select_for_update().values_list("pk", flat=True))
    if not rows:
        return Result()
    message = MailMessage.objects.select_related("account", "shop").get(pk=pk)
    try:
        # With a text a part of it may have left: the rest says the same.
        words = None if has_body(message) else _words_for(message)
    except CannotMend as reason:
        return Result(why_not=str(reason))
    except RenderFailed as error:
        MailMessage.objects.filter(pk=pk).update(detail=str(error)[:2000])
        return Result(mistake=str(error))
    if (over := _why_over(message, words)) is not None:
        return _cancelled(message, rows, over)
    if words is not None:
        rows += _take_over(message, words, rows)
    message.notes = [*dict.fromkeys([*message.notes, "mended"])]
    put_back(message, rows, "notes", *_WORDS, keeps_time=True)
    AuditEntry.note("message.mended", shop=message.shop, user=by, target=message.pk)
    if message.account_id:
        wake_on_commit(message.account_id)
    return Result(len(rows))


def _words_for(message: MailMessage) -> Mended:
    try:
        return registry.menders[message.channel](message)
    except (CannotMend, RenderFailed, DatabaseError):
        raise
    except Exception as error:
        # One message that nobody foresaw must not hold up all the others.
        logger.exception("message %s could not be made anew", message.pk)
        raise RenderFailed(type(error).__name__) from error


def _why_over(message: MailMessage, words: Mended | None) -> Reason | None:
    """What has happened since that keeps it from leaving. Takes the key of what it says.

    Suppression and test mode are asked for when it is sent, as for all mail.
    """
    if message.shop is not None and words is not None:
        found = look_up(message.shop, message.message_type, words.imported_at, [])
        if found.is_reset:
            return Reason.RESET
    return None if take_key(message) else Reason.SAID


def _cancelled(message: MailMessage, rows: list[UUID], reason: Reason) -> Result:
    mine = Q(pk__in=rows)
    if move(mine, State.CANCELLED, reason=reason, ended_at=timezone.now()):
        MailMessage.objects.filter(pk=message.pk).update(detail="")
    return Result(why_not=str(_OVER[reason]), is_over=True)


def _take_over(message: MailMessage, words: Mended, rows: list[UUID]) -> list[UUID]:
    """Writes ``words`` into ``message``, which the caller saves; returns deliveries it adds.

    ``rows`` are those it has. One that is composed anew was stored without its delay.
    """
    message.template_version, message.language = words.template_version, words.language
    message.subject, message.context = words.subject, words.context
    message.reply_to = words.reply_to
    message.search = fold(f"{words.subject} {message.to_text} {message.order_number}")
    if words.files:
        keep_files(message, [(each, "") for each in words.files])
        message.has_files = True
    message.notes = [*message.notes, *words.notes]
    held = message.deliveries.filter(pk__in=rows)
    if words.delay:
        held.update(due_at=F("due_at") + words.delay)
    return [_add_copy(message, address, held.latest("due_at").due_at) for address in words.copies]


def _add_copy(message: MailMessage, address: str, due_at: datetime) -> UUID:
    values = {
        "account": message.account,
        "state": State.HELD,
        "reason": Reason.TEMPLATE,
        "priority": COPY_PRIORITY,
        "due_at": due_at,
        "expires_at": message.expires_at,
        "envelope_to": address,
    }
    copies = Delivery.objects.filter(message=message)
    return copies.get_or_create(values, message=message, role=Role.COPY, address=address)[0].pk
