"""SPF, DKIM and DMARC as steps of an account's test.

They decide only for mail that leaves from this server: there a missing record means that receivers
refuse the mail. Elsewhere the hoster's or the provider's own records count, and what we find is a
remark.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from mailaccounts import domains
from mailaccounts.dns import wording
from mailaccounts.dns.spf_check import SpfStatus
from mailaccounts.models import KeyState, Kind, SenderAccount
from mailaccounts.transports.base import CheckResult

STEPS = ("spf", "dkim", "dmarc")
REMARK = {"weight": "remark"}  # in ``CheckResult.extra``: not in order, and no reason to fail
UNKNOWN = {"weight": "unknown"}  # nothing is known, and it is nobody's fault: neither good nor bad
LONGEST_RECORD = 200  # characters shown of one


def has_domain(account: SenderAccount) -> bool:
    """False where the domain is the installation's own and no business of the shop."""
    return account.shop_id is not None and not account.is_default


def look(account: SenderAccount) -> Iterator[CheckResult]:
    """Asks DNS anew (ten seconds at most), stores the findings at the domain, and tells them."""
    began = time.monotonic()
    row = domains.check(domains.domain_for(account))
    milliseconds = int((time.monotonic() - began) * 1000)
    spf = _spf(account, row.domain, row.spf)
    spf.milliseconds = milliseconds
    yield spf
    yield _dkim(account, row.dkim)
    yield _dmarc(account, row.dmarc)


def _spf(account: SenderAccount, domain: str, spf: Mapping[str, Any]) -> CheckResult:
    status = str(spf.get("status", ""))
    record = " ".join(str(text) for text in spf.get("found", ()))[:LONGEST_RECORD]
    result = CheckResult("SPF", status == SpfStatus.PASS, code="spf")
    result.found = record or _("No record")
    result.hint = "" if result.ok else _spf_hint(account, domain, spf)
    if account.kind != Kind.SERVER and status == SpfStatus.NOT_US:
        # Mail leaves from the hoster's or the provider's servers: theirs must be named, not ours.
        result.ok, result.hint = True, ""
    if status == SpfStatus.TEMPERROR:
        return _unanswered(account, result)
    if account.kind != Kind.SERVER:
        result.extra = dict(REMARK)
    return result


def _unanswered(account: SenderAccount, result: CheckResult) -> CheckResult:
    """DNS said nothing: a remark where the record is ours to set, else just not known."""
    result.extra = dict(REMARK)
    result.found = _("The name server did not answer")
    if account.kind != Kind.SERVER:
        result.found = _("Not looked up: the name server did not answer")
        result.hint, result.extra = "", dict(UNKNOWN)
    return result


def _spf_hint(account: SenderAccount, domain: str, spf: Mapping[str, Any]) -> str:
    proposed = spf.get("proposed")
    if account.kind == Kind.SERVER and proposed:
        text = _("Put this TXT record into the DNS of %(domain)s: %(record)s")
        return text % {"domain": domain, "record": proposed}
    if spf.get("status") == SpfStatus.MISSING:
        return _("Publish the SPF record that your hoster names: many receivers want one.")
    return wording.spf_hint(domain, spf)


def _dkim(account: SenderAccount, dkim: Mapping[str, Any]) -> CheckResult:
    if not Kind(account.kind).signs_here:
        return CheckResult("DKIM", True, _("The provider signs the mail"), code="dkim")
    keys = {str(key.get("state", "")): key for key in dkim.get("keys", ())}
    key = keys.get(KeyState.ACTIVE) or keys.get(KeyState.NEW)
    if key is None:
        found = _("No key yet: the mail is not signed here")
        hint = _("Add a signature on the page of the domain; big mailbox providers ask for it.")
        return CheckResult("DKIM", False, found, hint, extra=dict(REMARK), code="dkim")
    is_good = key.get("status") in ("pass", "short", "testing")
    found = _("Key “%(selector)s”") % {"selector": key.get("selector", "")}
    hint = "" if is_good else wording.dkim_hint(key)
    return CheckResult("DKIM", is_good, found, hint, extra=dict(REMARK), code="dkim")


def _dmarc(account: SenderAccount, dmarc: Mapping[str, Any]) -> CheckResult:
    status = str(dmarc.get("status", ""))
    record = " ".join(str(text) for text in dmarc.get("found", ()))[:LONGEST_RECORD]
    hint = "" if status == "pass" else wording.dmarc_hint(dmarc)
    is_good = status == "pass"
    result = CheckResult(
        "DMARC", is_good, record or _("No record"), hint, extra=dict(REMARK), code="dmarc"
    )
    return _unanswered(account, result) if status == "temperror" else result
