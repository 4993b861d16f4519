"""The pages and buttons of an account's test."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mailaccounts.account_test import diagnostics
from mailaccounts.models import AccountState, AccountTest, SenderAccount
from shops.models import AuditEntry, Role
from tests import factories
from tests.mailaccounts.account_pages import CANARY, url
from tests.mailaccounts.probes import SHORT, TO, probed
from tests.smtp import closed_port, make_certificate, sink

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sound_names", "loopback")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def account(shop):
    return factories.make_account(
        shop, port=closed_port(), username="sklep@rowerownia.example", password=CANARY
    )


def post(client, name, account, headers=None, **typed):
    return client.post(url(name, account.shop, account.pk), typed, headers=headers or {})


def live(client, account, seen=""):
    address = url("account_test_live", account.shop, account.pk)
    return client.get(address, {"seen": seen}, headers=HTMX)


@pytest.mark.promise("S0.7")
@pytest.mark.promise("S3.8")
def test_each_row_has_a_test_button_with_the_accounts_own_address(owner_client, shop, account):
    page = owner_client.get(url("accounts", shop)).content.decode()
    for each in shop.sender_accounts.all():
        assert url("account_test_start", shop, each.pk) in page
        assert 'name="to" type="email"' in page and f'value="{each.from_address}"' in page


@pytest.mark.promise("S3.14")
def test_an_account_at_google_has_the_button_too(owner_client, shop):
    account = factories.make_account(shop, kind="google", from_address="sklep@gmail.com")
    page = owner_client.get(url("accounts", shop)).content.decode()
    assert url("account_test_start", shop, account.pk) in page


@pytest.mark.promise("S1.22")
def test_the_button_begins_a_test_that_a_worker_takes_up(
    owner_client, account, django_capture_on_commit_callbacks
):
    from django_q.models import OrmQ

    with django_capture_on_commit_callbacks(execute=True):
        answer = post(owner_client, "account_test_start", account, to="me@staff.example")
    assert answer["Location"] == url("account_test", account.shop, account.pk)
    test = AccountTest.objects.get()
    assert (test.to_address, test.state) == ("me@staff.example", "waiting")
    [queued] = OrmQ.objects.all()
    assert queued.task["func"] == diagnostics.TASK
    assert AuditEntry.objects.get(action="account.tested").target == str(account)


def test_without_an_address_it_goes_to_the_accounts_own(owner_client, account):
    post(owner_client, "account_test_start", account)
    assert AccountTest.objects.get().to_address == account.from_address


@pytest.mark.parametrize("typed", ["nonsense", "a@b", "Anna <anna@x.example>", "a@x.pl, b@x.pl"])
def test_what_is_no_address_is_refused_with_a_sentence(owner_client, account, typed):
    answer = post(owner_client, "account_test_start", account, HTMX, to=typed)
    assert answer.status_code == 204
    assert json.loads(answer["HX-Trigger"])["postroom:toast"]["text"]
    page = owner_client.post(
        url("account_test_start", account.shop, account.pk), {"to": typed}, follow=True
    )
    assert page.status_code == 200
    assert not AccountTest.objects.exists()


def test_a_double_click_makes_one_test_and_shows_it(owner_client, account):
    headers = {**HTMX, "HX-Target": f"test-{account.pk}"}
    first = post(owner_client, "account_test_start", account, headers, to=TO)
    second = post(owner_client, "account_test_start", account, headers, to="b@mail.example")
    test = AccountTest.objects.get()
    for answer in (first, second):
        text = answer.content.decode()
        assert text.lstrip().startswith('<tr class="exp test-row"')
        assert str(test.pk) in text and "every 1s" in text


def test_the_page_asks_again_and_hears_nothing_until_there_is_news(owner_client, account):
    test, _new = diagnostics.new_test(account, TO, None)
    first = live(owner_client, account)
    assert "every 1s" in first.content.decode()
    from mailaccounts.account_test.report import report_of

    seen = report_of(test, account).version
    assert live(owner_client, account, seen).status_code == 204
    diagnostics.run(test.pk, SHORT)
    news = live(owner_client, account, seen).content.decode()
    assert "every 1s" not in news
    assert "takes no connections" in news and "Test again" in news


def test_the_page_says_so_when_no_worker_takes_it_up(owner_client, account):
    diagnostics.new_test(account, TO, None)
    long_ago = timezone.now() - timezone.timedelta(seconds=11)
    AccountTest.objects.update(created_at=long_ago)
    assert "The worker is not running" in live(owner_client, account).content.decode()


def test_without_scripts_the_page_renews_itself_until_the_end(owner_client, account):
    test, _new = diagnostics.new_test(account, TO, None)
    address = url("account_test", account.shop, account.pk)
    assert 'http-equiv="refresh"' in owner_client.get(address).content.decode()
    diagnostics.run(test.pk, SHORT)
    page = owner_client.get(address).content.decode()
    assert 'http-equiv="refresh"' not in page
    assert "Copy for support" in page


def test_a_waiting_test_is_cancelled_by_its_button(owner_client, account):
    diagnostics.new_test(account, TO, None)
    post(owner_client, "account_test_cancel", account)
    assert AccountTest.objects.get().state == "cancelled"
    assert "was cancelled" in live(owner_client, account).content.decode()


def test_earlier_tests_are_listed_and_can_be_opened(owner_client, account):
    first, second = probed(account, to="one@mail.example"), probed(account)
    address = url("account_test", account.shop, account.pk)
    page = owner_client.get(address).content.decode()
    assert f"?run={first.pk}" in page and f"?run={second.pk}" in page
    older = owner_client.get(address, {"run": str(first.pk)}).content.decode()
    assert "one@mail.example" in older
    for strange in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        assert owner_client.get(address, {"run": strange}).status_code == 404


@pytest.mark.promise("S1.16")
def test_ignoring_certificate_errors_is_offered_only_after_such_a_failure(
    owner_client, shop, tmp_path
):
    with sink(tls=make_certificate(tmp_path), implicit_tls=True) as server:
        account = factories.make_account(shop, port=server.port, tls_mode="implicit")
        offer = url("account_ignore_certificate", shop, account.pk)
        page = url("account_test", shop, account.pk)
        post(owner_client, "account_ignore_certificate", account)
        account.refresh_from_db()
        assert not account.ignore_certificate_errors
        assert offer not in owner_client.get(page).content.decode()
        probed(account)
        assert offer in owner_client.get(page).content.decode()
        post(owner_client, "account_ignore_certificate", account)
    account.refresh_from_db()
    assert account.ignore_certificate_errors
    assert AccountTest.objects.filter(state="waiting").count() == 1
    assert "Certificate not checked" in owner_client.get(url("accounts", shop)).content.decode()
    noted = AuditEntry.objects.get(action="account.changed").details
    assert noted["fields"] == ["ignore_certificate_errors"]


def test_a_draft_that_passed_has_a_button_to_activate_it(owner_client, shop):
    account = factories.make_account(shop)
    test, _new = diagnostics.new_test(account, TO, None)
    AccountTest.objects.update(state="passed", ended_at=timezone.now())
    SenderAccount.objects.filter(pk=account.pk).update(state=AccountState.DRAFT, is_main=False)
    page = owner_client.get(url("account_test", shop, account.pk)).content.decode()
    assert "Activate the account" in page and url("account_switch_on", shop, account.pk) in page


def test_the_password_is_on_none_of_the_pages(owner_client, account, caplog):
    with sink(users={"somebody": "else"}) as server:
        SenderAccount.objects.filter(pk=account.pk).update(port=server.port)
        account.refresh_from_db()
        probed(account)
    shown = owner_client.get(url("accounts", account.shop)).content.decode()
    shown += owner_client.get(url("account_test", account.shop, account.pk)).content.decode()
    shown += live(owner_client, account).content.decode() + caplog.text
    assert CANARY not in shown
    assert "did not accept the password" in shown and "535 5.7.8" in shown


def test_a_failure_stands_open_in_the_list_until_the_account_is_mended(owner_client, account):
    with sink(users={"somebody": "else"}) as server:
        SenderAccount.objects.filter(pk=account.pk).update(port=server.port)
        account.refresh_from_db()
        probed(account)
    words = "did not accept the password"
    assert words in owner_client.get(url("accounts", account.shop)).content.decode()
    account.refresh_from_db()
    account.mend()
    assert words not in owner_client.get(url("accounts", account.shop)).content.decode()


def from_list(account):
    at = "http://testserver" + url("accounts", account.shop)
    return {**HTMX, "HX-Current-URL": at, "HX-Target": f"test-body-{account.pk}"}


@pytest.mark.parametrize("began", [False, True])
def test_a_cancelled_test_folds_away_in_the_list_and_stays_among_the_earlier_ones(
    owner_client, account, began
):
    test, _new = diagnostics.new_test(account, TO, None)
    if began:
        AccountTest.objects.update(state="running", beat_at=timezone.now())
    answer = post(owner_client, "account_test_cancel", account, from_list(account))
    if began:
        assert "Stopping" in answer.content.decode()
        AccountTest.objects.update(state="cancelled", ended_at=timezone.now())
        live_url = url("account_test_live", account.shop, account.pk)
        answer = owner_client.get(live_url, headers=from_list(account))
    row = answer.content.decode()
    assert f'id="test-{account.pk}" hidden' in row and "test was cancelled" not in row
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == (f"#test-{account.pk}", "outerHTML")
    said = json.loads(answer["HX-Trigger"])["postroom:toast"]["text"]
    assert said == "The test was cancelled"
    listed = owner_client.get(url("accounts", account.shop)).content.decode()
    assert "The test was cancelled" not in listed
    page = owner_client.get(url("account_test", account.shop, account.pk)).content.decode()
    assert "The test was cancelled" in page and account.tests.get() == test


@pytest.mark.parametrize(("minutes", "is_troubled"), [(61, False), (61, True), (59, False)])
def test_an_old_failure_folds_away_unless_the_account_is_troubled(
    owner_client, account, minutes, is_troubled
):
    probed(account)
    ago = timezone.now() - timezone.timedelta(minutes=minutes)
    AccountTest.objects.update(created_at=ago, started_at=ago, ended_at=ago)
    if is_troubled:
        SenderAccount.objects.filter(pk=account.pk).update(breaker="open")
    page = owner_client.get(url("accounts", account.shop)).content.decode()
    assert ("takes no connections" in page) == (minutes < 60 or is_troubled)


def test_an_open_row_has_a_button_that_closes_it_and_a_test_s_own_page_none(owner_client, account):
    probed(account)
    label = f'aria-label="Close the test of {account.from_address}"'
    listed = owner_client.get(url("accounts", account.shop)).content.decode()
    assert listed.count(label) == listed.count("data-test-close") == 1
    page = owner_client.get(url("account_test", account.shop, account.pk)).content.decode()
    assert "data-test-close" not in page


def test_strangers_find_nothing_and_viewers_may_not(account, stranger, colleague, shop):
    diagnostics.new_test(account, TO, None)
    names = ("account_test", "account_test_live", "account_test_start", "account_test_cancel")
    for user, status in ((stranger, 404), (colleague, 403)):
        client = Client()
        client.force_login(user)
        for name in names:
            address = url(name, shop, account.pk)
            assert {client.get(address).status_code, client.post(address).status_code} == {status}
    assert AccountTest.objects.get().state == "waiting"


def test_whoever_may_work_on_accounts_may_test(account, shop):
    client = Client()
    client.force_login(factories.make_user(shop, Role.ACCOUNTS))
    post(client, "account_test_start", account)
    assert AccountTest.objects.count() == 1


def test_the_django_admin_begins_the_same_test(account, operator):
    client = Client()
    client.force_login(operator)
    page = client.post(
        reverse("admin:mailaccounts_senderaccount_changelist"),
        {"action": "test_account", "_selected_action": [account.pk]},
        follow=True,
    )
    assert AccountTest.objects.get().account == account
    assert url("account_test", account.shop, account.pk) in page.content.decode()


def test_the_command_tells_each_step_and_ends_with_1_when_it_fails(account, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("test_account", str(account.pk), "--to", TO)
    said = capsys.readouterr().out
    assert ended.value.code == 1
    assert "Server name" in said and "takes no connections" in said and CANARY not in said


def test_the_command_can_speak_json(account, capsys):
    with pytest.raises(SystemExit):
        call_command("test_account", str(account.pk), "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["to"]) == ("failed", account.from_address)
    assert [row["code"] for row in told["steps"]][0] == "server"


def test_a_shop_has_so_many_tests_an_hour(owner_client, admin_client, shop, owner, other_shop):
    account, second = factories.make_account(shop), factories.make_account(shop)

    def tested(by, count, **values):
        rows = [
            AccountTest(account=account, to_address=TO, requested_by=by, state="passed")
            for _each in range(count)
        ]
        AccountTest.objects.bulk_create(rows)
        AccountTest.objects.filter(pk__in=[each.pk for each in rows]).update(**values)

    long_ago = timezone.now() - timedelta(minutes=61)
    tested(owner, 5, created_at=long_ago)
    tested(None, 5, state="failed")
    tested(owner, diagnostics.MOST_AN_HOUR - 1, state="failed")
    post(owner_client, "account_test_start", second, to=TO)
    assert second.tests.count() == 1
    # It goes on: a second click shows it, and is no new one.
    assert post(owner_client, "account_test_start", second, HTMX, to=TO).status_code == 200
    said = post(owner_client, "account_test_start", account, HTMX, to=TO)
    assert "30 tests within an hour are enough" in said.headers["HX-Trigger"]
    said = owner_client.post(url("account_test_start", shop, account.pk), {"to": TO}, follow=True)
    assert "30 tests within an hour are enough" in said.content.decode()
    changelist = reverse("admin:mailaccounts_senderaccount_changelist")
    action = {"action": "test_account", "_selected_action": [account.pk]}
    said = admin_client.post(changelist, action, follow=True)
    assert "30 tests within an hour are enough" in said.content.decode()
    assert account.tests.filter(state="waiting").count() == 0
    theirs = factories.make_account(other_shop)
    assert diagnostics.start(theirs, TO, owner)[1], "another shop has its own"
    assert diagnostics.new_test(account, TO, None)[1], "the command is the operator's"
