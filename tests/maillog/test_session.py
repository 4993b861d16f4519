from __future__ import annotations

import threading
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from demo.sink_faults import Fault, Stage
from mailaccounts.models import SenderAccount
from maillog import claims, journal, reaper, registry
from maillog.deliver import Deliverer
from maillog.journal import AccountJournal
from maillog.models import Attempt, Delivery, MailMessage, MessageBody, Suppression
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.session import Session
from maillog.states import Role, State
from tests import factories
from tests.smtp import independent_server, sink

pytestmark = pytest.mark.django_db(transaction=True)


def make_draft(account: SenderAccount, to: str = "anna@klient.example", **values: object) -> Draft:
    facts: dict[str, object] = {
        "message_type": "note",
        "shop": account.shop,
        "account": account,
        "recipients": (Recipient(to, "Anna Wiśniewska"),),
        "expires_in": timedelta(hours=1),
        "subject": "Zamówienie 10482 przyjęte",
        "body": Body(html="<p>Dziękujemy, Anno.</p>", text="Dziękujemy, Anno.\n"),
    }
    return Draft(**{**facts, **values})


def account_at(port: int, **values: object) -> SenderAccount:
    return factories.make_account(factories.make_shop(), port=port, **values)


def send_all(account: SenderAccount) -> int:
    account.refresh_from_db()
    return Session(account, "tests:1", threading.Event()).run()


def the_delivery(message: MailMessage) -> Delivery:
    return message.deliveries.get(role=Role.MAIN)


@pytest.mark.promise("S0.10")
def test_an_account_from_this_server_leaves_by_the_installations_own_server(settings) -> None:
    account = factories.make_account(factories.make_shop(), kind="server", host="", username="")
    with sink() as server:
        settings.SYSTEM_SENDER_URL = f"smtp://127.0.0.1:{server.port}"
        message = queue(make_draft(account))
        assert message is not None
        assert send_all(account) == 1
        [mail] = server.store.received
    assert mail.mail_from == account.from_address
    assert the_delivery(message).state == State.SENT


def test_it_sends_a_queued_message_and_writes_down_what_the_server_said() -> None:
    with sink() as server:
        message = queue(make_draft(account_at(server.port)))
        assert message is not None and message.account is not None
        assert send_all(message.account) == 1
    delivery = the_delivery(message)
    assert delivery.state == State.SENT
    assert delivery.attempts.get().code == 250
    message.refresh_from_db()
    assert (message.state, message.failed_recipients) == (State.SENT, 0)
    [stored] = server.store.received
    assert stored.message_id == message.message_id


def test_it_gives_the_same_bytes_to_an_independent_server() -> None:
    with independent_server() as (strict, port):
        message = queue(make_draft(account_at(port)))
        assert message is not None and message.account is not None
        send_all(message.account)
    [envelope] = strict.envelopes
    built = registry.channels["email"].build(
        Delivery.objects.select_related("message__body").get(message=message)
    )
    assert envelope.content == built.content
    assert envelope.rcpt_tos == ["anna@klient.example"]


def test_it_holds_a_message_whose_text_cannot_be_made_and_sends_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def render(message: MailMessage) -> Body:
        raise registry.RenderFailed("line 3: order.totl is not known")

    monkeypatch.setitem(registry.renderers, "email", render)
    with sink() as server:
        account = account_at(server.port)
        broken = queue(make_draft(account, body=None, context={}))
        whole = queue(make_draft(account, to="ewa@klient.example"))
        send_all(account)
    assert broken is not None and whole is not None
    broken.refresh_from_db()
    assert (broken.state, broken.reason) == (State.HELD, "template")
    assert "line 3" in broken.detail
    assert the_delivery(whole).state == State.SENT


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault(Stage.RCPT, reply="550 5.1.1 No such user"), State.FAILED),
        (Fault(Stage.RCPT, reply="451 4.7.1 Greylisted, come back"), State.DEFERRED),
        (Fault(Stage.DOT, reply="554 5.7.1 Looks like spam"), State.FAILED),
    ],
)
def test_it_ends_in_the_state_that_the_answer_means(fault: Fault, state: State) -> None:
    with sink(faults=[fault]) as server:
        message = queue(make_draft(account_at(server.port)))
        assert message is not None and message.account is not None
        send_all(message.account)
    delivery = the_delivery(message)
    assert delivery.state == state
    assert str(delivery.attempts.get().code) == fault.reply[:3]


