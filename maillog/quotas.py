"""What is done about limits that are nearly or wholly used up: people are told, and mail that
would come too late goes another way. Looked at once a minute; claims ask ``maillog.limits``.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Q
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
    for alarm in Alarm.objects.filter(code=ALARM, closed_at=None).select_related("shop"):
        if alarm.target not in hot:
            clear_alarm(ALARM, shop=alarm.shop, target=alarm.target)


def _look_at_limits() -> set[str]:
    """Targets of the alarms that stand."""
    accounts = SenderAccount.objects.usable().filter(per_day__isnull=False)
    mine = list(accounts.select_related("shop", "fallback"))
    used = limits.usage(mine)
    hot = set()
    for account in mine:
        found = used[account.pk]
        held = _save_from_expiry(account, found)
        if found.percent >= WARN_AT or held:
            hot.add(_target(account))
            _tell(account, found, held)
    return hot


def _save_from_expiry(account: SenderAccount, found: Usage) -> int:
    """What would expire before there is room goes to the fallback account, else to a person.

    Returns how many messages are held. Copies are shed: they just expire.
    """
    if found.next_free_at is None or found.percent < WARN_AT:
        return 0
    # Until the next look at least: what expires before it would be given up in silence.
    until = max(found.next_free_at, timezone.now() + NEXT_LOOK)
    late = Q(~Q(role__in=(Role.COPY, Role.IMAP)), account=account, state__in=DUE)
    late &= Q(expires_at__lte=until)
    if found.per_day and found.today < found.per_day:
        late &= Q(message__critical=False)  # the reserve is there for the others
    relocation.to_fallback(account, late)
    ids = list(Delivery.objects.filter(late).values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    with transaction.atomic():
        rows = Q(pk__in=ids, account=account)
        return len(move(rows, State.HELD, reason=Reason.LIMIT, ended_at=db_now()))


def _tell(account: SenderAccount, found: Usage, held: int) -> None:
    is_full = found.today >= (found.per_day or 0) or found.next_free_at is not None or held > 0
    facts = {"address": account.from_address, "used": found.today, "limit": found.per_day}
    if not is_full:
        title = _("%(address)s has nearly used up its limit: %(used)s of %(limit)s in 24 hours")
        text = _("Beyond the limit mail waits, and leaves by itself when there is room again.")
    else:
        title = _("%(address)s has used up its limit: %(used)s of %(limit)s in 24 hours")
        text = _(
            "Mail waits and leaves by itself as the 24 hours move on. To send more, raise the "
            "limit if the provider allows it, or send from another account."
        )
    if is_full and found.today < (found.per_day or 0):
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
