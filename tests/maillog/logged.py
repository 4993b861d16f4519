"""Messages as the log holds them, without a server: queued for real, then moved by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog.models import Attempt, Delivery, MailMessage, MessageBody
from maillog.moves import move
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.states import State
from shops.models import Shop
from shops.uuid7 import lowest_at


def logged(shop: Shop | None, to: str = "anna@klient.example", **values: Any) -> MailMessage:
    """A queued message with a body of its own."""
    facts: dict[str, Any] = {
        "message_type": "note",
        "shop": shop,
        "account": SenderAccount.objects.main_of(shop) if shop else None,
        "recipients": (Recipient(to),),
        "expires_in": timedelta(hours=1),
        "subject": "Zamówienie 10482 przyjęte",
        "body": Body("<p>Dziękujemy</p>", "Dziękujemy\n"),
    }
    message = queue(Draft(**{**facts, **values}))
    assert message is not None
    return message


def end(message: MailMessage, state: str, answer: str = "", **attempt: Any) -> MailMessage:
    """Moves every delivery to ``state``, with the attempt that led there if an answer is given."""
    now = timezone.now()
    for delivery in message.deliveries.all():
        Delivery.objects.filter(pk=delivery.pk).update(state="claimed", lease_until=now)
        if answer:
            said = {"phase": "dot", "code": 250, "text": "2.0.0 Ok", **attempt}
            Attempt.objects.create(
                delivery=delivery,
                fence=1,
                at=now,
                answer=answer,
                **{"server": "mx.wp.example [127.0.0.1]:25", **said},
            )
            Delivery.objects.filter(pk=delivery.pk).update(
                last_answer=answer, last_reply=str(said["text"]), tries=1, dot_at=now
            )
        with transaction.atomic():
            move(Q(pk=delivery.pk), State(state), ended_at=now)
    message.refresh_from_db()
    return message


def at(message: MailMessage, moment: datetime) -> MailMessage:
    """The same message as if it had been made at ``moment``: its id tells the time too."""
    noise = uuid4().int & ((1 << 60) - 1)
    new = UUID(int=lowest_at(moment).int | noise)
    old = message.pk
    fields = {
        field.attname: getattr(message, field.attname)
        for field in MailMessage._meta.concrete_fields
    }
    fields |= {"id": new, "created_at": moment, "message_id": f"<{new.hex}@shop.example>"}
    made = MailMessage.objects.create(**fields)
    Delivery.objects.filter(message_id=old).update(message_id=new)
    MessageBody.objects.filter(pk=old).update(message_id=new)
    MailMessage.objects.filter(pk=old).delete()
    return made


def many(shop: Shop, count: int) -> None:
    """``count`` messages at once, without deliveries."""
    now = timezone.now()
    account = SenderAccount.objects.main_of(shop)
    MailMessage.objects.bulk_create(
        MailMessage(
            shop=shop,
            account=account,
            message_type="note",
            subject=f"Note {number}",
            to_text=f"c{number}@klient.example",
            search=f"note {number} c{number}@klient.example",
            message_id=f"<{uuid4().hex}@shop.example>",
            state=State.SENT,
            created_at=now,
            expires_at=now,
        )
        for number in range(count)
    )


def plenty(shop: Shop, count: int) -> None:
    """``count`` messages by one statement, copies of one but for their ids."""
    many(shop, 1)
    columns = [field.column for field in MailMessage._meta.concrete_fields]
    others = ", ".join(column for column in columns if column not in ("id", "message_id"))
    if connection.vendor == "postgresql":
        numbers, new_id = "generate_series(1, %s) n(n)", "lpad(to_hex(n), 32, '0')::uuid"
    else:
        numbers, new_id = "n", "printf('%%032x', n)"
    endless = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < %s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{'' if connection.vendor == 'postgresql' else endless}"
            f" INSERT INTO maillog_mailmessage (id, message_id, {others})"
            f" SELECT {new_id}, '<' || n || '@plenty.example>', {others}"
            f" FROM {numbers}, (SELECT * FROM maillog_mailmessage WHERE shop_id = %s LIMIT 1) m",
            [count - 1, shop.pk],
        )