def test_a_refused_copy_does_not_change_the_message() -> None:
    with sink(
        faults=[Fault(Stage.RCPT, reply="550 5.1.1 No such user", recipient="szef@sklep.example")]
    ) as server:
        account = account_at(server.port, copy_to="szef@sklep.example")
        message = queue(make_draft(account))
        send_all(account)
    assert message is not None
    message.refresh_from_db()
    assert (message.state, message.failed_recipients) == (State.SENT, 0)
    assert message.deliveries.get(role=Role.COPY).state == State.FAILED


def test_it_counts_failed_recipients_of_a_message_to_three() -> None:
    faults = [
        Fault(Stage.RCPT, reply="550 5.1.1 No such user", recipient="b@klient.example"),
        Fault(Stage.RCPT, reply="550 5.1.1 No such user", recipient="c@klient.example"),
    ]
    people = tuple(Recipient(f"{name}@klient.example") for name in "abc")
    with sink(faults=faults) as server:
        account = account_at(server.port)
        message = queue(make_draft(account, recipients=people))
        send_all(account)
    assert message is not None
    message.refresh_from_db()
    assert (message.state, message.failed_recipients) == (State.FAILED, 2)


def test_mail_waits_while_its_server_is_away() -> None:
    account = account_at(9)
    message = queue(make_draft(account))
    send_all(account)
    assert message is not None
    delivery = the_delivery(message)
    assert (delivery.state, delivery.tries) == (State.QUEUED, 0)
    assert delivery.attempts.get().answer == "net"
    account.refresh_from_db()
    assert account.next_try_at is not None and account.next_try_at > timezone.now()
    assert Deliverer().run(once=True) is None and the_delivery(message).attempts.count() == 1


def test_a_suppressed_address_is_not_written_to() -> None:
    with sink() as server:
        account = account_at(server.port)
        message = queue(make_draft(account))
        Suppression.objects.create(
            shop=account.shop, address="anna@klient.example", reason=Suppression.Reason.HARD
        )
        send_all(account)
    assert message is not None and the_delivery(message).state == State.SUPPRESSED
    assert not server.store.received


def test_an_unknown_recipient_is_suppressed_from_then_on() -> None:
    with sink(faults=[Fault(Stage.RCPT, reply="550 5.1.1 No such user")]) as server:
        account = account_at(server.port)
        queue(make_draft(account))
        send_all(account)
        later = queue(make_draft(account))
    assert later is not None and later.state == State.SUPPRESSED


def test_test_mode_redirects_every_recipient() -> None:
    with sink() as server:
        account = account_at(server.port, copy_to="szef@sklep.example")
        message = queue(make_draft(account))
        shop = account.shop
        assert shop is not None
        shop.test_mode, shop.test_address = "redirect", "test@sklep.example"
        shop.save()
        send_all(account)
    assert {to for stored in server.store.received for to in stored.rcpt_to} == {
        "test@sklep.example"
    }
    assert message is not None and the_delivery(message).subject_prefix == "[TEST] "


def test_what_expired_is_not_sent() -> None:
    with sink() as server:
        account = account_at(server.port)
        message = queue(make_draft(account))
        Delivery.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        send_all(account)
    assert message is not None and the_delivery(message).state == State.EXPIRED
    assert not server.store.received


def test_a_delivery_that_staff_cancel_while_it_is_claimed_does_not_leave() -> None:
    with sink() as server:
        account = account_at(server.port)
        message = queue(make_draft(account))
        Delivery.objects.update(cancel_requested=True)
        send_all(account)
    assert message is not None and the_delivery(message).state == State.CANCELLED
    assert not server.store.received


