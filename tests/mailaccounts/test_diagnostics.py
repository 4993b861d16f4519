"""The test of an account up to its message: each step, its limits, its end."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from demo.sink_faults import Action, Fault, Stage
from mailaccounts import tasks
from mailaccounts.account_test import diagnostics
from mailaccounts.account_test.report import report_of
from mailaccounts.models import AccountTest, Breaker
from maillog import claims, reaper
from maillog.models import Delivery
from maillog.test_mail import queue_test
from tests.mailaccounts.account_pages import CANARY
from tests.mailaccounts.probes import SHORT, TO, account_at, failed_at, probed, states, step
from tests.smtp import closed_port, sink

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sound_names", "loopback")]


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
    account = account_at(closed_port(), shop)
    message = queue_test(account, TO)
    assert claims.due_accounts() == [] and claims.claim(account, "w", 10) == []
    Delivery.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    reaper.expire()
    message.refresh_from_db()
    assert message.state == "expired"


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


def test_the_password_is_in_no_step_report_or_log(shop, caplog):
    with sink(users={"anna": "right"}) as server:
        account = account_at(server.port, shop, username="anna", password=CANARY)
        test = probed(account)
    report = report_of(test, account)
    shown = f"{test.steps} {report.support_text} {report.explanation} {caplog.text}"
    assert CANARY not in shown
    assert "535 5.7.8" in report.support_text


def test_the_domain_is_looked_at_although_the_server_is_away(shop):
    test = probed(account_at(closed_port(), shop))
    found = states(test)
    assert [found[code] for code in ("spf", "dkim", "dmarc")] == ["ok", "warning", "ok"]
    assert step(test, "spf")["found"] == "v=spf1 include:spf.post.example ~all"
    assert shop.sender_domains.get().spf_status == "pass"


@pytest.mark.parametrize(("kind", "state"), [("smtp", "warning"), ("server", "failed")])
def test_a_missing_spf_record_decides_only_for_mail_from_this_server(
    shop, sound_names, settings, kind, state
):
    settings.SYSTEM_SENDER_URL = f"smtp://127.0.0.1:{closed_port()}"
    sound_names.put("rowerownia.example", "TXT")
    test = probed(account_at(closed_port(), shop, kind=kind))
    assert states(test)["spf"] == state
    assert step(test, "spf")["hint"]


def test_a_record_that_names_the_hoster_only_is_good_for_mail_from_the_hoster(shop, sound_names):
    sound_names.put("rowerownia.example", "TXT", "v=spf1 include:mx.ovh.example -all")
    sound_names.add("mx.ovh.example", "TXT", "v=spf1 ip4:192.0.2.7 -all")
    test = probed(account_at(closed_port(), shop))
    assert (states(test)["spf"], step(test, "spf")["hint"]) == ("ok", "")


@pytest.mark.parametrize("kind", ["smtp", "server"])
def test_name_servers_that_fail_are_no_alarm_where_the_records_are_not_ours(
    shop, sound_names, settings, kind
):
    settings.SYSTEM_SENDER_URL = f"smtp://127.0.0.1:{closed_port()}"
    for name in ("rowerownia.example", "_dmarc.rowerownia.example"):
        sound_names.fail(name, "servfail")
    test = probed(account_at(closed_port(), shop, kind=kind))
    report = report_of(test, test.account)
    lines = {line.code: line for line in report.lines}
    for code in ("spf", "dmarc"):
        assert states(test)[code] == ("unknown" if kind == "smtp" else "warning")
        assert "name server did not answer" in lines[code].found
        assert lines[code].is_quiet == (kind == "smtp") == (lines[code].icon == "minus")
    hints = {line.code for line in report.hints}
    assert ("spf" in hints) == (kind == "server")


def test_an_unencrypted_connection_is_a_warning(shop):
    with sink(users={"anna": "right"}) as server:
        test = probed(account_at(server.port, shop, username="anna", password="wrong"))
    line = next(line for line in report_of(test, test.account).lines if line.code == "encryption")
    assert (line.state, line.icon, line.tone) == ("warning", "alert-triangle", "warn-t")
    assert "can be read on the way" in line.found


def test_the_operator_s_own_server_needs_no_warning(shop, settings):
    with sink(users={"anna": "right"}) as server:
        settings.SYSTEM_SENDER_URL = f"smtp://anna:wrong@127.0.0.1:{server.port}"
        test = probed(shop.sender_accounts.get(is_default=True))
    assert states(test)["encryption"] == "ok"
    assert "has set it so" in step(test, "encryption")["found"]


def test_a_mailbox_that_is_away_is_a_remark(shop):
    account = account_at(
        closed_port(),
        shop,
        imap_enabled=True,
        imap_host="127.0.0.1",
        imap_port=closed_port(),
        imap_username="anna",
        imap_password=CANARY,
    )
    test = probed(account)
    assert states(test)["imap"] == "warning"
    assert step(test, "imap")["hint"] and CANARY not in str(test.steps)


def test_the_default_account_s_domain_is_no_business_of_the_shop(shop, settings):
    settings.SYSTEM_SENDER_URL = f"smtp://127.0.0.1:{closed_port()}"
    test = probed(shop.sender_accounts.get(is_default=True))
    assert "spf" not in states(test)
    assert not shop.sender_domains.exists()


@pytest.mark.parametrize(
    ("stage", "where"),
    [
        (Stage.GREETING, "connection"),
        (Stage.AUTH, "login"),
    ],
)
def test_a_server_that_falls_silent_ends_the_test_in_time(shop, stage, where):
    with sink(users={"anna": "x"}, faults=[Fault(stage, Action.SILENCE)]) as server:
        account = account_at(server.port, shop, username="anna", password="x")
        began = time.monotonic()
        test = probed(account)
        assert time.monotonic() - began < SHORT.total + 1.5
    assert (test.state, failed_at(test)) == ("failed", where)


def test_a_test_message_whose_worker_died_is_not_sent_by_another(shop):
    message = queue_test(account_at(closed_port(), shop), TO)
    long_ago = timezone.now() - timedelta(hours=1)
    Delivery.objects.update(state="claimed", lease_until=long_ago, fence=1, worker="gone")
    assert reaper.reap_lost_leases() == 1
    message.refresh_from_db()
    assert message.state == "failed"
