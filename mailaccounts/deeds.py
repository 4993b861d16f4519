"""What one click does to an account; the panel's buttons and the Django admin's actions call it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from mailaccounts.models import SenderAccount
from shops.models import AuditEntry


def do(deed: str, account: SenderAccount, user: Any) -> str:
    """Does ``deed`` and notes who did it; returns what to say.

    ``deed`` is make_main, switch_off, switch_on or mend. Raises
    ``AccountRefusal``, whose text is for staff.
    """
    act, audited, text = {
        "make_main": (account.make_main, "made_main", _("%(address)s is the main account now.")),
        "switch_off": (account.switch_off, "switched_off", _("%(address)s is switched off.")),
        "switch_on": (account.switch_on, "switched_on", _("%(address)s is switched on.")),
        "mend": (account.mend, "retried", _("Mail from %(address)s is being tried again.")),
    }[deed]
    act()
    AuditEntry.note(f"account.{audited}", shop=account.shop, user=user, target=account)
    return text % {"address": account.from_address}
