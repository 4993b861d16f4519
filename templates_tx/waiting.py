"""Messages that wait for a while: whether their shop still wants them when their time has come."""

from __future__ import annotations

from typing import Any

from maillog.models import MailMessage
from maillog.states import Reason
from shops.models import Order
from templates_tx.composer import reason_against
from templates_tx.conditions import Change
from templates_tx.message_types import UnknownMessageType
from templates_tx.own_types import find
from templates_tx.plans import plan_for


def reason_now(message: MailMessage) -> Reason | None:
    """Why the shop, as it has decided by now, does not want the message about the order as it is.

    None as well where nobody is left to ask: no shop, a type that does not exist any more. A
    foreign order is asked when the message is queued; here only the switch counts.
    """
    if message.shop is None:
        return None
    try:
        message_type = find(message.message_type, message.shop)
    except UnknownMessageType:
        return None
    plan = plan_for(message.shop, message_type, message.language)
    order = order_of(message) if plan.rules else None
    facts = order.facts() if order else None
    return reason_against(plan, message_type, facts, change_in(message.context or {}))


def order_of(message: MailMessage) -> Order | None:
    """The order that it is about, if that is one of ours."""
    if not message.order_number:
        return None
    rows = Order.objects.select_related("customer", "shop")
    return rows.filter(shop=message.shop_id, number=message.order_number).first()


def change_in(context: dict[str, Any]) -> Change | None:
    """What had changed when the message was made."""
    change = context.get("change")
    return Change(**change) if change else None
