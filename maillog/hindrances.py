"""What keeps a message from some or all of its recipients when it is queued."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from maillog.models import Suppression
from shops import quick_sql
from shops.addresses import is_usable, normalise
from shops.models import Shop

FEW = 20  # addresses for which a plan is kept
_RESET = "*"  # no address is written so


@dataclass(frozen=True, slots=True)
class Hindrances:
    """``is_reset``: a reset mark silences it. ``suppressed`` holds normalised addresses."""

    is_reset: bool = False
    suppressed: frozenset[str] = frozenset()

    def stops(self, address: str) -> bool:
        """True if the shop does not write to ``address``, which is usable, at present."""
        return bool(self.suppressed) and normalise(address) in self.suppressed


def look_up(
    shop: Shop, message_type: str, imported_at: datetime | None, addresses: Iterable[str]
) -> Hindrances:
    """In one statement, whoever the message goes to. ``imported_at`` is its order's, if it has one.

    It may be too early to know: suppressions are asked for again before the message leaves.
    """
    known = [normalise(address) for address in addresses if is_usable(address)]
    adapt = connection.ops.adapt_datetimefield_value
    mark = [shop.pk, message_type, imported_at and adapt(imported_at)]
    values = [*mark, shop.pk, adapt(timezone.now()), *known]
    rows = quick_sql.rows(_sql(len(known)), values, keep_plan=len(known) <= FEW)
    found = {address for (address,) in rows}
    return Hindrances(_RESET in found, frozenset(found - {_RESET}))


@lru_cache(maxsize=64)
def _sql(addresses: int) -> str:
    marks = ", ".join(["%s"] * addresses) or "NULL"
    return (
        f"SELECT '{_RESET}' FROM shops_resetmark WHERE shop_id = %s AND parameter = %s"
        " AND undone_at IS NULL AND imported_until >= %s"
        " UNION ALL SELECT address FROM maillog_suppression WHERE shop_id = %s"
        f" AND (expires_at IS NULL OR expires_at > %s) AND address IN ({marks})"
    )


def is_suppressed(shop: Shop, address: str) -> bool:
    """True if ``shop`` does not write to this address at present."""
    lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return Suppression.objects.filter(lasting, shop=shop, address=normalise(address)).exists()
