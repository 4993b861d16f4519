"""How one ``send`` over SMTP goes: MAIL, RCPT, DATA and the dot, message after message.

They are driven here and not by ``smtplib``, because only then can we tell "not sent" from "perhaps
sent". For every message: the body without its dot, the journal's gate, a look at the socket, the
dot. Where PIPELINING is offered the next envelope travels with the dot, never with the body
(RFC 2920 section 3.1 allows both).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext as _

from mailaccounts.transports.answers import ACCOUNT_CLASSES, Reply, classify, wait_from_text
from mailaccounts.transports.base import (
    AccountTrouble,
    AnswerClass,
    Journal,
    Outcome,
    Outgoing,
    Phase,
)
from mailaccounts.transports.parcels import Parcel, Unsendable, pack, unfit
from mailaccounts.transports.smtp_session import Session
from mailaccounts.transports.smtp_wire import Gone, NotWritten, TooSlow

if TYPE_CHECKING:
    from mailaccounts.transports.smtp import Smtp
    from mailaccounts.transports.smtp_opening import Link

# A finished outcome waits so long for the next gate, to share its commit; then it goes alone.
PATIENCE = 0.005  # seconds
# A body above this may not fit the socket's buffer: no outcome may wait for it to drain.
LARGE_BODY = 64 * 1024  # bytes
# Fresh connections after a polite 421, in one session; then the account rests.
RETURNS_AFTER_421 = 1


class Carrier:
    """Carries the items of one ``send``: over one connection, and fresh ones where they break.

    At most two items are held: ``_now``, which is not past its dot, and ``_next``, whose envelope
    may have travelled with the dot before. Neither has left, so both go back if we stop here.
    """

    def __init__(self, transport: Smtp, items: Iterator[Outgoing], journal: Journal) -> None:
        self._open: Callable[[], Link] = transport.open
        self._timeouts = transport.timeouts
        self._items = items
        self._journal = journal
        self._session: Session | None = None
        self._now: Parcel | None = None
        self._next: Parcel | None = None
        self._about: UUID | None = None  # the delivery that the server was told of last
        self._done: Outcome | None = None
        self._done_at = self._started = 0.0
        self._slow_queue = False  # the last pull took longer than an outcome may wait
        self._useless_links = self._returns = 0
        self._unanswered: AccountTrouble | None = (
            None  # a useless link that no verdict has followed
        )

    def carry(self) -> None:
        try:
            while self._next is not None or self._pull():
                self._carry_next()
            self._settle()
            if self._unanswered is not None:
                # The queue would offer the same message at once, again and again.
                raise self._unanswered
            if self._session is not None:
                self._session.quit()
        finally:
            if self._session is not None:
                self._session.close()
            try:
                self._settle()
            finally:
                self._give_back(self._now, self._next)

    def _carry_next(self) -> None:
        parcel, self._next = self._next, None
        if parcel is None:
            return
        if parcel.problem:
            raise Unsendable(parcel.item, parcel.problem)
        self._now = parcel
        session = self._connected()
        self._about = parcel.item.delivery_id
        self._started = time.monotonic()
        unable = unfit(parcel.item, session.link)
        if unable is not None:
            self._conclude(self._outcome(parcel, unable.answer, Phase.LOGIN, text=unable.text))
            return
        try:
            refusal = session.offer(parcel.item)
        except Gone as error:
            self._try_again()
            self._lost(session, error)
            return
        if refusal is not None:
            self._refused(session, parcel, *refusal)
        else:
            self._hand_over(session, parcel)

    def _hand_over(self, session: Session, parcel: Parcel) -> None:
        """The text, the gate, a look, the dot."""
        if len(parcel.body) > LARGE_BODY:
            self._settle()
        try:
            session.body(parcel.body)
            self._pull()
            if not self._gate(parcel):
                # After 354 there is no other way back than closing (RFC 5321 section 4.1.1.5).
                session.close()
                self._release_now()
                return
            if not session.is_quiet():
                raise NotWritten(_("The server hung up before the message had ended."))
            self._finish(session, parcel)
        except Gone as error:
            self._interrupted(session, parcel, error)

    def _gate(self, parcel: Parcel) -> bool:
        """Record the outcome before, and ask whether this one may still go."""
        asked = time.monotonic()
        opened = self._journal.step(self._done, parcel.item)
        self._done = None
        # A commit that took long may have outlived the lease: somebody else may send it by now.
        return opened and time.monotonic() - asked <= self._timeouts.gate

    def _finish(self, session: Session, parcel: Parcel) -> None:
        """Write the dot and hear the verdict; raises ``Gone`` if the dot has not left.

        From here on the message may have left: it is no longer ours to give back.
        """
        following = self._next
        fits = following and not following.problem and not unfit(following.item, session.link)
        self._now = None
        try:
            reply = session.dot(following.item if following and fits else None)
        except NotWritten:
            self._now = parcel
            raise
        except Gone as error:
            self._conclude(self._outcome(parcel, AnswerClass.UNKNOWN, Phase.DOT, text=str(error)))
            self._settle()
            self._lost(session, error, past_dot=True)
            return
        answer = classify(reply, Phase.DOT)
        self._conclude(self._outcome(parcel, answer, Phase.DOT, reply))
        if self._next is None or answer in ACCOUNT_CLASSES:
            self._settle()
        if answer in ACCOUNT_CLASSES:
            self._account_trouble(session, answer, Phase.DOT, reply)
        session.useful = True

    # When it does not go well

    def _refused(self, session: Session, parcel: Parcel, phase: Phase, reply: Reply) -> None:
        """The server refused ``parcel`` before its dot."""
        answer = classify(reply, phase)
        if answer in ACCOUNT_CLASSES:
            self._account_trouble(session, answer, phase, reply)
        else:
            session.useful = True
            self._conclude(self._outcome(parcel, answer, phase, reply))

    def _account_trouble(
        self, session: Session, answer: AnswerClass, phase: Phase, reply: Reply
    ) -> None:
        """Stop, except for the first 421 of a connection that worked: then come back, once."""
        if reply.code == 421 and session.useful and self._returns < RETURNS_AFTER_421:
            self._returns += 1
            self._try_again()
            return
        if phase is not Phase.DOT:  # with the last dot the next envelope may be on its way
            session.quit()
        raise AccountTrouble(
            answer,
            reply.text,
            phase=phase,
            code=reply.code,
            enhanced=reply.enhanced,
            retry_after=wait_from_text(reply.text),
            about=self._about,
        )

    def _interrupted(self, session: Session, parcel: Parcel, error: Gone) -> None:
        """The connection failed in the text: not sent. A refusal that came early still counts."""
        reply = session.early_refusal()
        session.close()
        if reply is None:
            self._release_now()
            self._lost(session, error)
        else:
            self._refused(session, parcel, Phase.BODY, reply)

    def _lost(self, session: Session, error: Gone, *, past_dot: bool = False) -> None:
        """The connection is dead. Go on over a fresh one, unless two in a row brought nothing.

        A server that falls silent before the dot gets no second chance: that would cost minutes.
        """
        session.close()
        self._useless_links = 0 if session.useful else self._useless_links + 1
        phase = Phase.DOT if past_dot else Phase.MAIL
        trouble = AccountTrouble(AnswerClass.NET, str(error), phase=phase, about=self._about)
        if self._useless_links > 1 or (isinstance(error, TooSlow) and not past_dot):
            raise trouble from error
        self._unanswered = None if past_dot or session.useful else trouble

    def _try_again(self) -> None:
        """``_now`` provably did not leave and nothing was asked for it yet: it goes first."""
        self._now, self._next = None, self._now or self._next

    # The queue and its journal

    def _pull(self) -> bool:
        """Take the next item from the queue, if there is one."""
        if self._slow_queue:
            self._settle()
        asked = time.monotonic()
        item = next(self._items, None)
        self._slow_queue = time.monotonic() - asked > PATIENCE
        self._next = None if item is None else pack(item)
        return item is not None

    def _conclude(self, outcome: Outcome) -> None:
        """``_now`` has its outcome; it is kept for the next commit."""
        self._settle()
        self._unanswered = None
        self._now = None
        self._done, self._done_at = outcome, time.monotonic()

    def _settle(self) -> None:
        """Commit the outcome that waits, alone."""
        if self._done is not None:
            self._journal.step(self._done, None)
            self._done = None

    def _settle_if_late(self) -> None:
        """Called before each reply: an outcome waits for the next gate, not for a server."""
        if self._done is None or self._session is None:
            return
        if not self._session.wire.comes_by(self._done_at + PATIENCE):
            self._settle()

    def _release_now(self) -> None:
        parcel, self._now = self._now, None
        self._give_back(parcel)

    def _give_back(self, *parcels: Parcel | None) -> None:
        items = [parcel.item for parcel in parcels if parcel is not None]
        if items:
            self._journal.release(items)

    def _connected(self) -> Session:
        if self._session is None or not self._session.open:
            self._settle()  # connecting takes its time
            self._session = Session(self._open(), self._timeouts, self._settle_if_late)
        return self._session

    def _outcome(
        self,
        parcel: Parcel,
        answer: AnswerClass,
        phase: Phase,
        reply: Reply | None = None,
        text: str = "",
    ) -> Outcome:
        """What came of ``parcel``; ``text`` where the server has said nothing."""
        words = reply.text if reply else text
        link = self._session.link if self._session else None
        return Outcome(
            delivery_id=parcel.item.delivery_id,
            fence=parcel.item.fence,
            answer=answer,
            phase=phase,
            code=reply.code if reply else None,
            enhanced=reply.enhanced if reply else "",
            text=words,
            tls=link.tls if link else "",
            server=link.server if link else "",
            milliseconds=int((time.monotonic() - self._started) * 1000),
            retry_after=None if answer is AnswerClass.SENT else wait_from_text(words),
        )
