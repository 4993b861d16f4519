"""Back into the queue under the same Message-ID, by a person's decision."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import Case, F, Q, When
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from mailaccounts.models import AccountState, SenderAccount
from maillog.models import MailMessage
from maillog.moves import move
from maillog.states import State

AGAIN_EXPIRES = timedelta(hours=48)
_SENDER_FIELDS = ("account", "from_name", "from_address", "reply_to")


class CannotResend(Exception):
    """``str()`` says to staff why not."""


def account_of(message: MailMessage) -> SenderAccount | None:
    """The account it left from, or the main one where that may not send any more."""
    account = message.account
    if account is not None and account.state == AccountState.ACTIVE:
        return account
    return SenderAccount.objects.main_of(message.shop) if message.shop else account


def put_back(
    message: MailMessage, deliveries: Iterable[UUID], *changed: str, keeps_time: bool = False
) -> None:
    """Queues ``deliveries`` anew, saving the ``changed`` fields of their message along with it.

    They are due now; with ``keeps_time`` not before their own time. The caller holds a transaction
    and wakes a worker. Raises ``CannotResend`` where there is no account to send from.
    """
    now, rows = timezone.now(), Q(pk__in=list(deliveries))
    if message.account is None or message.account.state != AccountState.ACTIVE:
        _give_account(message)
    latest = message.deliveries.filter(rows).order_by("-due_at").values_list("due_at", flat=True)
    begins = max(now, latest[0]) if keeps_time else now
    message.expires_at = begins + max(message.lifetime, AGAIN_EXPIRES)
    message.detail = ""
    message.save(update_fields=["expires_at", "detail", *_SENDER_FIELDS, *changed])
    move(
        rows,
        State.QUEUED,
        reason="",
        due_at=Greatest(F("due_at"), now) if keeps_time else now,
        expires_at=message.expires_at,
        account=message.account_id,
        alone=False,
        lone_claims=0,
        # An uncertain one has its repeat by this. What was uncertain before stays counted: an
        # account's limit asks for it.
        repeats=F("repeats") + Case(When(state=State.UNKNOWN, then=1), default=0),
        cancel_requested=False,
    )


def _give_account(message: MailMessage) -> None:
    """What has no account that may send leaves from the shop's main one, under its name."""
    account = message.account = account_of(message)
    if account is None:
        raise CannotResend(_("The shop has no account to send from. Add one first."))
    message.from_name, message.from_address = account.from_name, account.from_address
    message.reply_to = message.reply_to or account.reply_to
