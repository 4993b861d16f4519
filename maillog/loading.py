"""The claimed rows with all that sending needs, looked up and rendered batch by batch."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models import Q
from django.utils import timezone

from maillog import claims, registry
from maillog.clock import is_postgresql
from maillog.models import (
    AttachmentFile,
    Delivery,
    MailMessage,
    MessageAttachment,
    MessageBody,
    Suppression,
)
from maillog.pipeline import Stop
from maillog.states import Reason, State
from shops import quick_sql
from shops.addresses import EmailAddressInvalid, normalise
from shops.models import Shop

logger = logging.getLogger(__name__)


def deliveries(rows: list[claims.Claimed]) -> list[Delivery]:
    """The deliveries of ``rows`` with message, body, files and shop, in their order.

    One that was lost meanwhile shows the fence of who has it now: it is his to send.
    """
    ids = [row.delivery_id for row in rows]
    found = Delivery.objects.select_related("message__body").in_bulk(ids)
    mine = [
        each
        for row in rows
        if (each := found.get(row.delivery_id)) is not None and each.fence == row.fence
    ]
    # A batch is one account's, so nearly always one shop's: not joined to each of its rows.
    shops = Shop.objects.in_bulk({each.message.shop_id for each in mine} - {None})
    files = _files_of([each.message_id for each in mine if each.message.has_files])
    for each in mine:
        each.message.shop = shops.get(each.message.shop_id)
        each.message.files = files[each.message_id]
    return mine


def _files_of(messages: list[UUID]) -> dict[UUID, list[MessageAttachment]]:
    found: dict[UUID, list[MessageAttachment]] = defaultdict(list)
    # Of none in particular Django asks for nothing.
    rows = list(MessageAttachment.objects.filter(message__in=messages))
    # The terms of sale go along with a whole batch: their bytes are held once.
    files = AttachmentFile.objects.in_bulk({each.file_id for each in rows})
    for each in rows:
        each.file = files[each.file_id]
        found[each.message_id].append(each)
    return found


def render_missing(messages: list[MailMessage]) -> dict[object, Stop]:
    """Renders the messages that have no body yet and stores the bodies in one commit.

    Returns what stops the others, by message id. Setting ``message.body`` spares the next look-up.
    """
    made: dict[object, MessageBody] = {}
    problems: dict[object, Stop] = {}
    for message in messages:
        if message.pk in made or message.pk in problems or has_body(message):
            continue
        try:
            body = registry.renderers[message.channel](message)
        except registry.RenderFailed as error:
            problems[message.pk] = Stop(State.HELD, Reason.TEMPLATE, str(error))
        except registry.NotWanted as error:
            problems[message.pk] = Stop(State.CANCELLED, error.reason, str(error))
        except DatabaseError:
            raise
        except Exception as error:
            # One message that nobody foresaw must not hold up its whole batch.
            logger.exception("message %s could not be rendered", message.pk)
            problems[message.pk] = Stop(State.HELD, Reason.TEMPLATE, type(error).__name__)
        else:
            made[message.pk] = MessageBody(message=message, html=body.html, text=body.text)
    _store(list(made.values()))
    for message in messages:
        if message.pk in made:
            message.body = made[message.pk]
    return problems


def _store(bodies: list[MessageBody]) -> None:
    """In one statement. Two workers may render the copy and the main delivery of one message: same
    input, same text, and the first one stays."""
    if not is_postgresql():
        MessageBody.objects.bulk_create(bodies, ignore_conflicts=True)
    elif bodies:
        values = []
        for body in bodies:
            values += [body.message_id.bytes, body.html.encode(), body.text.encode()]
        quick_sql.execute(_store_sql(len(bodies)), values, [quick_sql.BINARY] * len(values))


@lru_cache(maxsize=128)
def _store_sql(count: int) -> bytes:
    rows = ", ".join(
        f"(${at}::uuid, ${at + 1}::text, ${at + 2}::text)" for at in range(1, 3 * count, 3)
    )
    return (
        f"INSERT INTO maillog_messagebody (message_id, html, text) VALUES {rows}"
        " ON CONFLICT DO NOTHING"
    ).encode()


def has_body(message: MailMessage) -> bool:
    try:
        return message.body is not None
    except MessageBody.DoesNotExist:
        return False


def suppressed_among(rows: Iterable[Delivery]) -> set[object]:
    """Ids of those deliveries whose address their shop does not write to."""
    keys = {each.pk: (each.message.shop_id, _suppression_key(each)) for each in rows}
    found = set(
        Suppression.objects.filter(
            Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
            shop__in={shop for shop, _ in keys.values() if shop},
            address__in={address for _, address in keys.values()},
        ).values_list("shop_id", "address")
    )
    return {pk for pk, key in keys.items() if key in found}


def _suppression_key(delivery: Delivery) -> str:
    try:
        return normalise(delivery.address)
    except EmailAddressInvalid:
        return delivery.address
