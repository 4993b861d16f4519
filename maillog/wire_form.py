"""What differs from delivery to delivery, kept: a retry, the viewer and the ``.eml`` are equal."""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection, transaction

from maillog.clock import db_id, is_postgresql
from maillog.models import Delivery


def place(delivery: Delivery) -> tuple[str, str]:
    """Where it goes and how it is marked. A test address may be the recipient's own."""
    return delivery.envelope_to, delivery.subject_prefix


def store(delivery: Delivery) -> None:
    """Keeps what test mode changed as well, as long as the delivery is ours."""
    Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence).update(
        envelope_to=delivery.envelope_to,
        subject_prefix=delivery.subject_prefix,
        wire_headers=delivery.wire_headers,
    )


def store_headers(deliveries: Iterable[Delivery]) -> None:
    """The header lines of a whole batch in one commit, each as long as its delivery is ours."""
    rows = [(json.dumps(each.wire_headers), db_id(each.pk), each.fence) for each in deliveries]
    if not rows:
        return
    value = "%s::jsonb" if is_postgresql() else "%s"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE maillog_delivery SET wire_headers = {value} WHERE id = %s AND fence = %s", rows
        )
