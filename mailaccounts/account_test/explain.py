"""Why a step of a test failed, in words for people who sell shoes: what happened, what we found,
what to do, which button. The server's own words stand below, unshortened.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from mailaccounts.account_test import explain_message, explain_provider, explain_session
from mailaccounts.account_test.failures import NEVER, Deed, Explanation, Failure
from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AnswerClass, Phase
from mailaccounts.transports.certificates import Cause

# The first that knows what to say says it.
EXPLAINERS = (
    explain_provider.key,
    explain_provider.fixed_server,
    explain_session.certificate,
    explain_session.encryption,
    explain_session.network,
    explain_session.login,
    explain_message.sender,
    explain_message.recipient,
    explain_message.pace,
    explain_message.content,
    explain_message.uncertain,
)


def explain(failure: Failure) -> Explanation:
    """The explanation; where nobody knows better, one that names the step."""
    for explainer in EXPLAINERS:
        if found := explainer(failure):
            return found
    return Explanation(
        _("The test could not be finished"),
        failure.words,
        _("Check the account's settings, or try again in a few minutes."),
        Deed.SETTINGS,
    )


def failure_of(row: dict[str, Any], account: SenderAccount, to: str) -> Failure:
    """A stored step as a failure; facts that are missing or unknown are left out."""
    extra = row.get("extra") or {}
    code = str(extra.get("code") or "")
    port = str(extra.get("port") or "")
    return Failure(
        step=row["code"],
        kind=account.kind,
        words=row.get("detail") or row.get("found") or "",
        answer=_one_of(AnswerClass, extra.get("answer")),
        phase=_one_of(Phase, extra.get("phase")),
        code=int(code) if code.isdecimal() else 0,
        enhanced=str(extra.get("enhanced") or ""),
        cause=_one_of(Cause, extra.get("cause")) or Cause.NONE,
        host=str(extra.get("host") or account.host),
        port=int(port) if port.isdecimal() else account.port,
        tls=str(extra.get("tls") or account.tls_mode),
        user=account.username,
        sender=account.from_address,
        to=to,
        is_signed_in=extra.get("signed_in") != NEVER,
    )


def _one_of[T](kind: type[T], value: Any) -> T | None:
    try:
        return kind(value)  # type: ignore[call-arg]
    except ValueError:
        return None
