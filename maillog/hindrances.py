"""What keeps a message from some or all of its recipients when it is queued, or lets it wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from maillog.clock import from_db_id, is_postgresql
from maillog.models import Suppression
from maillog.states import WAITING, Role
from shops import quick_sql
from shops.addresses import is_usable, normalise
from shops.models import Shop

FEW = 20  # addresses for which a plan is kept
LATEST = 3  # messages about one order that are looked at
_RESET = "*"  # no address is written so


@dataclass(frozen=True, slots=True)
class Hindrances:
    """``is_reset``: a reset mark silences it. ``suppressed`` holds normalised addresses,
    ``earlier`` by such an address the delivery that goes first: the last one about the same order
    that waits and is due no later."""

    is_reset: bool = False
    suppressed: frozenset[str] = frozenset()
    earlier: Mapping[str, UUID] = field(default_factory=dict)

    def stops(self, address: str) -> bool:
        """True if the shop does not write to ``address``, which is usable, at present."""
        return bool(self.suppressed) and normalise(address) in self.suppressed

    def goes_after(self, address: str) -> UUID | None:
        return self.earlier.get(normalise(address)) if self.earlier else None


_NONE = Hindrances()


def look_up(
    shop: Shop,
    message_type: str,
    imported_at: datetime | None,
    addresses: Iterable[str],
    order: tuple[str, datetime] | None = None,
) -> Hindrances:
    """In one statement, whoever the message goes to. ``imported_at`` is its order's, if it has one;
    ``order`` is the order's number and when the message is due.

    It may be too early to know: suppressions are asked for again before the message leaves.
    """
    known = [normalise(address) for address in addresses if is_usable(address)]
    adapt = connection.ops.adapt_datetimefield_value
    mark = [shop.pk, message_type, imported_at and adapt(imported_at)]
    values = [*mark, shop.pk, adapt(timezone.now()), *known]
    if has_order := bool(order and known):
        assert order is not None
        values += [shop.pk, order[0], adapt(order[1])]
    sql = _sql(len(known), has_order)
    rows = quick_sql.rows(sql, values, keep_plan=len(known) <= FEW)
    if not rows:
        return _NONE
    found = frozenset(address for address, earlier in rows if earlier is None)
    waiting = sorted((from_db_id(pk), address) for address, pk in rows if pk is not None)
    # UUIDv7: the last is the newest.
    earlier = {normalise(address): pk for pk, address in waiting if is_usable(address)}
    return Hindrances(_RESET in found, found - {_RESET}, earlier)


@lru_cache(maxsize=64)
def _sql(addresses: int, has_order: bool) -> str:
    marks = ", ".join(["%s"] * addresses) or "NULL"
    nothing = "CAST(NULL AS uuid)" if is_postgresql() else "NULL"
    states = ", ".join(f"'{state.value}'" for state in WAITING)
    sql = (
        f"SELECT '{_RESET}', {nothing} FROM shops_resetmark WHERE shop_id = %s AND parameter = %s"
        " AND undone_at IS NULL AND imported_until >= %s"
        f" UNION ALL SELECT address, {nothing} FROM maillog_suppression WHERE shop_id = %s"
        f" AND (expires_at IS NULL OR expires_at > %s) AND address IN ({marks})"
    )
    if not has_order:
        return sql
    return (
        # The newest few: one that waits behind these has waited for long, and none goes by it.
        f"{sql} UNION ALL SELECT d.address, d.id FROM (SELECT id FROM maillog_mailmessage"
        f" WHERE shop_id = %s AND order_number = %s ORDER BY id DESC LIMIT {LATEST}) m"
        " JOIN maillog_delivery d ON d.message_id = m.id"
        f" WHERE d.role = '{Role.MAIN.value}' AND d.state IN ({states})"
        # One that is to leave days later goes first only once its time has come.
        " AND (d.fence > 0 OR d.due_at <= %s)"
    )


def is_suppressed(shop: Shop, address: str) -> bool:
    """True if ``shop`` does not write to this address at present."""
    lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return Suppression.objects.filter(lasting, shop=shop, address=normalise(address)).exists()
