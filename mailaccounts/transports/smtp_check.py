"""Test of an SMTP account: the steps of opening a session, told to shop staff one by one."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from babel.dates import format_date
from django.utils.translation import gettext as _

from mailaccounts.transports.base import (
    AccountTrouble,
    AnswerClass,
    CheckResult,
    Endpoint,
    Phase,
)
from mailaccounts.transports.certificates import Cause, cause_of_refusal, certificate_of
from mailaccounts.transports.smtp_opening import Opening
from mailaccounts.transports.smtp_wire import TooSlow
from shops.outbound import OutboundRefused
from shops.templatetags.panel import reader_locale

LogIn = Callable[[smtplib.SMTP, Endpoint], None]
STEPS = ("server", "connection", "encryption", "login")


def run(opening: Opening, log_in: LogIn) -> Iterator[CheckResult]:
    """Goes as far as the server lets us and gives each step as soon as it is over.

    The first step that fails is the last. Sends nothing. The connection is closed when the
    iterator ends or is closed.
    """
    names = (_("Server name"), _("Connection"), _("Encryption"), _("Log-in"))
    visit = Visit(opening, log_in)
    work = (visit.resolve, visit.connect, visit.secure, visit.log_in)
    try:
        for code, name, step in zip(STEPS, names, work, strict=True):
            result = _tell(CheckResult(name, ok=True, code=code), step, visit)
            yield result
            if not result.ok:
                return
    finally:
        opening.give_up()


@dataclass(slots=True)
class Visit:
    """The steps, each of which says what it found or raises ``AccountTrouble``.

    With TLS from the first byte a broken handshake comes before the greeting; it is kept and told
    as the failure of the step "Encryption", because the connection itself stood.
    """

    opening: Opening
    sign_in: LogIn
    extra: dict[str, str] = field(default_factory=dict)
    _broken: AccountTrouble | None = None

    def resolve(self) -> str:
        return ", ".join(self.opening.resolve())

    def connect(self) -> str:
        end = self.opening.endpoint
        self.opening.reach()
        try:
            self.opening.encrypt()
        except AccountTrouble as trouble:
            self._broken = trouble
            return _("Port %s is open.") % end.port
        self.opening.greet()
        return _("Port %s, the server greeted us.") % end.port

    def secure(self) -> str:
        if self._broken is not None:
            raise self._broken
        self.opening.secure()
        return encryption_text(self.opening.wire.sock, self.opening.endpoint, self.extra)

    def told(self) -> dict[str, str]:
        """What the last step had to say besides; once."""
        told, self.extra = self.extra, {}
        return told

    def log_in(self) -> str:
        if not self.opening.endpoint.username:
            return _("Not needed: no user name is set.")
        self.opening.log_in(self.sign_in)
        return _("The server accepted the user name and password.")


def encryption_text(sock: socket.socket, endpoint: Endpoint, extra: dict[str, str]) -> str:
    """How the connection is encrypted; names of the certificate go into ``extra``."""
    certificate = certificate_of(sock)
    if not isinstance(sock, ssl.SSLSocket) or certificate is None:
        if endpoint.trusted:
            return _("None: whoever runs this computer has set it so.")
        extra["weight"] = "warn"
        return _("None: passwords and messages can be read on the way.")
    version = (sock.version() or "TLS").replace("TLSv", "TLS ")
    extra |= {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "valid_until": certificate.until.isoformat(),
    }
    if not endpoint.verify:
        extra["weight"] = "warn"
        return _("%s, but the certificate was not checked.") % version
    day = format_date(certificate.until.date(), "d MMM y", locale=reader_locale())
    return _("%(version)s, certificate valid to %(day)s") % {"version": version, "day": day}


def _tell(result: CheckResult, step: Callable[[], str], visit: Visit) -> CheckResult:
    started, endpoint = time.monotonic(), visit.opening.endpoint
    try:
        result.found = step()
        result.extra |= visit.told()
    except AccountTrouble as trouble:
        result.ok, result.found, result.hint = False, trouble.text, _hint(trouble, endpoint)
        result.detail = own_words(trouble)
        if result.code == "login" and result.detail and trouble.answer is AnswerClass.AUTH:
            result.found = _("User name or password refused")
        result.extra |= facts_of(trouble, endpoint)
    result.milliseconds = int((time.monotonic() - started) * 1000)
    return result


def own_words(trouble: AccountTrouble) -> str:
    """The server's own words with their codes; empty where it has said nothing."""
    if trouble.code is None:
        return ""
    return " ".join(part for part in (str(trouble.code), trouble.enhanced, trouble.text) if part)


def facts_of(trouble: AccountTrouble, endpoint: Endpoint) -> dict[str, str]:
    """What an explanation is made of: harmless facts, as text, fit to be stored."""
    return {
        "answer": trouble.answer.value,
        "phase": trouble.phase.value,
        "code": "" if trouble.code is None else str(trouble.code),
        "enhanced": trouble.enhanced,
        "cause": cause_of(trouble, endpoint).value,
        "host": endpoint.host,
        "port": str(endpoint.port),
        "tls": endpoint.tls,
    }


def cause_of(trouble: AccountTrouble, endpoint: Endpoint) -> Cause:
    """What kind of failure of the network or of TLS it was, where it was one."""
    error = trouble.__cause__
    if isinstance(error, ssl.SSLCertVerificationError):
        return cause_of_refusal(error)
    if isinstance(error, OutboundRefused):
        return Cause.GUARDED
    if isinstance(error, socket.gaierror):
        return Cause.NAME_UNREADABLE if error.errno == socket.EAI_AGAIN else Cause.NO_NAME
    if isinstance(error, ssl.SSLError):
        return Cause.NO_TLS
    if isinstance(error, TimeoutError | TooSlow):
        return Cause.TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return Cause.REFUSED
    if error is None and trouble.code is None and trouble.phase is Phase.LOGIN:
        # Our own refusals to go on in clear.
        return Cause.NO_STARTTLS if endpoint.tls == "starttls" else Cause.CLEAR_PASSWORD
    return Cause.NONE


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
