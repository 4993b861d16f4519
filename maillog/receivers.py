"""What the outbox does when something happens to a sender account."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.dispatch import receiver

from mailaccounts.account_test.message import TestMessage
from mailaccounts.models import SenderAccount
from mailaccounts.signals import (
    account_left,
    login_refused,
    sender_changed,
    test_message_requested,
)
from mailaccounts.transports.base import AccountTrouble, AnswerClass, Phase
from maillog import health, relocation
from maillog.models import Delivery, MailMessage
from maillog.states import STOPPABLE


@receiver(sender_changed, dispatch_uid="maillog.correct_sender")
def correct_sender(account: SenderAccount, **kwargs: Any) -> None:
    """Gives the corrected sender to mail that waits: a server may refuse the wrong one for ever.

    A message of which anything has left, or may have, keeps the sender it left under. What was
    refused, be it at its dot, has not left.
    """
    deliveries = Delivery.objects.filter(message=OuterRef("pk"))
    may_have_left = deliveries.filter(~Q(state__in=STOPPABLE) | Q(ever_unknown=True))
    waiting = MailMessage.objects.filter(Exists(deliveries), ~Exists(may_have_left))
    # The shop too: the indexes of the log begin with it.
    mine = waiting.filter(shop=account.shop_id, account=account, state__in=STOPPABLE)
    mine.update(from_address=account.from_address, from_name=account.from_name)


@receiver(test_message_requested, dispatch_uid="maillog.send_test_message")
def send_test_message(
    account: SenderAccount, to: str, seconds: float, **kwargs: Any
) -> TestMessage:
    """Queues and sends one message through ``account``; the answer can be asked how it went."""
    from maillog.test_mail import TestMail

    return TestMail(account, to, seconds).start()


@receiver(login_refused, dispatch_uid="maillog.count_refused_login")
def count_refused_login(account: SenderAccount, words: str, **kwargs: Any) -> None:
    """Refused in a test is refused: the mail that waits would meet the same answer."""
    health.note_trouble(account, AccountTrouble(AnswerClass.AUTH, words, phase=Phase.LOGIN))


@receiver(account_left, dispatch_uid="maillog.move_waiting")
def move_waiting(account: SenderAccount, **kwargs: Any) -> dict[str, int]:
    """Mail that waits at an account which sends no more leaves from the shop's main account.

    What is being sent at this moment follows with the next sweep.
    """
    return {"messages": relocation.to_main(account)}
