"""What happens to sender accounts. Apps to the right listen.

Those about a change are sent inside the database transaction that makes it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.dispatch import Signal

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount

# account: with the address or name that its mail now leaves under
sender_changed = Signal()

# account, to, test_id, seconds: a test message is wanted through exactly this account, at once and
# without a second try. The receiver returns a ``test_message.TestMessage``.
test_message_requested = Signal()

# account, words: its server refused the log-in in a test
login_refused = Signal()

# account: switched off, or deleted (its ``state`` says which); nothing leaves from it any more. A
# deleted one still has its secrets. Receivers may return {"messages": n, "assignments": n}: how
# many of each they gave to the main account.
account_left = Signal()


def say_left(account: SenderAccount) -> dict[str, int]:
    """Tells that nothing leaves from ``account`` any more; returns what the main account got."""
    given: Counter[str] = Counter()
    for _receiver, answer in account_left.send(type(account), account=account):
        given.update(answer or {})
    return dict(given)
