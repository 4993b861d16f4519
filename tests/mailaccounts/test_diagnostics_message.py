"""The test of an account with its real message, which a thread of its own sends."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from demo.sink_faults import Action, Fault, Stage
from mailaccounts.account_test import diagnostics
from mailaccounts.account_test.report import report_of
from mailaccounts.models import AccountState, AccountTest, Breaker, SenderAccount
from maillog import limits, reaper
from maillog.models import Attempt, Delivery, MailMessage
from maillog.outbox import queue
from shops.models import AuditEntry
from tests.http_server import Reply, http_server
from tests.mailaccounts.account_pages import CANARY
from tests.mailaccounts.probes import SHORT, TO, account_at, failed_at, probed, states, step
from tests.maillog.test_api_accounts import freshmail_account
from tests.maillog.test_session import make_draft
from tests.smtp import independent_server, make_certificate, sink

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sound_names", "loopback"),
]


@pytest.mark.promise("S0.7")
@pytest.mark.promise("S1.22")
def test_a_sound_account_passes_and_a_real_message_arrives(shop, trusted):
    with sink(tls=trusted, implicit_tls=True, users={"anna": CANARY}) as server:
        account = account_at(
            server.port, shop, tls_mode="implicit", username="anna", password=CANARY
        )
        test = probed(account)
        [arrived] = server.store.received
    found = states(test)
    assert (test.state, found.pop("dkim")) == ("passed", "warning")  # nothing is signed yet
    assert set(found.values()) == {"ok"}
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


@pytest.mark.promise("S1.16")
def test_a_self_made_certificate_fails_until_its_errors_are_ignored(shop, tmp_path):
    with sink(tls=make_certificate(tmp_path), implicit_tls=True) as server:
        account = account_at(server.port, shop, tls_mode="implicit")
        test = probed(account)
        account.refresh_from_db()
        assert report_of(test, account).offers == "ignore_certificate"
        SenderAccount.objects.update(ignore_certificate_errors=True)
        account.refresh_from_db()
        again = probed(account)
    assert (failed_at(test), again.state) == ("encryption", "passed")
    assert "not checked" in step(again, "encryption")["found"]
    assert states(again)["encryption"] == "warning"


@pytest.mark.parametrize(
    ("fault", "title"),
    [
        (Fault(Stage.RCPT, reply="550 5.1.1 No such user here"), "does not exist"),
        (Fault(Stage.RCPT, reply="450 4.7.1 Greylisted, try again"), "second time"),
        (Fault(Stage.DOT, reply="550 5.7.26 Unauthenticated: DMARC"), "not believe"),
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


def test_a_server_that_falls_silent_after_the_message_ends_the_test_in_time(shop):
    with sink(faults=[Fault(Stage.STORED, Action.SILENCE)]) as server:
        began = time.monotonic()
        test = probed(account_at(server.port, shop))
        assert time.monotonic() - began < SHORT.total + 1.5
    assert (test.state, failed_at(test)) == ("failed", "message")


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
        "spf",
        "dkim",
        "dmarc",
        "message",
    ]
    code, state, rows = seen[1]
    assert state == "running"
    assert (rows["server"], rows["connection"], rows["login"]) == ("ok", "ok", "waiting")


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


@pytest.mark.parametrize("asked_to_stop", [False, True])
def test_a_test_that_breaks_off_past_its_dot_is_uncertain(shop, monkeypatch, asked_to_stop):
    def break_off(self, following):
        if asked_to_stop:
            Delivery.objects.update(cancel_requested=True)
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr("mailaccounts.transports.smtp_session.Session.dot", break_off)
    with sink() as server:
        probed(account_at(server.port, shop))
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.ever_unknown) == ("unknown", True)
    assert delivery.attempts.get().answer == "unknown"


def test_a_test_that_an_api_refuses_past_its_gate_has_failed(shop, settings):
    with http_server(Reply(401, {"errors": ["bad token"]})) as server:
        probed(freshmail_account(server.url, settings, shop=shop))
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.last_answer) == ("failed", "auth")


def sent_today(account, count):
    now = timezone.now()
    for number in range(count):
        queue(make_draft(account, to=f"{number}@klient.example"))
    Delivery.objects.update(state="sent", dot_at=now, ended_at=now)


@pytest.mark.promise("S5.9")
def test_a_test_may_use_the_reserve_of_a_limit_and_counts(shop):
    with sink() as server:
        account = account_at(server.port, shop, per_day=10)
        sent_today(account, 9)
        assert probed(account).state == "passed"
        assert server.store.count == 1
    assert limits.usage([account])[account.pk].today == 10


@pytest.mark.promise("S5.9")
@pytest.mark.parametrize("values", [{"per_day": 3}, {"per_minute": 3}])
def test_a_test_beyond_a_limit_is_refused_in_plain_words(shop, values):
    with sink() as server:
        account = account_at(server.port, shop, **values)
        sent_today(account, 3)
        test = probed(account)
        assert server.store.count == 0
    assert (test.state, failed_at(test)) == ("failed", "message")
    title = report_of(test, account).explanation.title
    assert title.startswith("The account's limit is used up until ")
    message = MailMessage.objects.get(is_test=True)
    assert (message.state, message.detail) == ("failed", title)
    assert limits.usage([account])[account.pk].today == 3
    assert not Delivery.objects.filter(state__in=["queued", "claimed"]).exists()
