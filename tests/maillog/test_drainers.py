"""Several workers on one outbox: each message exactly once, whoever dies."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from demo.sink_faults import Action, Fault, Stage
from mailaccounts.models import SenderAccount
from mailaccounts.transports.base import AnswerClass, Outcome, Phase
from maillog import claims
from maillog.deliver import Deliverer
from maillog.journal import AccountJournal
from maillog.models import Delivery
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.states import Role, State
from tests import factories
from tests.maillog.test_session import make_draft
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


def queue_many(account: SenderAccount, count: int) -> None:
    for number in range(count):
        queue(
            Draft(
                message_type="note",
                shop=account.shop,
                account=account,
                recipients=(Recipient(f"anna{number}@klient.example"),),
                expires_in=timedelta(hours=1),
                subject=f"Wiadomość {number}",
                body=Body(text="Dzień dobry\n"),
            )
        )


def drain_with(count: int) -> None:
    """Runs ``count`` deliver loops at once, each in a thread of its own, until nothing is due."""

    def run() -> None:
        Deliverer().run(once=True)
        connection.close()

    threads = [threading.Thread(target=run) for _each in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_four_drainers_send_each_of_a_thousand_messages_once() -> None:
    with sink() as server:
        account = factories.make_account(factories.make_shop(), port=server.port, concurrency=16)
        queue_many(account, 1000)
        drain_with(4)
    assert server.store.count == 1000 and server.store.duplicates == 0
    assert Delivery.objects.filter(state=State.SENT).count() == 1000
    assert not Delivery.objects.filter(tries__gt=1).exists()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all")
def test_leases_are_prolonged_without_waiting_for_what_a_session_is_writing() -> None:
    """Waiting for each other PostgreSQL ends one of the two, and an outcome may be in it."""
    account = factories.make_account(factories.make_shop())
    queue_many(account, 3)
    first, *_others = claims.claim(account, "tests:1", 10)
    renewed: list[int] = []

    def keep() -> None:
        renewed.append(claims.renew(["tests:1"]))
        connection.close()

    with transaction.atomic():
        Delivery.objects.filter(pk=first.delivery_id).update(phase="dot", dot_at=timezone.now())
        keeper = threading.Thread(target=keep)
        keeper.start()
        keeper.join(5)
        assert renewed == [2]
    keep()
    assert renewed == [2, 3]


def claimed_by(account: SenderAccount, worker: str) -> tuple[AccountJournal, Outcome]:
    """A session that has claimed one delivery, and the outcome that it has read."""
    [row] = claims.claim(account, worker, 1)
    delivery = Delivery.objects.select_related("message").get(pk=row.delivery_id)
    journal = AccountJournal(account, worker)
    journal.take([delivery])
    return journal, Outcome(delivery.pk, row.fence, AnswerClass.SENT, Phase.DOT, code=250)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("second", [Role.MAIN, Role.COPY])
def test_two_sessions_that_end_one_message_at_once_roll_it_up_together(second: Role) -> None:
    """Each sees the other's delivery as it was before: whoever is last must look again."""
    account = factories.make_account(factories.make_shop())
    recipients = (Recipient("anna@klient.example"), Recipient("szef@klient.example", role=second))
    message = queue(make_draft(account, recipients=recipients))
    assert message is not None
    journals = [claimed_by(account, f"tests:{number}") for number in (1, 2)]

    def end_second() -> None:
        journals[1][0].step(journals[1][1], None)
        connection.close()

    other = threading.Thread(target=end_second)
    with transaction.atomic():
        journals[0][0].step(journals[0][1], None)
        other.start()
        other.join(0.3)
    other.join(10)
    message.refresh_from_db()
    assert {each.state for each in message.deliveries.all()} == {State.SENT}
    assert message.state == State.SENT


def test_a_server_that_hangs_does_not_stop_the_others() -> None:
    silent = Fault(Stage.RCPT, action=Action.SILENCE)
    with sink(faults=[silent]) as first, sink(faults=[silent]) as second, sink() as good:
        shop = factories.make_shop()
        for server in (first, second):
            queue_many(factories.make_account(shop, port=server.port), 5)
        healthy = factories.make_account(shop, port=good.port)
        queue_many(healthy, 50)
        deliverer = Deliverer()
        thread = threading.Thread(target=lambda: (deliverer.run(), connection.close()))
        thread.start()
        try:
            waited = threading.Event()
            for _each in range(100):
                if good.store.count == 50:
                    break
                waited.wait(0.1)
            assert good.store.count == 50
        finally:
            deliverer.stop.set()
            first_done, second_done = first.store.count, second.store.count
    thread.join(60)
    assert (first_done, second_done) == (0, 0)
