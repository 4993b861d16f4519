"""What happens to sender accounts. Apps to the right listen.

Each is sent inside the database transaction that changes the account.
"""

from django.dispatch import Signal

# account: with the address or name that its mail now leaves under
sender_changed = Signal()

# account: switched off, or deleted (its ``state`` says which); nothing leaves from it any more. A
# deleted one still has its secrets. Receivers may return {"messages": n, "assignments": n}: how
# many of each they gave to the main account.
account_left = Signal()