def test_what_was_lost_before_it_was_read_is_left_to_who_has_it_now() -> None:
    """The row that is read then carries the other's fence, and with it his right to send."""
    account = account_at(9)
    queue(make_draft(account))
    session = Session(account, "slow:1", threading.Event())
    rows = claims.claim(account, "slow:1", 1)
    Delivery.objects.update(state=State.QUEUED, lease_until=None, worker="")
    claims.claim(account, "quick:1", 1)
    assert session._load(rows) == [] and not session.journal.held


def test_no_transaction_is_open_while_a_server_is_waited_for() -> None:
    seen: list[bool] = []

    with sink() as server:
        account = account_at(server.port)
        queue(make_draft(account))
        account.refresh_from_db()
        session = Session(account, "tests:1", threading.Event())
        items = session._items(10)
        for _each in items:
            seen.append(connection.in_atomic_block)
        session.journal.release_all()
    assert seen == [False]


def test_a_deliver_process_sends_for_several_accounts_at_once() -> None:
    with sink() as server:
        messages = [queue(make_draft(account_at(server.port))) for _ in range(3)]
        Deliverer().run(once=True)
    assert len(server.store.received) == 3
    assert {each.state for each in Delivery.objects.all()} == {State.SENT}
    assert all(messages)
    assert Attempt.objects.count() == 3


def test_an_outcome_that_could_not_be_recorded_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """The server said 250, then the database went away: nobody may believe it was not sent."""

    commit = AccountJournal._commit

    def lost(self: AccountJournal, done: Any, gate: Any) -> bool:
        if done is not None:
            raise OperationalError("server closed the connection")
        return commit(self, done, gate)

    settings.LEASE_SECONDS = 1
    with sink() as server:
        account = account_at(server.port)
        message = queue(make_draft(account))
        monkeypatch.setattr(AccountJournal, "_commit", lost)
        with pytest.raises(OperationalError):
            send_all(account)
    assert message is not None and server.store.count == 1
    delivery = the_delivery(message)
    assert (delivery.state, delivery.phase) == (State.CLAIMED, "dot")
    Delivery.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    reaper.reap_lost_leases()
    assert the_delivery(message).state == State.UNKNOWN


@pytest.mark.parametrize("committed", [False, True])
def test_an_outcome_outlives_a_database_that_was_away_for_a_moment(
    monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """Lost before the commit, or only its answer was: either way it is written down once."""
    commit, calls = AccountJournal._commit, count()

    def interrupted(self: AccountJournal, done: Any, gate: Any) -> bool:
        if done is not None and next(calls) < 2:
            if committed:
                commit(self, done, gate)
            raise OperationalError("terminating connection due to administrator command")
        return commit(self, done, gate)

    monkeypatch.setattr(journal, "WRITE_AGAIN_AFTER", 0.01)
    monkeypatch.setattr(AccountJournal, "_commit", interrupted)
    with sink() as server:
        account = account_at(server.port)
        messages = [queue(make_draft(account, to=f"a{n}@klient.example")) for n in range(3)]
        send_all(account)
        send_all(account)
    assert server.store.count == len(messages) and server.store.duplicates == 0
    assert list(Delivery.objects.values_list("state", "tries", "ever_unknown")) == [
        (State.SENT, 1, False)
    ] * len(messages)
    assert Attempt.objects.filter(answer="sent").count() == len(messages)


@pytest.mark.parametrize("answer", ["250 Ok", "550 5.1.1 No such user"])
def test_a_link_that_signs_somebody_in_is_gone_once_the_mail_has_ended(answer: str) -> None:
    faults = [] if answer.startswith("2") else [Fault(Stage.RCPT, reply=answer)]
    with sink(faults=faults) as server:
        account = account_at(server.port)
        secret = Body(text="https://sklep.example/haslo/tajne")
        message = queue(make_draft(account, body=secret, context={"link": "x"}, sensitive=True))
        assert message is not None
        assert MessageBody.objects.get(message=message).text == secret.text
        send_all(account)
    message.refresh_from_db()
    assert (MessageBody.objects.get(message=message).text, message.context) == ("", None)


def test_a_link_is_kept_while_the_mail_may_still_be_sent() -> None:
    account = account_at(9)
    message = queue(make_draft(account, body=Body(text="tajne"), sensitive=True))
    send_all(account)
    assert MessageBody.objects.get(message=message).text == "tajne"
