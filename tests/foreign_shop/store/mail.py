from shops import hooks  # noqa: I001
from store.models import Order


class StoreLine(hooks.LineAdapter):
    name, quantity, unit_price = "title", "amount", "price"


class StoreOrder(hooks.OrderAdapter):
    shop, number, email = "foreign", "reference", "customer.email"
    name, lines, line = "customer.full_name", "items", StoreLine
    payment_state, payment_states = "status", {"N": "unpaid", "P": "paid", "X": "failed"}
    tracking_url = "parcel_link"


hooks.connect(Order, StoreOrder)
