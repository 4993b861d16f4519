"""Mail that waits at an account which cannot send it leaves from another."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from demo.sink_faults import Fault, Stage
from mailaccounts.deeds import do
from mailaccounts.models import Breaker, SenderAccount
from maillog import claims, reaper, relocation, retry
from maillog.models import Delivery, MailMessage
from maillog.outbox import Recipient, queue
from maillog.relocation import BATCH, fallback_of, rescue_stranded
from maillog.resend import try_again
from maillog.states import Reason, Role, State
from shops.models import AuditEntry, Shop
from tests import factories
from tests.http_server import Reply, http_server
from tests.maillog.test_api_accounts import freshmail_account
from tests.maillog.test_drainers import queue_many
from tests.maillog.test_session import make_draft, send_all
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def main(shop: Shop) -> SenderAccount:
    return factories.make_account(shop, from_name="Rowerownia", from_address="sklep@glowny.example")


@pytest.fixture
def spare(main: SenderAccount) -> SenderAccount:
    return factories.make_account(
        main.shop,
        from_name="Zamówienia",
        from_address="zamowienia@boczny.example",
        fallback=main,
    )


def one(account: SenderAccount, **values: Any) -> MailMessage:
    message = queue(make_draft(account, **values))
    assert message is not None
    return message


def where(message: MailMessage) -> tuple[Any, str, list[str], set[Any]]:
    message.refresh_from_db()
    at = set(message.deliveries.values_list("account", flat=True))
    return message.account_id, message.from_address, message.notes, at


def stay_open(account: SenderAccount) -> None:
    """Its breaker opens until staff act."""
    SenderAccount.objects.filter(pk=account.pk).update(breaker=Breaker.OPEN, next_try_at=None)


def test_mail_of_an_account_that_is_switched_off_leaves_from_the_main_one(
    main: SenderAccount, spare: SenderAccount, owner: Any
) -> None:
    with sink() as server:
        SenderAccount.objects.filter(pk=main.pk).update(port=server.port)
        waiting = one(spare)
        said = do("switch_off", spare, owner)
        assert where(waiting) == (main.pk, main.from_address, ["moved"], {main.pk})
        assert "1 message that waited" in said
        send_all(main)
        [arrived] = server.store.received
    assert arrived.mail_from == main.from_address
    assert arrived.message_id == waiting.message_id
    assert AuditEntry.objects.get(action="account.switched_off").details["messages"] == 1


def test_the_log_says_that_a_message_changed_its_account(
    owner_client: Client, shop: Shop, spare: SenderAccount
) -> None:
    waiting = one(spare)
    spare.switch_off()
    page = owner_client.get(f"/s/{shop.slug}/log/{waiting.pk}/").content.decode()
    assert "the main account took it over" in page


def test_it_moves_more_than_a_batch(
    monkeypatch: pytest.MonkeyPatch, main: SenderAccount, spare: SenderAccount
) -> None:
    assert BATCH > 100
    monkeypatch.setattr(relocation, "BATCH", 4)
    queue_many(spare, 10)
    assert spare.switch_off() == {"messages": 10}
    assert set(Delivery.objects.values_list("account", flat=True)) == {main.pk}


def test_copies_and_other_recipients_go_with_their_message(
    main: SenderAccount, spare: SenderAccount
) -> None:
    people = (
        Recipient("anna@klient.example"),
        Recipient("ewa@klient.example", role=Role.CC),
        Recipient("szef@sklep.example", role=Role.COPY),
    )
    message = one(spare, recipients=people)
    message.deliveries.filter(role=Role.CC).update(state=State.SUPPRESSED)
    spare.switch_off()
    moved = dict(message.deliveries.values_list("role", "account"))
    assert moved == {Role.MAIN: main.pk, Role.CC: spare.pk, Role.COPY: main.pk}


def test_what_was_partly_sent_is_held_until_a_person_decides(
    main: SenderAccount, spare: SenderAccount
) -> None:
    """The rest would leave under another sender than the first part, which the log names."""
    people = (Recipient("anna@klient.example"), Recipient("ewa@klient.example"))
    message = one(spare, recipients=people)
    first = message.deliveries.get(address="anna@klient.example")
    now = timezone.now()
    Delivery.objects.filter(pk=first.pk).update(state=State.SENT, dot_at=now, ended_at=now)
    assert spare.switch_off() == {"messages": 0}
    reaper.sweep()
    rest = message.deliveries.get(address="ewa@klient.example")
    assert (rest.state, rest.reason) == (State.HELD, Reason.ACCOUNT)
    assert where(message)[:2] == (spare.pk, spare.from_address)
    try_again(message)
    rest.refresh_from_db()
    assert (rest.state, rest.account) == (State.QUEUED, main)


def test_between_two_accounts_of_one_address_every_part_may_move(
    main: SenderAccount, owner: Any
) -> None:
    do("duplicate", main, owner)
    second = SenderAccount.objects.get(label__endswith="(copy)")
    message = one(second, recipients=(Recipient("a@klient.example"), Recipient("b@klient.example")))
    now = timezone.now()
    message.deliveries.filter(address__startswith="a@").update(
        state=State.SENT, dot_at=now, ended_at=now
    )
    second.switch_off()
    assert message.deliveries.get(address="b@klient.example").account == main


def test_what_was_being_sent_when_the_account_was_switched_off_follows(
    main: SenderAccount, spare: SenderAccount
) -> None:
    message = one(spare)
    rows = claims.claim(spare, "tests:1", 10)
    spare.switch_off()
    assert where(message)[3] == {spare.pk}
    claims.release(rows, "tests:1")
    reaper.sweep()
    assert where(message) == (main.pk, main.from_address, ["moved"], {main.pk})


def test_an_uncertain_one_is_not_repeated_under_another_sender(
    main: SenderAccount, spare: SenderAccount
) -> None:
    message = one(spare)
    spare.switch_off()
    Delivery.objects.update(state=State.QUEUED, ever_unknown=True, account=spare)
    assert rescue_stranded() == 1
    assert message.deliveries.get().reason == Reason.ACCOUNT


def test_what_has_been_put_into_a_sent_folder_stays_with_its_mailbox(
    main: SenderAccount, spare: SenderAccount
) -> None:
    message = one(spare, recipients=(Recipient("a@klient.example"), Recipient("b@klient.example")))
    message.deliveries.filter(address__startswith="b@").update(role=Role.IMAP)
    spare.switch_off()
    reaper.sweep()
    moved = dict(message.deliveries.values_list("role", "account"))
    assert moved == {Role.MAIN: main.pk, Role.IMAP: spare.pk}


@pytest.mark.promise("S5.9")
def test_mail_of_an_account_that_staff_must_mend_leaves_from_its_fallback(
    main: SenderAccount, spare: SenderAccount
) -> None:
    message = one(spare)
    reaper.sweep()
    assert where(message)[0] == spare.pk, "while the account works, nothing is moved"
    stay_open(spare)
    reaper.sweep()
    assert where(message) == (main.pk, main.from_address, ["fallback"], {main.pk})


@pytest.mark.promise("S5.9")
def test_what_a_provider_refused_with_its_key_falls_back_too(
    main: SenderAccount, settings: Any
) -> None:
    with http_server(Reply(401, {"errors": ["bad token"]})) as server:
        paid = freshmail_account(server.url, settings, shop=main.shop, fallback=main)
        messages = [one(paid, to="a@klient.example"), one(paid, to="b@klient.example")]
        for _each in range(2):
            SenderAccount.objects.filter(pk=paid.pk).update(next_try_at=None)
            send_all(paid)
        assert len(server.asked) == 2
    reaper.sweep()
    assert [where(each)[0] for each in messages] == [main.pk, main.pk]


def test_what_a_server_refused_at_the_dot_falls_back_too(
    main: SenderAccount, spare: SenderAccount
) -> None:
    with sink(faults=[Fault(Stage.DOT, reply="530 5.7.0 Authentication required")]) as server:
        SenderAccount.objects.filter(pk=spare.pk).update(port=server.port)
        message = one(spare)
        send_all(spare)
    assert message.deliveries.get().tries == 1
    stay_open(spare)
    reaper.sweep()
    assert where(message)[0] == main.pk


def test_what_was_past_its_dot_stays_with_its_account(
    main: SenderAccount, spare: SenderAccount
) -> None:
    message = one(spare)
    now = timezone.now()
    Delivery.objects.update(
        state=State.QUEUED, dot_at=now, ever_unknown=True, due_at=now + timedelta(hours=1)
    )
    stay_open(spare)
    assert rescue_stranded() == 0 and where(message)[0] == spare.pk


def test_without_a_fallback_mail_waits_for_the_account(
    main: SenderAccount, spare: SenderAccount
) -> None:
    SenderAccount.objects.update(fallback=None)
    message = one(spare)
    stay_open(spare)
    assert rescue_stranded() == 0 and where(message)[0] == spare.pk


def test_an_account_that_is_tried_again_by_itself_keeps_its_mail(
    main: SenderAccount, spare: SenderAccount
) -> None:
    message = one(spare)
    soon = timezone.now() + timedelta(minutes=5)
    SenderAccount.objects.filter(pk=spare.pk).update(breaker=Breaker.OPEN, next_try_at=soon)
    assert rescue_stranded() == 0 and where(message)[0] == spare.pk


def away(account: SenderAccount, failures: int, minutes: int = 30) -> None:
    """Its server does not answer, and is tried again in so many minutes."""
    again = timezone.now() + timedelta(minutes=minutes)
    SenderAccount.objects.filter(pk=account.pk).update(
        breaker=Breaker.OPEN, net_failures=failures, next_try_at=again
    )


@pytest.mark.promise("S5.9")
def test_while_a_server_is_away_what_would_come_too_late_leaves_from_the_fallback(
    main: SenderAccount, spare: SenderAccount
) -> None:
    late = one(spare, expires_in=timedelta(minutes=20))
    waits = one(spare, expires_in=timedelta(hours=48))
    away(spare, 5)
    reaper.sweep()
    assert where(late) == (main.pk, main.from_address, ["fallback"], {main.pk})
    assert where(waits)[0] == spare.pk


@pytest.mark.promise("S5.9")
def test_after_two_hours_all_that_waits_for_a_server_leaves_from_the_fallback(
    main: SenderAccount, spare: SenderAccount
) -> None:
    pauses = [retry.account_pause(each) for each in range(1, relocation.LONG_AWAY)]
    assert sum(pauses[:-1], timedelta(0)) < timedelta(hours=2) <= sum(pauses, timedelta(0))
    fresh, uncertain = one(spare), one(spare, occurrence="b")
    now = timezone.now()
    uncertain.deliveries.update(state=State.DEFERRED, dot_at=now)
    away(spare, relocation.LONG_AWAY - 1)
    assert rescue_stranded() == 0
    away(spare, relocation.LONG_AWAY, minutes=-1)
    assert rescue_stranded() == 0, "first it is tried again"
    away(spare, relocation.LONG_AWAY)
    assert rescue_stranded() == 1
    assert where(fresh)[0] == main.pk and where(uncertain)[0] == spare.pk


def test_a_part_that_was_past_its_dot_keeps_the_others_from_a_fallback(
    main: SenderAccount, spare: SenderAccount
) -> None:
    people = (Recipient("anna@klient.example"), Recipient("ewa@klient.example", role=Role.CC))
    message = one(spare, recipients=people)
    now = timezone.now()
    message.deliveries.filter(role=Role.CC).update(state=State.DEFERRED, dot_at=now, due_at=now)
    stay_open(spare)
    assert rescue_stranded() == 0
    assert where(message) == (spare.pk, spare.from_address, [], {spare.pk})


def test_answers_go_where_the_new_account_wants_them(
    main: SenderAccount, spare: SenderAccount
) -> None:
    SenderAccount.objects.filter(pk=main.pk).update(reply_to="biuro@glowny.example")
    spare.reply_to = "pytania@boczny.example"
    spare.save(update_fields=["reply_to"])
    plain = one(spare, occurrence="a")
    own = one(spare, occurrence="b", reply_to="opinie@sklep.example")
    stay_open(spare)
    assert rescue_stranded() == 2
    found = {pk: MailMessage.objects.get(pk=pk).reply_to for pk in (plain.pk, own.pk)}
    assert found == {plain.pk: "biuro@glowny.example", own.pk: "opinie@sklep.example"}


def test_mail_is_moved_once_and_never_in_a_circle(
    main: SenderAccount, spare: SenderAccount
) -> None:
    SenderAccount.objects.filter(pk=main.pk).update(fallback=spare)
    message = one(spare)
    stay_open(spare)
    rescue_stranded()
    SenderAccount.objects.filter(pk=spare.pk).update(breaker=Breaker.CLOSED)
    stay_open(main)
    assert rescue_stranded() == 0
    assert where(message)[0] == main.pk


@pytest.mark.parametrize(
    "change", [{"state": "disabled"}, {"breaker": "open"}, {"shop": None}, {"is_itself": True}]
)
def test_a_fallback_that_cannot_send_for_this_shop_is_none(
    main: SenderAccount, spare: SenderAccount, other_shop: Shop, change: dict[str, Any]
) -> None:
    assert fallback_of(spare) == main
    if change.get("is_itself"):
        spare.fallback = spare
    elif "shop" in change:
        spare.fallback = factories.make_account(other_shop)
    else:
        SenderAccount.objects.filter(pk=main.pk).update(**{"is_main": False, **change})
        spare.refresh_from_db()
    assert fallback_of(spare) is None


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_it_waits_for_no_row_that_a_worker_is_writing(
    main: SenderAccount, spare: SenderAccount
) -> None:
    """The worker may wait for the account's row, which the deed has locked."""
    locked, free = one(spare, to="a@klient.example"), one(spare, to="b@klient.example")
    given: list[dict[str, int]] = []

    def switch_off() -> None:
        given.append(spare.switch_off())
        connection.close()

    deed = threading.Thread(target=switch_off)
    with transaction.atomic():
        Delivery.objects.select_for_update().get(message=locked)
        deed.start()
        deed.join(10)
        assert given == [{"messages": 1}]
    assert where(free)[0] == main.pk and where(locked)[0] == spare.pk
    reaper.sweep()
    assert where(locked)[0] == main.pk
