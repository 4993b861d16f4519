"""Messages that wait for a while: whether the order still wants them when their time has come."""

from __future__ import annotations

from maillog.models import MailMessage
from maillog.states import Channel
from shops.models import Order
from templates_tx.conditions import Change, hold, read
from templates_tx.models import TemplateAssignment


def is_still_wanted(message: MailMessage) -> bool:
    """Whether the conditions that the shop has now hold for the order as it is now.

    True for an order that is nobody's here: a foreign model is asked when the message is queued.
    """
    order = (
        Order.objects.select_related("customer", "shop")
        .filter(shop=message.shop_id, number=message.order_number)
        .first()
    )
    row = TemplateAssignment.objects.filter(
        shop=message.shop_id, message_type=message.message_type, channel=Channel.EMAIL
    ).first()
    if order is None or row is None:
        return True
    told = (message.context or {}).get("change")
    return hold(read(row.conditions), order.facts(), Change(**told) if told else None)
