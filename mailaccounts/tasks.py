"""Background tasks: load, call, return. All are safe to run twice."""

from __future__ import annotations

from uuid import UUID

from mailaccounts import domains, suggestion
from mailaccounts.account_test import diagnostics
from mailaccounts.dns.mx import check_mx
from mailaccounts.dns.resolver import Resolver
from mailaccounts.models import SenderDomain


def check_domain(domain_id: int) -> str:
    """Asks DNS about one sender's domain; returns the verdict on SPF, "" if it is gone."""
    domain = SenderDomain.objects.select_related("shop").filter(pk=domain_id).first()
    return domains.check(domain).spf_status if domain else ""


def check_all_domains() -> int:
    """The hour's round: a task for each domain."""
    return domains.check_all()


def look_up_mailbox(domain: str) -> str:
    """Who keeps the mailboxes of a domain, for the picker's suggestion; "" if nobody known."""
    hoster = check_mx(domain, Resolver()).hoster
    suggestion.remember(domain, hoster)
    return hoster or ""


def run_account_test(test_id: str) -> str:
    """Runs a test that waits; returns how it ended, or "" if somebody else has it."""
    test = diagnostics.run(UUID(test_id))
    return test.state if test else ""
