"""SMTP at Google and Microsoft: as any SMTP server, but logged in by a token (XOAUTH2).

Both ask for ``user=<mailbox> ^A auth=Bearer <token> ^A ^A`` in base64. A token that is not taken is
answered with 334 and a JSON text; the empty line we say then brings the real refusal.
"""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from mailaccounts.account_test.failures import NEVER
from mailaccounts.oauth import tokens
from mailaccounts.oauth.providers import provider
from mailaccounts.transports.answers import Reply
from mailaccounts.transports.base import AccountTrouble, CheckResult, Endpoint, Phase
from mailaccounts.transports.certificates import Cause
from mailaccounts.transports.smtp import Smtp
from mailaccounts.transports.smtp_opening import Link

# Refusals that a fresh token cannot change: SMTP log-in is off for the mailbox or the directory.
_SWITCHED_OFF = frozenset({"5.7.30", "5.7.139"})


class XOAuth2(Smtp):
    """An account that somebody has signed in at Google or Microsoft."""

    _trouble: AccountTrouble | None = None  # of the last token that was asked for

    def open(self) -> Link:
        # Before the connection: a mail server does not wait while a provider is asked.
        tokens.access_token(self.account)
        return super().open()

    def check(self) -> Iterator[CheckResult]:
        """As ``Smtp.check``, with the permission as its first step."""
        name = provider(self.account.kind).name
        step = CheckResult(name=_("Sign-in at %s") % name, ok=True, code="sign_in")
        try:
            tokens.access_token(self.account)
        except AccountTrouble as trouble:
            step.ok, step.found = False, trouble.text
            step.hint = _("Open the account and sign in again.")
            step.extra = {"answer": trouble.answer.value, "phase": Phase.LOGIN.value}
            if self.account.oauth_signed_in_at is None:
                step.found, step.hint = _("Nobody has signed in yet."), _("Sign in at %s.") % name
                step.extra["signed_in"] = NEVER
            yield step
            return
        step.found = _("The permission to send is valid.")
        yield step
        for each in super().check():
            self._in_our_words(each, name)
            yield each

    def log_in(self, session: smtplib.SMTP, endpoint: Endpoint) -> None:
        """One more try with a new token where the server does not take the stored one.

        Its clock may differ, or the token may have been withdrawn: neither is a reason to wake
        staff. Raises ``smtplib.SMTPException`` or ``AccountTrouble``.
        """
        token = self._token()
        try:
            _prove(session, endpoint.username, token)
        except smtplib.SMTPResponseException as refusal:
            if not _may_be_the_token(refusal):
                raise
            token = self._token(refused=token)
            _prove(session, endpoint.username, token)

    def _token(self, refused: str = "") -> str:
        try:
            return tokens.access_token(self.account, refused=refused)
        except AccountTrouble as trouble:
            self._trouble = trouble
            raise

    def _in_our_words(self, step: CheckResult, name: str) -> None:
        """There is no password to check."""
        if step.code != "login":
            return
        if step.ok:
            step.found = _("The server accepted the sign-in at %s.") % name
        elif self._trouble is not None:
            # Not the encryption, as a log-in that fails without the server's word else means.
            step.extra["cause"] = Cause.NONE.value
            step.hint = _("Open the account and sign in again.")
        elif step.detail:  # the server itself has refused
            step.found = _("Sign-in refused")
            step.hint = _log_in_hint(self.account.kind)


def _prove(session: smtplib.SMTP, user: str, token: str) -> None:
    if "XOAUTH2" not in session.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError("XOAUTH2 is not offered")
    words = f"user={user}\x01auth=Bearer {token}\x01\x01"

    def answer(challenge: Any = None) -> str:
        return words if challenge is None else ""

    try:
        session.auth("XOAUTH2", answer)
    except smtplib.SMTPResponseException as error:
        # Some servers repeat the AUTH line. "from None": its frames hold the token.
        text = _without(_text(error.smtp_error), token, words)
        raise smtplib.SMTPResponseException(error.smtp_code, text) from None


def _without(text: str, *secrets: str) -> str:
    for secret in secrets:
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            text = text.replace(form, "***")
    return text


def _may_be_the_token(refusal: smtplib.SMTPResponseException) -> bool:
    reply = Reply(refusal.smtp_code, _text(refusal.smtp_error).encode())
    return reply.code == 535 and reply.enhanced not in _SWITCHED_OFF


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _log_in_hint(kind: str) -> str:
    if kind == "microsoft":
        return _(
            "Sign in again. If it goes on, “Authenticated SMTP” has to be switched on for this "
            "mailbox in the Microsoft 365 admin centre."
        )
    return _("Sign in again at Google.")
