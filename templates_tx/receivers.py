"""What is written when something happens in a shop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.dispatch import receiver

from mailaccounts.models import AccountState, SenderAccount
from mailaccounts.signals import account_left
from shops import signals
from shops.facts import OrderFacts, OrderLike
from shops.models import Shop
from shops.models.order_states import DeliveryState, OrderState, PaymentState
from templates_tx.composer import Cause, never_breaking, send_for_order
from templates_tx.conditions import Change
from templates_tx.context import money
from templates_tx.models import TemplateAssignment
from templates_tx.notify import notify
from templates_tx.types.people import PASSWORD_RESET

# Which message a state means, by the field that has changed and what it is now.
SAYS_WHEN: dict[tuple[str, str], str] = {
    ("state", OrderState.ON_HOLD): "order.on_hold",
    ("state", OrderState.PREPARING): "order.preparing",
    ("state", OrderState.CANCELLED): "order.cancelled",
    ("payment_state", PaymentState.FAILED): "payment.failed",
    ("payment_state", PaymentState.REFUNDED): "refund.paid",
    ("delivery_state", DeliveryState.READY): "delivery.ready_for_pickup",
    ("delivery_state", DeliveryState.PARTLY_SHIPPED): "order.partly_shipped",
    ("delivery_state", DeliveryState.DELIVERED): "delivery.delivered",
    ("delivery_state", DeliveryState.RETURNED): "return.received",
}


@receiver(signals.order_placed, dispatch_uid="templates_tx.order_placed")
def order_placed(order: OrderLike, **kwargs: Any) -> None:
    cause = Cause(f"order:{order.number}/placed")
    send_for_order("order.placed", order, cause, beside="staff.new_order")


@receiver(signals.order_paid, dispatch_uid="templates_tx.order_paid")
def order_paid(order: OrderLike, before: str = "", **kwargs: Any) -> None:
    change = Change("payment_state", before, PaymentState.PAID.value)
    send_for_order("order.paid", order, Cause(f"order:{order.number}/paid", change=change))


@receiver(signals.order_shipped, dispatch_uid="templates_tx.order_shipped")
def order_shipped(order: OrderLike, parcel: str, before: str = "", **kwargs: Any) -> None:
    change = Change("delivery_state", before, DeliveryState.SHIPPED.value)
    cause = Cause(f"order:{order.number}/shipped/parcel:{parcel}", change=change)
    send_for_order("order.shipped", order, cause)


@receiver(signals.tracking_changed, dispatch_uid="templates_tx.tracking_changed")
def tracking_changed(order: OrderLike, parcel: str, occurrence: str, **kwargs: Any) -> None:
    """The right link: once for each correction, also of one parcel or back to an earlier link."""
    cause = Cause(f"order:{order.number}/tracking:{parcel}/{occurrence}")
    send_for_order("order.tracking_changed", order, cause)


@receiver(signals.order_changed, dispatch_uid="templates_tx.order_changed")
def order_changed(order: OrderLike, field: str, before: str, after: str, **kwargs: Any) -> None:
    """What a state means, once for each order: one that is put on hold twice is told once."""
    code = SAYS_WHEN.get((field, after))
    if code is None:
        return
    change = Change(field, before, after)
    cause = Cause(f"order:{order.number}/{field}:{after}", change=change)
    send_for_order(code, order, cause, details=DETAILS.get(code))


def _whole_refund(facts: OrderFacts) -> dict[str, Any]:
    amount = money(facts.total)
    return {"refund": {"amount": amount, "method": facts.payment_method, "expected_on": ""}}


def _whole_return(facts: OrderFacts) -> dict[str, Any]:
    return {"return": {"number": facts.number, "state": "", "items": [], "url": ""}}


# What a message shows beside the order, where nobody has handed in more.
DETAILS: dict[str, Callable[[OrderFacts], dict[str, Any]]] = {
    "refund.paid": _whole_refund,
    "return.received": _whole_return,
}


@receiver(signals.note_written, dispatch_uid="templates_tx.note_written")
def note_written(order: OrderLike, text: str, occurrence: str, **kwargs: Any) -> None:
    send_for_order("note", order, Cause(f"order:{order.number}/note:{occurrence}", {"text": text}))


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
        PASSWORD_RESET,
        shop,
        Cause(occurrence),
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
