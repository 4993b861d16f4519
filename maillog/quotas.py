"""What is done about limits that are nearly or wholly used up: people are told, and mail that
would come too late goes another way. Looked at once a minute; claims ask ``maillog.limits``.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailaccounts.models import Kind, SenderAccount
from maillog import limits, relocation
from maillog.clock import db_now, later_sql
from maillog.limits import Usage
from maillog.models import Delivery
from maillog.moves import move
from maillog.states import DUE, Reason, Role, State
from shops.alarms import clear_alarm, raise_alarm
from shops.models import Alarm

ALARM = "account.quota"
WARN_AT = 80  # per cent of a day's limit
NEXT_LOOK = timedelta(seconds=120)
BATCH = 500


def look() -> None:
    """One round. Two at once do no harm."""
    hot = _look_at_limits() | _look_at_soft_limits()
    for alarm in _open_alarms().select_related("shop"):
        if alarm.target not in hot:
            clear_alarm(ALARM, shop=alarm.shop, target=alarm.target)


def _open_alarms() -> QuerySet[Alarm]:
    return Alarm.objects.filter(code=ALARM, closed_at=None)


def _look_at_limits() -> set[str]:
    """Targets of the alarms that stand."""
    is_limited = Q(per_day__isnull=False) | Q(per_minute__isnull=False)
    mine = list(
        SenderAccount.objects.usable().filter(is_limited).select_related("shop", "fallback")
    )
    used = limits.usage(mine)
    hot = set()
    for account in mine:
        found = used[account.pk]
        held = _save_from_expiry(account, found)
        if held or (account.per_day is not None and found.percent >= WARN_AT):
            hot.add(_target(account))
            _tell(account, found, held)
        elif account.per_day is None and _is_behind(account, found):
            hot.add(_target(account))
    return hot


def _is_behind(account: SenderAccount, found: Usage) -> bool:
    """True if an alarm about so many a minute is open and more waits than leaves in a minute."""
    is_told = _open_alarms().filter(target=_target(account)).exists()
    return is_told and _beyond(account, found) is not None


def _save_from_expiry(account: SenderAccount, found: Usage) -> int:
    """What would expire before there is room goes to the fallback account, else to a person.

    Returns how many messages are held. Copies are shed: they just expire.
    """
    # Until the next look at least: what expires before it would be given up in silence.
    until = timezone.now() + NEXT_LOOK
    if found.next_free_at is not None:
        until = max(found.next_free_at, until)
    late = Q(~Q(role__in=(Role.COPY, Role.IMAP)), account=account, state__in=DUE)
    late &= Q(expires_at__lte=until)
    if not Delivery.objects.filter(late).exists():
        return 0
    beyond = _beyond(account, found)
    if beyond is None:
        return 0
    late &= beyond
    relocation.move_what_fits(account, late)
    rows = Delivery.objects.filter(late).order_by("expires_at")
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    with transaction.atomic():
        mine = Q(pk__in=ids, account=account)
        return len(move(mine, State.HELD, reason=Reason.LIMIT, ended_at=db_now()))


def _beyond(account: SenderAccount, found: Usage) -> Q | None:
    """What stands in line behind all that may leave within a minute; None if nothing does."""
    room = limits.room_within(account, found, limits.MINUTE)
    if room is None:
        return None
    beyond = _behind(account, room.ordinary)
    if beyond is None or room.total == room.ordinary:
        return beyond
    # The reserve is there for the others.
    return beyond & Q(message__critical=False)


def _behind(account: SenderAccount, count: int) -> Q | None:
    """All but the first ``count`` of the account's line, in the order in which it is claimed."""
    line = Delivery.objects.filter(~Q(role=Role.IMAP), account=account, state__in=DUE)
    order = ("priority", "due_at", "pk")
    first = line.order_by(*order).values_list(*order)[count : count + 1].first()
    if first is None:
        return None
    priority, due_at, pk = first
    same = Q(due_at__gt=due_at) | Q(due_at=due_at, pk__gte=pk)
    return Q(priority__gt=priority) | Q(same, priority=priority)


