"""What happens to sender accounts. Apps to the right listen.

Each is sent inside the database transaction that changes the account.
"""

from django.dispatch import Signal

# account: with the address or name that its mail now leaves under
sender_changed = Signal()
