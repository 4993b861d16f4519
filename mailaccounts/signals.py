"""What happens to sender accounts. Apps to the right listen.

The first is sent inside the database transaction that changes the account.
"""

from django.dispatch import Signal

# account: with the address or name that its mail now leaves under
sender_changed = Signal()

# account, to, test_id, seconds: a test message is wanted through exactly this account, at once and
# without a second try. The receiver returns a ``test_message.TestMessage``.
test_message_requested = Signal()

# account, words: its server refused the log-in in a test
login_refused = Signal()
