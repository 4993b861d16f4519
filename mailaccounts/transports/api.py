"""A provider's HTTP API: one call for each delivery, with its recipient alone in ``to``.

The connection is opened first, then the journal's gate is asked, then the request is written. A
refused connection is "not sent"; whatever happens after the request has left is "unknown", except
an answer 4xx, which says that nothing was taken.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from anymail.exceptions import (
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from botocore.exceptions import BotoCoreError
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from mailaccounts.esp.answers import Reading, read
from mailaccounts.esp.backends import Office, open_office
from mailaccounts.esp.freshmail import TooMuch
from mailaccounts.esp.guarded import Lost, NotWritten, Patience
from mailaccounts.esp.rebuild import NotCarried, rebuild
from mailaccounts.transports import api_check
from mailaccounts.transports.answers import ACCOUNT_CLASSES, one_line
from mailaccounts.transports.base import (
    AccountTrouble,
    AnswerClass,
    CheckResult,
    Journal,
    Outcome,
    Outgoing,
    Phase,
    Transport,
)

if TYPE_CHECKING:
    from mailaccounts.models import SenderAccount

# anymail's names for what a provider made of a recipient, in an answer 2xx.
_TAKEN = frozenset({"sent", "queued"})
_REFUSED = frozenset({"invalid", "rejected", "failed"})


class Api(Transport):
    """An account at FreshMail or another provider. ``api_url`` stands in for the table's."""

    def __init__(
        self, account: SenderAccount, patience: Patience | None = None, api_url: str = ""
    ) -> None:
        super().__init__(account)
        self.patience = patience
        self._api_url = api_url

    def open(self) -> Office:
        """Raises ``AccountTrouble`` for settings that cannot be right."""
        try:
            return open_office(self.account, patience=self.patience, api_url=self._api_url)
        except AccountTrouble:
            raise
        except (ImproperlyConfigured, ValueError, BotoCoreError) as error:
            # The words of these errors may hold what was configured: they are not shown.
            text = _("The settings of this account cannot be used. Enter them once more.")
            raise AccountTrouble(AnswerClass.AUTH, text) from error

    def send(self, items: Iterator[Outgoing], journal: Journal) -> None:
        office = self.open()
        try:
            courier = Courier(office, journal)
            for item in items:
                courier.carry(item)
        finally:
            office.close()

    def check(self) -> Iterator[CheckResult]:
        """Look the name up, connect, secure, and show the key where that can be done harmlessly."""
        try:
            office = self.open()
        except AccountTrouble as trouble:
            facts = {"answer": trouble.answer.value, "phase": trouble.phase.value}
            yield CheckResult(_("Settings"), False, trouble.text, extra=facts, code="settings")
            return
        try:
            yield from api_check.run(office)
        finally:
            office.close()


class GateShut(Exception):
    """The journal does not let this delivery go."""