def _tell(account: SenderAccount, found: Usage, held: int) -> None:
    is_full = found.today >= (found.per_day or 0) or found.next_free_at is not None or held > 0
    facts = {"address": account.from_address, "used": found.today, "limit": account.per_day}
    if account.per_day is None:
        facts["limit"] = account.per_minute
        title = _("%(limit)s messages a minute from %(address)s are too few")
        text = _(
            "Mail comes in faster than it may leave. To send more, raise the limit if the provider "
            "allows it, or send from another account."
        )
    elif not is_full:
        title = _("%(address)s has nearly used up its limit: %(used)s of %(limit)s in 24 hours")
        text = _("Beyond the limit mail waits, and leaves by itself when there is room again.")
    else:
        title = _("%(address)s has used up its limit: %(used)s of %(limit)s in 24 hours")
        text = _(
            "Mail waits and leaves by itself as the 24 hours move on. To send more, raise the "
            "limit if the provider allows it, or send from another account."
        )
    if account.per_day is not None and is_full and found.today < account.per_day:
        reserve = _("The rest is kept for messages that cannot wait, such as new passwords.")
        text = f"{text} {reserve}"
    if held:
        more = ngettext(
            "%(count)s message is held, because it would have come too late.",
            "%(count)s messages are held, because they would have come too late.",
            held,
        )
        text = f"{text} {more % {'count': held}}"
    _raise(account, title % facts, text, urgent=is_full)


def _look_at_soft_limits() -> set[str]:
    """The installation's own server has no limit of its own, but receivers notice such numbers."""
    hot = set()
    for pk, used in _soft_use():
        account = SenderAccount.objects.select_related("shop").get(pk=pk)
        hot.add(_target(account))
        facts = {"address": account.from_address, "limit": limits.SOFT_LIMIT}
        title = _("%(address)s has sent %(limit)s messages in 24 hours from this server")
        if used < limits.SOFT_LIMIT:
            title = _("%(address)s will soon have sent %(limit)s messages in 24 hours")
        text = _(
            "Mail goes on. So many messages a day from a server of one's own are easily taken for "
            "spam; a provider of mail suits them better."
        )
        _raise(account, title % facts, text, urgent=False)
    return hot


def _soft_use() -> list[tuple[int, int]]:
    """Accounts near the soft limit, with what they sent. Counts no further than to the limit: a
    server that sends a hundred thousand a day must not be counted through each minute."""
    ended, dot = -limits.DAY - limits.CLOCKS_DIFFER, -limits.DAY
    sent = (
        "SELECT count(*) FROM (SELECT 1 FROM maillog_delivery d WHERE d.account_id = a.id"
        f" AND d.ended_at >= {later_sql(ended)} AND d.dot_at >= {later_sql(dot)}"
        f" AND NOT (d.role = '{Role.IMAP.value}') LIMIT {limits.SOFT_LIMIT}) sent"
    )
    sql = (
        f"SELECT id, used FROM (SELECT a.id, ({sent}) AS used FROM mailaccounts_senderaccount a"
        f" WHERE a.state = 'active' AND a.kind = '{Kind.SERVER.value}' AND a.per_day IS NULL) u"
        f" WHERE used * 100 >= {limits.SOFT_LIMIT * WARN_AT}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        return [(int(pk), int(used)) for pk, used in cursor.fetchall()]


def _raise(account: SenderAccount, title: str, text: str, *, urgent: bool) -> None:
    path = ""
    if account.shop is not None:
        path = reverse(
            "mailaccounts:account_edit", kwargs={"shop": account.shop.slug, "pk": account.pk}
        )
    raise_alarm(
        ALARM,
        shop=account.shop,
        target=_target(account),
        title=title,
        text=text,
        path=path,
        urgent=urgent,
    )


def _target(account: SenderAccount) -> str:
    return f"account:{account.pk}"
