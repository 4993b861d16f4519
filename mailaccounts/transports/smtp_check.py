"""Test of an SMTP account: the steps of opening a session, told to shop staff one by one."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable

from django.utils.translation import gettext as _

from mailaccounts.transports.base import (
    AccountTrouble,
    AnswerClass,
    CheckResult,
    Endpoint,
    Phase,
)
from mailaccounts.transports.smtp_opening import Opening

LogIn = Callable[[smtplib.SMTP, Endpoint], None]


def run(opening: Opening, log_in: LogIn) -> list[CheckResult]:
    """Go as far as the server lets us; the first step that fails is the last. Sends nothing."""
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        (_("Server name"), lambda: ", ".join(opening.resolve())),
        (_("Connection"), lambda: _connect(opening)),
        (_("Encryption"), lambda: _secure(opening)),
        (_("Log-in"), lambda: _log_in(opening, log_in)),
    )
    results: list[CheckResult] = []
    try:
        for name, step in steps:
            results.append(_tell(name, step, opening.endpoint))
            if not results[-1].ok:
                break
    finally:
        opening.give_up()
    return results


def _tell(name: str, step: Callable[[], str], endpoint: Endpoint) -> CheckResult:
    started = time.monotonic()
    try:
        result = CheckResult(name=name, ok=True, found=step())
    except AccountTrouble as trouble:
        result = CheckResult(name=name, ok=False, found=trouble.text, hint=_hint(trouble, endpoint))
        if trouble.code is not None:
            result.detail = f"{trouble.code} {trouble.enhanced} {trouble.text}".replace("  ", " ")
    result.milliseconds = int((time.monotonic() - started) * 1000)
    return result


def _connect(opening: Opening) -> str:
    opening.connect()
    opening.greet()
    return _("The mail server answers.")


def _secure(opening: Opening) -> str:
    opening.secure()
    tls = opening.link().tls
    if not tls:
        return _("None: passwords and messages can be read on the way.")
    if not opening.endpoint.verify:
        return _("%s, but the certificate was not checked.") % tls
    return tls


def _log_in(opening: Opening, log_in: LogIn) -> str:
    if not opening.endpoint.username:
        return _("Not needed: no user name is set.")
    opening.log_in(log_in)
    return _("The server accepted the user name and password.")


def _hint(trouble: AccountTrouble, endpoint: Endpoint) -> str:
    """What staff can do about it, by what most often is the cause."""
    if trouble.enhanced in ("5.7.30", "5.7.139"):
        return _("Microsoft has switched passwords off here: log in with “Microsoft” instead.")
    if trouble.enhanced in ("5.7.9", "5.7.14"):
        return _("Google wants an app password here: make one in the Google account's settings.")
    if trouble.phase is Phase.LOGIN and trouble.code is not None:
        return _("Check user name and password; the user name is often the whole address.")
    if trouble.answer is AnswerClass.AUTH:
        return _("Check the server's name, the port and the kind of encryption.")
    if endpoint.tls == "implicit" and endpoint.port in (25, 587):
        return _("Port %s usually wants STARTTLS.") % endpoint.port
    if endpoint.tls != "implicit" and endpoint.port == 465:
        return _("Port 465 wants TLS from the first byte.")
    return _("Check server and port, or try again in a few minutes.")
