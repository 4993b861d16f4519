"""A valid form becomes an account, for the panel and the Django admin alike."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction

from mailaccounts import domain_work
from mailaccounts.domains import refusal_to_activate
from mailaccounts.forms import AccountForm
from mailaccounts.models import AccountState, Kind, SenderAccount, add_account
from mailaccounts.signals import sender_changed
from shops.models import AuditEntry

FROM_FIELDS = {"from_address", "from_name"}
ELSEWHERE = {"kind", "host", "port", "tls_mode"}


def store(form: AccountForm, user: Any) -> SenderAccount:
    """Saves a valid form, for the panel and the admin alike: adds the account or changes it.

    An account that was broken is tried at once: staff edit it to mend it, and mail that waits
    leaves under the sender they corrected. What was changed is written down by field name, never
    by value.
    """
    account = form.save(commit=False)
    with transaction.atomic():
        if account.pk is None:
            account.state = _first_state(account)
            add_account(account)
            action = "account.added"
        else:
            account.save(update_fields=[*_changed(form), *form.imap_columns()])
            account.mend()
            if FROM_FIELDS & set(form.changed_data):
                sender_changed.send(SenderAccount, account=account)
            action = "account.changed"
        AuditEntry.note(
            action, shop=account.shop, user=user, target=account, fields=sorted(form.changed_data)
        )
        transaction.on_commit(partial(domain_work.look_up_soon, account), robust=True)
    return account


def _changed(form: AccountForm) -> list[str]:
    """The columns to write. What was found out about another server does not hold for this one:
    neither that it worked, nor that its certificate is to be let pass."""
    columns = form.stored_fields()
    if not ELSEWHERE & set(form.changed_data):
        return columns
    account = form.instance
    account.last_test_at, account.last_test_ok = None, None
    if "ignore_certificate_errors" not in form.changed_data:
        account.ignore_certificate_errors = False
    return [*columns, "last_test_at", "last_test_ok", "ignore_certificate_errors"]


def _first_state(account: SenderAccount) -> AccountState:
    """A draft until somebody has signed in, or until SPF names this server."""
    waits = Kind(account.kind).logs_in_elsewhere or refusal_to_activate(account)
    return AccountState.DRAFT if waits else AccountState(account.state)