class Courier:
    """Carries deliveries one by one. Each outcome is committed before the next one is begun."""

    def __init__(self, office: Office, journal: Journal) -> None:
        self._office = office
        self._wires = office.wires
        self._journal = journal
        self._started = 0.0
        self._is_past_gate = False

    def carry(self, item: Outgoing) -> None:
        """Send ``item`` and settle or release it; raises ``AccountTrouble`` where that ends all."""
        self._started, self._is_past_gate = time.monotonic(), False
        self._wires.answer = None
        self._wires.gate = lambda: self._ask_gate(item)
        try:
            message = self._rebuilt(item)
            if message is not None:
                self._hand_over(item, message)
        except BaseException:
            # A request that may have left is nobody's to give back.
            if not self._is_past_gate:
                self._journal.release([item])
            raise

    def _rebuilt(self, item: Outgoing) -> Any:
        try:
            message = rebuild(item, self._office.provider)
        except NotCarried as error:
            self._refuse(item, str(error))
            return None
        if self._office.provider.idempotency_http:
            name = self._office.provider.idempotency_http
            self._office.session.headers[name] = str(item.delivery_id)
        return message

    def _hand_over(self, item: Outgoing, message: Any) -> None:
        try:
            self._office.backend.send_messages([message])
        except (GateShut, NotWritten) as error:
            self._not_sent(item, error)
        except AccountTrouble as trouble:
            self._let_go(item)
            trouble.about = None
            raise
        except Lost as error:
            self._unknown(item, str(error))
        except Exception as error:
            self._judge_failure(item, message, error)
        else:
            self._judge_success(item, message)

    def _ask_gate(self, item: Outgoing) -> None:
        asked = time.monotonic()
        if not self._journal.step(None, item):
            raise GateShut
        # A commit that took long may have outlived the lease: somebody else may send it by now.
        if time.monotonic() - asked > self._wires.patience.gate:
            raise GateShut
        self._is_past_gate = True

    # What came of it

    def _judge_success(self, item: Outgoing, message: Any) -> None:
        """No error was raised; what the provider made of the recipient still counts."""
        answer = self._wires.answer
        if answer is None:
            # anymail left it out (a receiver of its signals said so): no request was made.
            self._refuse(item, _("a receiver of a signal kept it back"))
            return
        if answer.status // 100 != 2:
            self._judge(item, read(answer, self._office.secrets, slug=self._office.provider.slug))
            return
        status = message.anymail_status
        words = {each.status for each in status.recipients.values()}
        if words <= _TAKEN and words:
            self._sent(item, answer.status, status.message_id)
        elif words <= _REFUSED and words:
            self._judge_refused(item)
        else:
            self._unknown(
                item, _("The provider's answer does not say whether it took the message.")
            )

    def _judge_failure(self, item: Outgoing, message: Any, error: Exception) -> None:
        if self._wires.answer is None:
            if self._is_past_gate:
                # It may have left, and something of ours or the library's broke.
                self._unknown(item, type(error).__name__)
                return
            self._refuse_unsendable(item, error)
            return
        if isinstance(error, AnymailRecipientsRefused):
            self._judge_refused(item)
            return
        reading = read(self._wires.answer, self._office.secrets, slug=self._office.provider.slug)
        self._judge(item, reading)

    def _judge_refused(self, item: Outgoing) -> None:
        answer = self._wires.answer
        assert answer is not None
        reading = read(answer, self._office.secrets, slug=self._office.provider.slug)
        self._conclude(item, AnswerClass.RECIPIENT, reading.words, reading.status)

    def _judge(self, item: Outgoing, reading: Reading) -> None:
        if reading.answer in ACCOUNT_CLASSES:
            # 4xx: it was not taken, so it waits with the others and no attempt is counted.
            self._let_go(item)
            raise AccountTrouble(
                reading.answer,
                reading.words,
                phase=Phase.DOT,
                code=reading.status,
                retry_after=reading.retry_after,
                about=item.delivery_id,
            )
        if reading.answer is AnswerClass.UNKNOWN:
            self._unknown(item, reading.words, reading.status)
            return
        self._conclude(
            item, reading.answer, reading.words, reading.status, wait=reading.retry_after
        )

    def _sent(self, item: Outgoing, code: int, message_id: Any) -> None:
        known = isinstance(message_id, (str, int)) and message_id
        text = f"{code} id {one_line(str(message_id).encode())[:500]}" if known else str(code)
        self._conclude(item, AnswerClass.SENT, text, code)

    def _unknown(self, item: Outgoing, words: str, code: int | None = None) -> None:
        """Nobody knows. Unless the answer spoke of this one alone (4xx), the account rests: the
        next ones would hardly fare better."""
        self._conclude(item, AnswerClass.UNKNOWN, words, code)
        if code is None or code // 100 != 4:
            raise AccountTrouble(
                AnswerClass.NET, words, phase=Phase.DOT, code=code, about=item.delivery_id
            )

    def _not_sent(self, item: Outgoing, error: Exception) -> None:
        """The gate stayed shut, or the connection broke before the request had left."""
        self._let_go(item)
        if isinstance(error, NotWritten):
            raise AccountTrouble(
                AnswerClass.NET, str(error), phase=Phase.BODY, about=item.delivery_id
            ) from error

    def _refuse_unsendable(self, item: Outgoing, error: Exception) -> None:
        """Not one byte has left: anymail says that the provider cannot carry the mail."""
        if isinstance(error, TooMuch):
            self._conclude(item, AnswerClass.SIZE, str(error), phase=Phase.LOGIN)
        elif isinstance(error, AnymailUnsupportedFeature):
            self._refuse(item, str(error.args[0]) if error.args else "")
        elif isinstance(error, (AnymailInvalidAddress, AnymailSerializationError)):
            self._refuse(item, _("an address or a text that it cannot read"))
        else:
            raise error

    def _refuse(self, item: Outgoing, what: str) -> None:
        text = _("%(provider)s cannot carry this message: %(what)s") % {
            "provider": self._office.provider.name,
            "what": what,
        }
        self._conclude(item, AnswerClass.CAPABILITY, text, phase=Phase.LOGIN)

    def _let_go(self, item: Outgoing) -> None:
        self._journal.release([item])
        self._is_past_gate = True  # settled: not to be released a second time

    def _conclude(
        self,
        item: Outgoing,
        answer: AnswerClass,
        text: str,
        code: int | None = None,
        *,
        phase: Phase = Phase.DOT,
        wait: int | None = None,
    ) -> None:
        self._is_past_gate = True
        asked = phase is Phase.DOT
        self._journal.step(
            Outcome(
                delivery_id=item.delivery_id,
                fence=item.fence,
                answer=answer,
                phase=phase,
                code=code,
                text=one_line(text.encode()),
                server=self._wires.server if asked else "",
                tls=self._wires.tls if asked else "",
                milliseconds=int((time.monotonic() - self._started) * 1000),
                retry_after=wait,
            ),
            None,
        )
