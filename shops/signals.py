"""What happens in a shop. The shop declares it; apps to the right listen.

Each is sent inside the caller's database transaction: what a receiver queues is undone with the
order if that is rolled back. Receivers look after their own errors.
"""

from django.dispatch import Signal

# order: any object that answers to the attributes of ``shops.hooks.OrderAdapter.read``.
order_placed = Signal()  # order
order_paid = Signal()  # order, before (the payment state until then)
# order, parcel (str that names the parcel among the order's parcels), before (the delivery state)
order_shipped = Signal()
tracking_changed = Signal()  # order, parcel, occurrence; its link replaces the one that was sent
order_changed = Signal()  # order, field ("state"|"payment_state"|"delivery_state"), before, after

# The shop's software made the link; Postroom makes no customer tokens.
password_reset_requested = Signal()  # shop, to, name, language, link, valid_minutes, occurrence

note_written = Signal()  # order, text, occurrence, author
