"""The test of an account against real servers on loopback: each step, its limits, its end."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from demo.sink_faults import Action, Fault, Stage
from mailaccounts import diagnostics, tasks
from mailaccounts.models import AccountState, AccountTest, Breaker, SenderAccount
from mailaccounts.test_report import report_of
from mailaccounts.test_steps import Limits
from maillog.models import Attempt, Delivery, MailMessage
from shops.models import AuditEntry
from tests import factories
from tests.mailaccounts.account_pages import CANARY
from tests.smtp import closed_port, independent_server, sink

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = Limits(connect=1.0, command=0.4, total=1.6, look=0.05, grace=0.2)
TO = "anna@mail.example"


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:*"]


def account_at(port, shop, **values):
    return factories.make_account(shop, port=port, **values)


def probed(account, to=TO, limits=SHORT, tell=None):
    test, is_new = diagnostics.new_test(account, to, None)
    assert is_new
    return diagnostics.run(test.pk, limits, tell)


def states(test):
    return {row["code"]: row["state"] for row in test.steps}


def step(test, code):
    return next(row for row in test.steps if row["code"] == code)


def failed_at(test):
    return next(row["code"] for row in test.steps if row["state"] == "failed")


@pytest.mark.promise("S0.7")
@pytest.mark.promise("S1.22")
def test_a_sound_account_passes_and_a_real_message_arrives(shop, trusted):
    with sink(tls=trusted, implicit_tls=True, users={"anna": CANARY}) as server:
        account = account_at(
            server.port, shop, tls_mode="implicit", username="anna", password=CANARY
        )
        test = probed(account)
        [arrived] = server.store.received
    assert (test.state, set(states(test).values())) == ("passed", {"ok"})
    assert step(test, "encryption")["found"].startswith("TLS 1.3, certificate valid to ")
    assert step(test, "message")["found"].startswith("250 2.0.0 Ok")
    assert arrived.rcpt_to == (TO,)
    assert account.from_address.encode() in arrived.content
    message = MailMessage.objects.for_shop(shop).get(pk=test.message_uuid)
    assert (message.state, message.message_type) == ("sent", "system.account_test")
    assert message.is_test
    account.refresh_from_db()
    assert account.last_test_ok is True and account.last_test_at is not None
    assert AuditEntry.objects.for_shop(shop).filter(action="account.tested").count() == 1


def test_the_mail_says_in_the_readers_language_which_account_works(shop):
    with independent_server() as (handler, port):
        account = account_at(port, shop, label="Biuro")
        test, _new = diagnostics.new_test(account, TO, None)
        AccountTest.objects.filter(pk=test.pk).update(language="pl")
        assert diagnostics.run(test.pk, SHORT).state == "passed"
    assert diagnostics.run(test.pk, SHORT) is None
    [envelope] = handler.envelopes
    assert b"multipart/alternative" in envelope.content
    message = MailMessage.objects.get()
    for text in (message.body.html, message.body.text):
        assert shop.name in text and account.from_address in text and "Biuro" in text
    assert message.language == "pl"


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"host": "no-such-host.invalid"}, "server"),
        ({"port": None}, "connection"),
        ({"tls_mode": "starttls"}, "encryption"),
        ({"tls_mode": "implicit"}, "encryption"),
        ({"username": "anna", "password": "wrong-" + CANARY}, "login"),
    ],
)
def test_a_step_that_fails_ends_the_test_and_is_explained(shop, values, where):
    with sink(users={"anna": "right"}) as server:
        port = closed_port() if "port" in values else server.port
        account = account_at(port, shop, **{k: v for k, v in values.items() if k != "port"})
        test = probed(account)
        assert server.store.count == 0
    assert (test.state, failed_at(test)) == ("failed", where)
    assert step(test, "message")["state"] == "skipped"
    why = report_of(test, account).explanation
    assert why.title and why.advice and why.deed
    account.refresh_from_db()
    assert account.last_test_ok is False


@pytest.mark.promise("S1.16")
def test_a_self_made_certificate_fails_until_its_errors_are_ignored(shop, tmp_path):
    from tests.smtp import make_certificate

    with sink(tls=make_certificate(tmp_path), implicit_tls=True) as server:
        account = account_at(server.port, shop, tls_mode="implicit")
        test = probed(account)
        assert report_of(test, account).offers == "ignore_certificate"
        SenderAccount.objects.update(ignore_certificate_errors=True)
        account.refresh_from_db()
        again = probed(account)
    assert (failed_at(test), again.state) == ("encryption", "passed")
    assert "not checked" in step(again, "encryption")["found"]


@pytest.mark.parametrize(
    ("fault", "title"),
    [
        (Fault(Stage.RCPT, reply="550 5.1.1 No such user here"), "does not exist"),
        (Fault(Stage.RCPT, reply="450 4.7.1 Greylisted, try again"), "second time"),
        (Fault(Stage.DOT, reply="550 5.7.26 Unauthenticated: DMARC"), "not believe"),
        (Fault(Stage.DOT, reply="552 5.3.4 Message too big"), "this size"),
        (Fault(Stage.MAIL, reply="553 5.7.1 Sender address rejected: not owned"), "send as"),
    ],
)
def test_a_message_that_is_not_taken_fails_at_once_and_is_never_tried_again(shop, fault, title):
    with sink(faults=[fault]) as server:
        account = account_at(server.port, shop)
        test = probed(account)
    assert (test.state, failed_at(test)) == ("failed", "message")
    report = report_of(test, account)
    assert title in report.explanation.title
    assert report.reply == fault.reply
    delivery = Delivery.objects.get()
    assert (delivery.state, Attempt.objects.count()) == ("failed", 1)
    # The recipient is to blame, or this once the account: no pause for mail that waits.
    account.refresh_from_db()
    assert account.breaker == Breaker.CLOSED


def test_an_unanswered_message_is_called_uncertain_and_not_repeated(shop, settings):
    settings.UNKNOWN_POLICY, settings.REPEAT_AFTER_SECONDS = "repeat", 0
    with sink(faults=[Fault(Stage.STORED, Action.DROP)]) as server:
        test = probed(account_at(server.port, shop))
        assert server.store.count == 1
    from maillog import reaper

    assert (failed_at(test), reaper.repeat_unknown()) == ("message", 0)
    assert Delivery.objects.get().state == "unknown"


@pytest.mark.parametrize("state", [AccountState.DRAFT, AccountState.DISABLED])
def test_a_draft_and_a_disabled_account_can_be_tested(shop, state):
    with sink() as server:
        account = account_at(server.port, shop)
        SenderAccount.objects.filter(pk=account.pk).update(state=state, is_main=False)
        account.refresh_from_db()
        test = probed(account)
        assert server.store.count == 1
    report = report_of(test, account)
    assert (test.state, report.may_activate) == ("passed", True)


def test_a_paused_account_that_passes_is_mended(shop):
    with sink() as server:
        account = account_at(server.port, shop)
        SenderAccount.objects.filter(pk=account.pk).update(
            breaker=Breaker.OPEN, auth_failures=2, breaker_reason="535", next_try_at=None
        )
        account.refresh_from_db()
        assert probed(account).state == "passed"
    account.refresh_from_db()
    assert not account.is_troubled


def test_a_refused_log_in_counts_towards_a_pause(shop):
    with sink(users={"anna": "right"}) as server:
        account = account_at(server.port, shop, username="anna", password="former")
        probed(account)
        account.refresh_from_db()
        assert (account.auth_failures, account.breaker) == (1, Breaker.CLOSED)
        probed(account)
    account.refresh_from_db()
    assert (account.breaker, account.breaker_reason) == (
        Breaker.OPEN,
        "535 5.7.8 Error: authentication failed",
    )


def test_no_worker_finds_a_test_message_due(shop):
    from maillog.test_mail import queue_test

    account = account_at(closed_port(), shop)
    message = queue_test(account, TO)
    from maillog import claims

    assert claims.due_accounts() == [] and claims.claim(account, "w", 10) == []
    Delivery.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    from maillog import reaper

    reaper.expire()
    message.refresh_from_db()
    assert message.state == "expired"


@pytest.mark.parametrize(
    ("stage", "where"),
    [
        (Stage.GREETING, "connection"),
        (Stage.AUTH, "login"),
        (Stage.RCPT, "message"),
        (Stage.STORED, "message"),
    ],
)
def test_a_server_that_falls_silent_ends_the_test_in_time(shop, stage, where):
    with sink(users={"anna": "x"}, faults=[Fault(stage, Action.SILENCE)]) as server:
        account = account_at(server.port, shop, username="anna", password="x")
        began = time.monotonic()
        test = probed(account)
        assert time.monotonic() - began < SHORT.total + 1.5
    assert (test.state, failed_at(test)) == ("failed", where)


def test_each_step_is_in_the_row_as_soon_as_it_is_over(shop):
    seen = []

    def look(row):
        def ask():
            found = AccountTest.objects.get()
            seen.append((row["code"], found.state, states(found)))
            connection.close()

        asking = threading.Thread(target=ask)
        asking.start()
        asking.join()

    with sink() as server:
        probed(account_at(server.port, shop), tell=look)
    assert [code for code, _state, _rows in seen] == [
        "server",
        "connection",
        "encryption",
        "login",
        "message",
    ]
    code, state, rows = seen[1]
    assert state == "running"
    assert (rows["server"], rows["connection"], rows["login"]) == ("ok", "ok", "waiting")


def test_one_at_a_time_and_a_second_click_finds_the_one_that_runs(shop):
    account = account_at(closed_port(), shop)
    first, is_new = diagnostics.new_test(account, TO, None)
    second, is_new_too = diagnostics.new_test(account, "other@mail.example", None)
    assert (is_new, is_new_too) == (True, False)
    assert first == second


def test_a_test_whose_task_died_blocks_no_other(shop):
    account = account_at(closed_port(), shop)
    dead, _new = diagnostics.new_test(account, TO, None)
    long_ago = timezone.now() - timedelta(seconds=151)
    rows = diagnostics.planned([])
    rows = [{**row, "state": "running"} for row in dead.steps]
    AccountTest.objects.update(state="running", beat_at=long_ago, steps=rows)
    other, is_new = diagnostics.new_test(account, TO, None)
    dead.refresh_from_db()
    assert is_new and other != dead
    assert dead.state == "failed"
    assert "worker was ended" in step(dead, "server")["found"]


def test_a_test_that_was_ended_by_somebody_else_writes_nothing_more(shop):
    account = account_at(closed_port(), shop)
    test, _new = diagnostics.new_test(account, TO, None)

    def end(row):
        AccountTest.objects.update(state="failed")

    diagnostics.run(test.pk, SHORT, end)
    test.refresh_from_db()
    assert states(test)["connection"] == "waiting"
    account.refresh_from_db()
    assert account.last_test_at is None


def test_a_cancel_between_two_steps_stops_it_and_sends_nothing(shop):
    def cancel(row):
        if row["code"] == "connection":
            diagnostics.cancel(AccountTest.objects.get())

    with sink() as server:
        account = account_at(server.port, shop)
        test = probed(account, tell=cancel)
        assert server.store.count == 0
    assert test.state == "cancelled"
    assert states(test)["message"] == "skipped"
    account.refresh_from_db()
    assert account.last_test_ok is None


def test_a_test_that_waits_is_cancelled_at_once(shop):
    test, _new = diagnostics.new_test(account_at(closed_port(), shop), TO, None)
    diagnostics.cancel(test)
    assert tasks.run_account_test(str(test.pk)) == ""
    test.refresh_from_db()
    assert test.state == "cancelled"


def cancel_when(condition):
    def wait():
        ends = time.monotonic() + 3
        while not condition() and time.monotonic() < ends:
            time.sleep(0.02)
        diagnostics.cancel(AccountTest.objects.get())
        connection.close()

    waiting = threading.Thread(target=wait)
    waiting.start()
    return waiting


def test_a_message_that_was_handed_over_before_the_cancel_says_so(shop):
    with sink(delay=(0.5, 0.5)) as server:
        waiting = cancel_when(lambda: server.store.count == 1)
        test = probed(account_at(server.port, shop))
        waiting.join()
    assert test.state == "cancelled"
    assert "Handed over already" in step(test, "message")["found"]


def test_a_cancel_before_the_dot_keeps_the_message_here(shop):
    with sink(faults=[Fault(Stage.DATA, Action.DRIP, "354 Go", pace=0.1)]) as server:
        heard = lambda: Delivery.objects.filter(state="claimed").exists()  # noqa: E731
        waiting = cancel_when(heard)
        test = probed(account_at(server.port, shop))
        waiting.join()
        ends = time.monotonic() + 3
        while Delivery.objects.get().state == "claimed" and time.monotonic() < ends:
            time.sleep(0.05)
        assert server.store.count == 0
    assert (test.state, step(test, "message")["found"]) == ("cancelled", "Stopped before it left")
    assert Delivery.objects.get().state == "cancelled"


def test_the_password_is_in_no_step_report_or_log(shop, caplog):
    with sink(users={"anna": "right"}) as server:
        account = account_at(server.port, shop, username="anna", password=CANARY)
        test = probed(account)
    report = report_of(test, account)
    shown = f"{test.steps} {report.support_text} {report.explanation} {caplog.text}"
    assert CANARY not in shown
    assert "535 5.7.8" in report.support_text
