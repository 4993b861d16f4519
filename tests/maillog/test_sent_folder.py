"""Copies in the Sent folder: one each, never in the way of sending, whatever the mailbox does."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from mailaccounts.models import SenderAccount
from maillog import reaper, sent_folder, tasks
from maillog.deliver import Deliverer, LeaseKeeper
from maillog.management.commands.sync_imap import Command as SyncImap
from maillog.models import Attempt, Delivery, MailMessage, MessageBody
from maillog.outbox import Recipient, queue
from maillog.sent_folder_session import ImapSession, Result
from maillog.sent_folder_threads import Filing, gather_all
from maillog.session_threads import SessionThreads
from maillog.states import Role, State
from shops.models import Alarm
from tests import factories
from tests.dovecot import PASSWORD
from tests.imap import QUICK, fake_imap
from tests.maillog.test_session import make_draft, send_all
from tests.smtp import LOOPBACK, closed_port, sink

pytestmark = pytest.mark.django_db
# Threads with connections of their own see only what is committed.
committed = pytest.mark.django_db(transaction=True)
WYSLANE = "INBOX.Wys&AUI-ane"
HOSTILE = 'x"\r\nA1 DELETE INBOX'


@contextmanager
def sending(imap_port: int, shop=None, **values):
    """An account with a sink behind it, and a mailbox at ``imap_port``."""
    with sink() as server:
        account = factories.make_account(
            shop or factories.make_shop(),
            port=server.port,
            **{
                "imap_enabled": True,
                "imap_host": LOOPBACK,
                "imap_port": imap_port,
                "imap_username": "sklep@rowery.example",
                "imap_password": PASSWORD,
                **values,
            },
        )
        account.imap_since = timezone.now() - timedelta(seconds=1)
        account.save(update_fields=["imap_since"])
        yield account, server


def send(account: SenderAccount, count: int = 1, **draft) -> list[MailMessage]:
    made = [queue(make_draft(account, **draft)) for _each in range(count)]
    send_all(account)
    return [each for each in made if each is not None]


def look(account: SenderAccount) -> int:
    account.refresh_from_db()
    return sent_folder.gather(account)


def file(account: SenderAccount, worker: str = "tests:i") -> int:
    account.refresh_from_db()
    return ImapSession(account, worker, threading.Event(), timeouts=QUICK).run()


def later(account: SenderAccount) -> None:
    """As if the pauses were over: times are moved in rows."""
    past = timezone.now() - timedelta(seconds=1)
    SenderAccount.objects.filter(pk=account.pk, imap_next_try_at__isnull=False).update(
        imap_next_try_at=past
    )
    copies(account).filter(state__in=("queued", "deferred")).update(due_at=past)


def copies(account: SenderAccount):
    return Delivery.objects.filter(account=account, role=Role.IMAP)


def states(account: SenderAccount) -> list[str]:
    return list(copies(account).order_by("message_id").values_list("state", flat=True))


def arrived(server) -> list[bytes]:
    return [each.content for each in server.store.received]


@pytest.mark.promise("S0.22")
def test_what_the_server_took_is_filed_byte_for_byte_and_once(real_mailbox) -> None:
    user = real_mailbox.new_user()
    with sending(real_mailbox.tls_port, imap_username=user) as (account, server):
        [message] = send(account, subject="Zamówienie 10482 ąęłó")
        assert (look(account), look(account), file(account), file(account)) == (1, 0, 1, 0)
    [(content, facts)] = real_mailbox.fetched(user, WYSLANE)
    assert [content] == arrived(server)
    assert b"\\Seen" in facts
    assert message.created_at.strftime("%d-%b-%Y %H:%M").encode() in facts
    copy = copies(account).get()
    assert (copy.state, copy.attempts.get().text) == (State.SENT, "Filed in “INBOX.Wysłane”.")
    account.refresh_from_db()
    assert ["INBOX.Wysłane", True] in account.imap_folders


@pytest.mark.promise("S0.24")
def test_the_folder_that_staff_chose_is_used(real_mailbox) -> None:
    user = real_mailbox.new_user()
    values = {"imap_username": user, "imap_folder": "INBOX.Archiwum"}
    with sending(real_mailbox.port, imap_tls="starttls", **values) as (account, server):
        send(account)
        look(account)
        file(account)
    assert real_mailbox.mails(user, "INBOX.Archiwum") == arrived(server)
    assert real_mailbox.mails(user, WYSLANE) == []


def test_a_crash_between_append_and_commit_makes_no_second_copy(real_mailbox) -> None:
    class Killed(BaseException):
        pass

    class Dies(ImapSession):
        def _settle(self, *_: object) -> None:
            raise Killed

        def _give_back(self) -> None:
            """Nobody is left who could."""

    user = real_mailbox.new_user()
    with sending(real_mailbox.tls_port, imap_username=user) as (account, server):
        send(account)
        look(account)
        account.refresh_from_db()
        with pytest.raises(Killed):
            Dies(account, "tests:dead", threading.Event()).run()
        assert states(account) == [State.CLAIMED]
        copies(account).update(lease_until=timezone.now() - timedelta(hours=1))
        reaper.reap_lost_leases()
        assert states(account) == [State.QUEUED]
        later(account)
        assert file(account) == 1
    assert real_mailbox.mails(user, WYSLANE) == arrived(server)
    assert copies(account).get().last_reply == "It was in “INBOX.Wysłane” already."


@pytest.mark.promise("S0.22")
@pytest.mark.parametrize(
    "does", ["NO [OVERQUOTA] Full", "BAD No such thing", "silent", "drop", "drop early"]
)
def test_whatever_becomes_of_an_append_nothing_is_sent_again_and_one_copy_is_filed(
    trusted, does: str
) -> None:
    with (
        fake_imap(trusted, append=[does]) as mailbox,
        sending(mailbox.port) as (account, server),
    ):
        [message] = send(account)
        look(account)
        assert file(account) == 0
        later(account)
        assert send_all(account) == 0  # a copy is no mail
        assert (file(account), file(account)) == (1, 0)
        assert mailbox.stored == arrived(server)
        assert len(arrived(server)) == 1
    message.refresh_from_db()
    assert (message.state, message.failed_recipients) == (State.SENT, 0)
    account.refresh_from_db()
    assert (account.imap_failures, account.imap_error, account.is_troubled) == (0, "", False)


def test_a_refused_copy_waits_by_itself_and_holds_up_no_other(trusted) -> None:
    with (
        fake_imap(trusted, append=["NO Not this one"] * 7) as mailbox,
        sending(mailbox.port) as (account, _server),
    ):
        send(account)
        look(account)
        file(account)
        waits = []
        for _each in range(6):
            copy = copies(account).get()
            waits.append(round((copy.due_at - timezone.now()).total_seconds() / 60))
            later(account)
            file(account)
        assert waits == [1, 2, 5, 10, 30, 60]
        assert sent_folder.status(account).error == "NO Not this one"
        send(account)
        look(account)
        assert file(account) == 1
        assert states(account) == [State.DEFERRED, State.SENT]


@pytest.mark.promise("S0.22")
def test_a_mailbox_that_is_away_troubles_neither_the_sending_nor_the_account(trusted) -> None:
    with sending(closed_port()) as (account, server):
        sent = send(account, 3)
        assert look(account) == 3
        pauses = []
        for _each in range(7):
            assert file(account) == 0
            account.refresh_from_db()
            assert account.imap_next_try_at is not None
            pause = account.imap_next_try_at - timezone.now()
            pauses.append(round(pause.total_seconds() / 60))
            assert file(account) == 0  # too early
            later(account)
        assert pauses == [1, 2, 5, 10, 30, 60, 60]
        assert Attempt.objects.filter(delivery__role=Role.IMAP, answer="net").count() == 7
        status = sent_folder.status(account)
        assert (status.waiting, "takes no connections" in status.error) == (3, True)
        assert (account.breaker, account.net_failures, account.next_try_at) == ("closed", 0, None)
        [alarm] = Alarm.objects.filter(code="account.imap", closed_at=None)
        assert (alarm.is_urgent, "takes no connections" in alarm.text) == (False, True)
        assert {each.state for each in MailMessage.objects.all()} == {State.SENT}
        with fake_imap(trusted) as mailbox:
            SenderAccount.objects.filter(pk=account.pk).update(imap_port=mailbox.port)
            assert file(account) == 3
            assert sorted(mailbox.stored) == sorted(arrived(server))
        account.refresh_from_db()
        assert (account.imap_failures, account.imap_error) == (0, "")
        assert not Alarm.objects.filter(code="account.imap", closed_at=None).exists()
        assert len(server.store.received) == len(sent)


def test_a_password_that_is_wrong_is_not_said_every_minute(trusted) -> None:
    with (
        fake_imap(trusted, log_in=b"NO [AUTHENTICATIONFAILED] No") as mailbox,
        sending(mailbox.port) as (account, _server),
    ):
        send(account)
        look(account)
        file(account)
        account.refresh_from_db()
        assert account.imap_next_try_at is not None
        assert account.imap_next_try_at - timezone.now() > timedelta(minutes=9)
        assert account.imap_error == "[AUTHENTICATIONFAILED] No"
        assert account.auth_failures == 0
        assert Alarm.objects.filter(code="account.imap", closed_at=None).count() == 1


def test_a_hostile_folder_name_gets_nothing_sent_and_then_exactly_one_copy(trusted) -> None:
    with (
        fake_imap(trusted) as mailbox,
        sending(mailbox.port, imap_folder=HOSTILE) as (account, server),
    ):
        send(account)
        look(account)
        assert file(account) == 0
        assert not any(b"DELETE" in line for line in mailbox.lines)
        assert not mailbox.said("APPEND")
        SenderAccount.objects.filter(pk=account.pk).update(imap_folder="")
        later(account)
        assert file(account) == 1
        assert mailbox.stored == arrived(server)


@committed
def test_two_that_gather_and_two_that_file_at_once_make_one_copy_each(real_mailbox) -> None:
    user = real_mailbox.new_user()
    with sending(real_mailbox.tls_port, imap_username=user) as (account, server):
        send(account, 12)
        failures: list[BaseException] = []

        def work(name: str) -> None:
            try:
                sent_folder.gather(SenderAccount.objects.get(pk=account.pk))
                file(SenderAccount.objects.get(pk=account.pk), name)
            except BaseException as error:
                failures.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=[f"tests:{n}"]) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not failures
        assert states(account) == [State.SENT] * 12
    assert sorted(real_mailbox.mails(user, WYSLANE)) == sorted(arrived(server))


def test_a_session_that_slept_through_its_lease_files_nothing(trusted) -> None:
    class Sleeps(ImapSession):
        def _result(self, *args: Any) -> Result | None:
            copies(self.account).update(lease_until=timezone.now() - timedelta(hours=1))
            return super()._result(*args)

    with fake_imap(trusted) as mailbox, sending(mailbox.port) as (account, _server):
        send(account)
        look(account)
        account.refresh_from_db()
        assert Sleeps(account, "tests:i", threading.Event(), timeouts=QUICK).run() == 0
        assert not mailbox.said("APPEND")


def test_a_session_that_lost_its_copy_meanwhile_writes_nothing_about_it(trusted) -> None:
    class Slow(ImapSession):
        def _settle(self, *args: Any) -> None:
            copies(self.account).update(fence=F("fence") + 1, worker="another")
            super()._settle(*args)

    with fake_imap(trusted) as mailbox, sending(mailbox.port) as (account, _server):
        send(account)
        look(account)
        account.refresh_from_db()
        assert Slow(account, "tests:i", threading.Event(), timeouts=QUICK).run() == 0
        copy = copies(account).get()
        assert (copy.state, copy.worker, copy.attempts.count()) == (State.CLAIMED, "another", 0)


def test_what_no_server_took_is_not_filed() -> None:
    with sending(closed_port()) as (account, _server):
        [refused] = send(account)
        Delivery.objects.filter(message=refused).update(state=State.FAILED)
        [returned] = send(account)
        Delivery.objects.filter(message=returned).update(state=State.BOUNCED)
        assert look(account) == 1
        assert copies(account).get().message_id == returned.pk


def test_what_holds_a_link_or_went_to_the_test_address_or_has_no_text_is_not_filed() -> None:
    shop = factories.make_shop()
    with sending(closed_port(), shop=shop) as (account, _server):
        [secret] = send(account, sensitive=True)
        [gone] = send(account)
        MessageBody.objects.filter(message=gone).delete()
        shop.test_mode, shop.test_address = "redirect", "test@rowerownia.example"
        shop.save()
        account = SenderAccount.objects.get(pk=account.pk)
        [tried] = send(account)
        [account_test] = send(account, is_test=True)  # goes where staff have said
        assert look(account) == 4
        assert look(account) == 0
    found = {each.message_id: each for each in copies(account)}
    assert found.pop(account_test.pk).state == State.QUEUED
    assert {each.state for each in found.values()} == {State.NOT_SENT}
    assert found[secret.pk].reason == "secret"
    assert found[gone.pk].reason == "text_gone"
    assert found[tried.pk].reason == "redirected"


def test_what_was_sent_before_it_was_switched_on_stays_out_unless_it_is_asked_for(trusted) -> None:
    with fake_imap(trusted) as mailbox, sending(mailbox.port) as (account, server):
        send(account)
        SenderAccount.objects.filter(pk=account.pk).update(imap_since=timezone.now())
        assert look(account) == 0
        since = timezone.now() - timedelta(days=1)
        assert sent_folder.gather(account, since) == 1
        assert file(account) == 1
        assert mailbox.stored == arrived(server)


def test_an_account_switched_on_by_hand_begins_at_that_moment() -> None:
    with sending(closed_port()) as (account, _server):
        send(account)
        SenderAccount.objects.filter(pk=account.pk).update(imap_since=None)
        assert look(account) == 0
        send(account)
        assert look(account) == 1


@pytest.mark.parametrize(("slow", "answer", "found"), [(10, 0, 1), (115, 10, 1), (10, 60, 0)])
def test_what_a_worker_with_a_slow_clock_sent_is_filed(slow: int, answer: int, found: int) -> None:
    """``slow`` is by how many minutes, and the dot left ``answer`` minutes ago."""
    with sending(closed_port()) as (account, _server):
        account.imap_since = timezone.now() - timedelta(days=1)
        account.save(update_fields=["imap_since"])
        look(account)
        [message] = send(account)
        now = timezone.now()
        ended, dot = now - timedelta(minutes=slow), now - timedelta(minutes=answer)
        message.deliveries.update(ended_at=ended, dot_at=dot)
        assert (look(account), look(account)) == (found, 0)


def test_what_left_before_it_was_switched_on_stays_out_by_any_clock() -> None:
    with sending(closed_port()) as (account, _server):
        [message] = send(account)
        SenderAccount.objects.filter(pk=account.pk).update(imap_since=timezone.now())
        message.deliveries.update(ended_at=timezone.now() - timedelta(minutes=10))
        assert look(account) == 0


def test_what_was_committed_late_is_still_found() -> None:
    """A worker noted the time, and committed only after we had looked."""
    with sending(closed_port()) as (account, _server):
        look(account)
        send(account)
        SenderAccount.objects.filter(pk=account.pk).update(
            imap_since=timezone.now() - timedelta(hours=1)
        )
        Delivery.objects.update(ended_at=timezone.now() - timedelta(minutes=4))
        assert look(account) == 1


def test_a_heap_is_gathered_over_several_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_folder, "BATCH", 2)
    monkeypatch.setattr(sent_folder, "MOST_BATCHES", 2)
    with sending(closed_port()) as (account, _server):
        send(account, 7)
        assert [look(account), look(account), look(account)] == [4, 3, 0]


def test_a_message_to_many_has_one_copy() -> None:
    many = tuple(Recipient(f"c{n}@klient.example") for n in range(4))
    with sending(closed_port()) as (account, _server):
        send(account, recipients=many)
        look(account)
        assert copies(account).count() == 1


def test_what_could_not_be_filed_in_a_day_is_given_up_and_is_only_a_note() -> None:
    with sending(closed_port()) as (account, _server):
        [message] = send(account)
        look(account)
        copies(account).update(expires_at=timezone.now() - timedelta(seconds=1))
        assert reaper.expire() == 1
        message.refresh_from_db()
        assert (message.state, message.failed_recipients) == (State.SENT, 0)
        assert states(account) == [State.EXPIRED]
        assert sent_folder.give_another_day(account, timezone.now() - timedelta(hours=1)) == 1
        assert states(account) == [State.QUEUED]


def test_a_copy_that_broke_its_session_off_five_times_is_held_alone() -> None:
    with sending(closed_port()) as (account, _server):
        [message] = send(account)
        look(account)
        for number in range(5):
            account.refresh_from_db()
            session = ImapSession(account, f"tests:{number}", threading.Event())
            assert session._claim()
            copies(account).update(lease_until=timezone.now() - timedelta(hours=1))
            reaper.reap_lost_leases()
            later(account)
        assert (copies(account).get().state, copies(account).get().reason) == ("held", "poison")
        message.refresh_from_db()
        assert message.state == State.SENT


@pytest.mark.promise("S0.22")
def test_the_status_says_how_far_it_is_for_many_accounts_in_one_query(
    django_assert_num_queries,
) -> None:
    shop = factories.make_shop()
    with ExitStack() as stack:
        pairs = [stack.enter_context(sending(closed_port(), shop=shop)) for _ in range(3)]
        accounts = [account for account, _server in pairs]
        [first, _second] = send(accounts[0], 2)
        for account in accounts:
            look(account)
            account.refresh_from_db()
        with django_assert_num_queries(1):
            found = sent_folder.statuses(accounts)
    assert [found[each.pk].waiting for each in accounts] == [2, 0, 0]
    assert found[accounts[0].pk].up_to == first.created_at
    assert found[accounts[1].pk].up_to == accounts[1].imap_seen_at


@committed
def test_the_task_files_and_the_minutes_look_starts_it(trusted, monkeypatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(tasks, "enqueue_sync", asked.append)
    with fake_imap(trusted) as mailbox, sending(mailbox.port) as (account, server):
        send(account)
        assert tasks.sync_sent_folders() == 1
        assert asked == [account.pk]
        assert tasks.sync_sent_folder(account.pk) == 1
        assert mailbox.stored == arrived(server)
        SenderAccount.objects.filter(pk=account.pk).update(imap_enabled=False)
        assert tasks.sync_sent_folder(account.pk) == 0


@committed
def test_a_deliver_process_files_what_it_has_sent(trusted) -> None:
    with fake_imap(trusted) as mailbox, sending(mailbox.port) as (account, server):
        queue(make_draft(account))
        Deliverer().run(once=True)
        assert len(server.store.received) == 1
        assert mailbox.stored == arrived(server)


@committed
def test_a_process_looks_by_the_way_and_only_every_ten_seconds(trusted) -> None:
    def rounds(seconds: float, wanted: int) -> None:
        ends = time.monotonic() + seconds
        with LeaseKeeper() as keeper, SessionThreads() as pool:
            while time.monotonic() < ends and len(mailbox.stored) < wanted:
                filing.round(keeper, pool)
                time.sleep(0.02)

    with fake_imap(trusted) as mailbox, sending(mailbox.port) as (account, server):
        send(account)
        filing = Filing("tests", threading.Event())
        rounds(10, 1)
        assert mailbox.stored == arrived(server)
        send(account)
        rounds(0.3, 2)
        assert len(mailbox.stored) == 1
        assert len(server.store.received) == 2


@committed
def test_an_account_that_cannot_be_looked_at_stops_no_other(
    trusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather = sent_folder.gather

    def fails_once(account: SenderAccount) -> int:
        if account.pk == broken.pk:
            raise ValueError("a bug")
        return gather(account)

    with fake_imap(trusted) as mailbox, sending(mailbox.port) as (broken, _server):
        monkeypatch.setattr(sent_folder, "gather", fails_once)
        with sending(mailbox.port) as (account, server):
            send(account)
            gather_all()
            assert file(account) == 1
            assert mailbox.stored == arrived(server)


@committed
def test_the_command_says_what_it_filed_and_fails_where_it_could_not(trusted) -> None:
    with fake_imap(trusted) as mailbox, sending(mailbox.port) as (account, server):
        [message] = send(account)
        SenderAccount.objects.filter(pk=account.pk).update(imap_since=timezone.now())
        out = StringIO()
        call_command("sync_imap", account.from_address, stdout=out)
        assert out.getvalue() == "0 filed, 0 waiting.\n"
        for filed in (1, 0):
            out = StringIO()
            call_command("sync_imap", str(account.pk), "--since", "2026-01-01", stdout=out)
            assert f"{filed} filed, 0 waiting." in out.getvalue()
            assert (message.message_id in out.getvalue()) == bool(filed)
        assert mailbox.stored == arrived(server)
        send(account)
        SenderAccount.objects.filter(pk=account.pk).update(imap_port=closed_port())
        with pytest.raises(CommandError, match="takes no connections") as failure:
            call_command("sync_imap", str(account.pk), stdout=StringIO())
        assert failure.value.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody@x.example"], "no sender account"),
        (["off@rowerownia.example"], "not switched on"),
        (["1", "--since", "yesterday"], "no date"),
        (["1", "--since", "2026-02-31"], "no date"),
    ],
)
def test_the_command_names_what_is_wrong_with_its_arguments(arguments, words) -> None:
    factories.make_account(factories.make_shop(), from_address="off@rowerownia.example")
    with pytest.raises(CommandError, match=words):
        call_command("sync_imap", *arguments, stdout=StringIO())


def test_a_wrong_day_at_the_command_line_is_one_line_and_no_traceback(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        SyncImap().run_from_argv(["manage.py", "sync_imap", "2", "--since", "garbage"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "--since: garbage is no date; write it like 2026-11-25." in said
    assert "Traceback" not in said
