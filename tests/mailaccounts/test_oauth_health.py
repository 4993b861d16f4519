"""Days until a sign-in ends, the alarm before it does, and what is said of passwords."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from mailaccounts.models import OAuthClient, SenderAccount
from mailaccounts.oauth import health, tasks
from shops.models import Alarm
from tests import factories
from tests.mailaccounts.sign_ins import draft, sign_in
from tests.oauth_provider import CLIENT_ID, CLIENT_SECRET, oauth_provider, point_settings_at

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def client_row(shop, provider="google", **values):
    return OAuthClient.objects.create(
        shop=shop,
        provider=provider,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        **values,
    )


def signed_in(shop, kind="google", **values):
    return draft(shop, kind, state="active", oauth_signed_in_at=timezone.now(), **values)


def codes(account):
    return [each.code for each in health.warnings_for(account)]


def open_alarm():
    return Alarm.objects.filter(code="account.sign_in_ends", closed_at=None).first()


@pytest.mark.promise("S5.15")
def test_an_app_in_testing_is_alarmed_two_days_before_its_week_is_over(
    shop, owner, owner_client, settings, mailoutbox
):
    client_row(shop, in_testing=True)
    with oauth_provider() as provider, time_machine.travel(MONDAY, tick=False) as clock:
        point_settings_at(provider, settings)
        account = sign_in(owner_client, provider, draft(shop))
        assert account.oauth_ends_at == MONDAY + timedelta(days=7)
        assert health.ending_of(account).days == 7
        clock.shift(timedelta(days=4, hours=23))
        tasks.look_after()
        assert open_alarm() is None
        clock.shift(timedelta(hours=2))
        tasks.look_after()
        tasks.look_after()
        alarm = open_alarm()
        assert alarm.target == f"account:{account.pk}" and "by Nov. 30, 2026" in alarm.title
        assert alarm.path == f"/s/{shop.slug}/accounts/{account.pk}/sign-in/"
        [mail] = mailoutbox
        assert mail.to == [owner.email] and mail.subject.endswith(alarm.title)
        clock.shift(timedelta(days=3))
        tasks.look_after()
        assert "permission ended on Nov. 30, 2026" in open_alarm().title
        owner_client.force_login(owner)
        sign_in(owner_client, provider, account)
        assert open_alarm() is None


@pytest.mark.promise("S5.15")
def test_google_itself_says_how_long_a_permission_lasts(shop, owner_client, settings):
    with oauth_provider(refresh_lasts=604_799) as provider:
        point_settings_at(provider, settings)
        account = sign_in(owner_client, provider, draft(shop))
    assert health.ending_of(account).days == 6


@pytest.mark.promise("S5.15")
@pytest.mark.parametrize(
    ("days", "is_near", "words"),
    [(15, False, ""), (14, True, "expires on"), (1, True, "expires on"), (-1, True, "expired on")],
)
def test_a_client_secret_is_alarmed_two_weeks_before_it_expires(shop, days, is_near, words):
    with time_machine.travel(MONDAY, tick=False):
        ends = MONDAY.date() + timedelta(days=days)
        row = client_row(shop, "microsoft", secret_expires_on=ends)
        account = signed_in(shop, "microsoft", oauth_client=row)
        tasks.look_after()
        assert (open_alarm() is not None) == is_near
        assert ("sign_in_ends" in codes(account)) == is_near
        if is_near:
            assert words in open_alarm().title
            assert open_alarm().path == f"/s/{shop.slug}/accounts/oauth/microsoft/"
            row.secret_expires_on = ends + timedelta(days=700)
            row.save()
            tasks.look_after()
            assert open_alarm() is None


@pytest.mark.promise("S5.15")
def test_the_secret_of_the_installation_is_watched_too(shop, settings):
    settings.MICROSOFT_CLIENT_ID, settings.MICROSOFT_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.MICROSOFT_SECRET_EXPIRES_ON = "2026-12-01"
    with time_machine.travel(MONDAY, tick=False):
        signed_in(shop, "microsoft")
        tasks.look_after()
    assert "Dec. 1, 2026" in open_alarm().title


@pytest.mark.parametrize("state", ["draft", "disabled", "deleted"])
def test_an_account_that_does_not_send_raises_no_alarm(shop, state):
    factories.make_account(shop)
    row = client_row(shop, "microsoft", secret_expires_on=date(2020, 1, 1))
    signed_in(shop, "microsoft", oauth_client=row)
    tasks.look_after()
    assert open_alarm() is not None
    SenderAccount.objects.filter(kind="microsoft").update(is_main=False, state=state)
    tasks.look_after()
    assert open_alarm() is None


def test_an_account_of_which_nothing_is_known_to_end_is_left_alone(shop):
    account = signed_in(shop)
    assert health.ending_of(account) is None
    tasks.look_after()
    assert open_alarm() is None and codes(account) == []


@pytest.mark.promise("S5.15")
@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("smtp.office365.com", "microsoft_password"),
        ("smtp-mail.outlook.com", "microsoft_password"),
        ("SMTP.Office365.com.", "microsoft_password"),
        ("smtp.gmail.com", "gmail_password"),
        ("smtp.googlemail.com", "gmail_password"),
        ("notoffice365.com", None),
        ("office365.com.evil.example", None),
        ("ssl0.ovh.net", None),
    ],
)
def test_passwords_at_microsoft_and_gmail_are_warned_of(shop, host, code):
    account = factories.make_account(shop, host=host, username="sklep@rowerownia.example")
    assert codes(account) == ([code] if code else [])
    account.username = ""
    assert codes(account) == []


@pytest.mark.promise("S5.15")
def test_the_warning_of_microsoft_names_the_date_and_the_way_out(shop):
    account = factories.make_account(shop, host="smtp.office365.com", username="a")
    [warning] = health.warnings_for(account)
    assert "December 2026" in str(warning.text) and "“Microsoft”" in str(warning.text)


def test_an_account_nobody_has_signed_in_and_an_app_in_testing_are_warned_of(shop):
    client_row(shop, in_testing=True)
    account = draft(shop, oauth_client=OAuthClient.objects.get())
    assert codes(account) == ["not_signed_in", "google_testing"]


def test_the_hours_round_is_on_the_schedule():
    from django_q.models import Schedule

    call_command("migrate", verbosity=0)
    schedule = Schedule.objects.get(name="mailaccounts.sign_ins")
    assert schedule.func == "mailaccounts.oauth.tasks.look_after"
    assert schedule.schedule_type == Schedule.HOURLY


@pytest.mark.promise("S5.15")
def test_the_list_counts_the_days_once_they_are_few(shop, owner_client):
    account = signed_in(shop, oauth_ends_at=timezone.now() + timedelta(days=6))
    page = reverse("mailaccounts:accounts", args=[shop.slug])
    assert "The sign-in ends" not in owner_client.get(page).content.decode()
    soon = timezone.now() + timedelta(days=1, hours=3)
    SenderAccount.objects.filter(pk=account.pk).update(oauth_ends_at=soon)
    assert "The sign-in ends in 1 day" in owner_client.get(page).content.decode()
    SenderAccount.objects.filter(pk=account.pk).update(oauth_ends_at=timezone.now())
    assert "The sign-in has ended" in owner_client.get(page).content.decode()
