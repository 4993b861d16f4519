"""SMTP: one session carries many messages, one recipient each.

``smtplib`` opens the session (``smtp_opening``); what then goes over it is ``smtp_carrier``'s.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from mailaccounts.transports import smtp_check
from mailaccounts.transports.base import (
    AccountTrouble,
    AnswerClass,
    CheckResult,
    Endpoint,
    Journal,
    Outgoing,
    Transport,
)
from mailaccounts.transports.smtp_carrier import Carrier
from mailaccounts.transports.smtp_opening import Link, Opening, Timeouts
from shops.conf import conf
from shops.secrets import SecretUnreadable

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount


class Smtp(Transport):
    """An account on an SMTP server."""

    def __init__(self, account: SenderAccount, timeouts: Timeouts | None = None) -> None:
        super().__init__(account)
        self.timeouts = timeouts or Timeouts(after_dot=conf.POST_DOT_TIMEOUT)

    def send(self, items: Iterator[Outgoing], journal: Journal) -> None:
        """As ``Transport.send``; also raises ``Unsendable`` for bytes that would break SMTP.

        Then everything else that was pulled is settled or released, and ``send`` may be called
        again with the same ``items``. These must not wait for work: while they do, an outcome
        that the server has already given is not yet recorded.
        """
        Carrier(self, items, journal).carry()

    def check(self) -> Iterator[CheckResult]:
        """Look the name up, connect, secure and log in, each as a step in plain words."""
        try:
            opening = self.opening()
        except AccountTrouble as trouble:
            facts = {"answer": trouble.answer.value, "phase": trouble.phase.value}
            yield CheckResult(_("Settings"), False, trouble.text, extra=facts, code="settings")
            return
        yield from smtp_check.run(opening, self.log_in)

    def open(self) -> Link:
        """Open a session ready for MAIL; raises ``AccountTrouble``."""
        opening = self.opening()
        try:
            opening.connect()
            opening.greet()
            opening.secure()
            opening.log_in(self.log_in)
            return opening.link()
        except BaseException:
            opening.give_up()
            raise

    def opening(self) -> Opening:
        """Raises ``AccountTrouble`` where it is not even known where and how to connect."""
        try:
            return Opening(self.account.endpoint(), self.timeouts)
        except (ImproperlyConfigured, SecretUnreadable) as error:
            raise AccountTrouble(AnswerClass.AUTH, str(error)) from error

    def log_in(self, session: smtplib.SMTP, endpoint: Endpoint) -> None:
        """Authenticate ``session``. Accounts with tokens instead of passwords override this.

        Raises ``smtplib.SMTPException``.
        """
        session.login(endpoint.username, endpoint.password)
