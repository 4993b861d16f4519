"""What is written when something happens in a shop."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from mailaccounts.models import AccountState, SenderAccount
from mailaccounts.signals import account_left
from shops import signals
from shops.facts import OrderLike
from shops.models import Shop
from templates_tx import message_types
from templates_tx.composer import never_breaking, send_for_order
from templates_tx.models import TemplateAssignment
from templates_tx.notify import notify


@receiver(signals.order_placed, dispatch_uid="templates_tx.order_placed")
def order_placed(order: OrderLike, **kwargs: Any) -> None:
    send_for_order("order.placed", order, f"order:{order.number}/placed")


@receiver(signals.order_paid, dispatch_uid="templates_tx.order_paid")
def order_paid(order: OrderLike, **kwargs: Any) -> None:
    send_for_order("order.paid", order, f"order:{order.number}/paid")


@receiver(signals.order_shipped, dispatch_uid="templates_tx.order_shipped")
def order_shipped(order: OrderLike, parcel: str, **kwargs: Any) -> None:
    send_for_order("order.shipped", order, f"order:{order.number}/shipped/parcel:{parcel}")


@receiver(signals.note_written, dispatch_uid="templates_tx.note_written")
def note_written(order: OrderLike, text: str, occurrence: str, **kwargs: Any) -> None:
    send_for_order("note", order, f"order:{order.number}/note:{occurrence}", {"text": text})


@receiver(signals.password_reset_requested, dispatch_uid="templates_tx.password_reset")
def password_reset_requested(
    shop: Shop, to: str, link: str, occurrence: str, **kwargs: Any
) -> None:
    never_breaking(
        lambda: notify(
            "customer.password_reset",
            shop=shop,
            to=to,
            name=kwargs.get("name", ""),
            language=kwargs.get("language", ""),
            context={"link": link, "valid_minutes": kwargs.get("valid_minutes", 60)},
            occurrence=occurrence,
        ),
        message_types.PASSWORD_RESET,
        shop,
        occurrence,
        to=to,
    )


@receiver(account_left, dispatch_uid="templates_tx.forget_account")
def forget_account(account: SenderAccount, **kwargs: Any) -> dict[str, int]:
    """What was to leave from a deleted account leaves from the main one, whichever that is.

    One that is only switched off keeps its messages for when it is switched on again; meanwhile
    they leave from the main account too.
    """
    if account.state != AccountState.DELETED:
        return {}
    rows = TemplateAssignment.objects.filter(account=account)
    return {"assignments": rows.update(account=None)}
