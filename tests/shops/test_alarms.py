"""Alarms: one row for one trouble, mail at most once in six hours, and once when it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.utils import timezone

from maillog import reaper
from maillog.models import MailMessage
from shops import alarms
from shops.alarms import clear_alarm, open_alarms, raise_alarm, tell_what_waits
from shops.models import Alarm, Role
from tests import factories

pytestmark = pytest.mark.django_db
START = "2026-11-20 09:00:00+00:00"


@pytest.fixture(autouse=True)
def real_outbox(settings):
    """Django's test runner keeps mail in memory; alarms are to be in the log."""
    settings.MAILERS = {"default": {"BACKEND": "maillog.backends.OutboxBackend"}}


def told() -> list[tuple[str, str]]:
    rows = MailMessage.objects.filter(message_type="system.alarm").order_by("id")
    return [(each.to_text, each.subject) for each in rows]


def subjects() -> list[str]:
    return [subject for _to, subject in told()]


def trouble(shop, title="The account “Sklep” is paused", **values):
    return raise_alarm("account.broken", shop=shop, target="account:7", title=title, **values)


def over(shop, **values):
    return clear_alarm("account.broken", shop=shop, target="account:7", **values)


def test_however_often_a_trouble_is_seen_it_is_one_row_with_the_latest_words(shop, owner):
    first = trouble(shop, text="535 no")
    second = trouble(shop, text="535 still no")
    assert first.pk == second.pk
    assert Alarm.objects.get().text == "535 still no"
    assert len(told()) == 1


def test_troubles_of_other_shops_accounts_and_kinds_are_others(shop, other_shop):
    for row in (
        {"shop": shop, "code": "account.broken", "target": "account:1"},
        {"shop": shop, "code": "account.broken", "target": "account:2"},
        {"shop": shop, "code": "account.quota", "target": "account:1"},
        {"shop": other_shop, "code": "account.broken", "target": "account:1"},
        {"shop": None, "code": "account.broken", "target": "account:1"},
    ):
        raise_alarm(row.pop("code"), title="x", **row)
    assert Alarm.objects.filter(closed_at=None).count() == 5
    assert not clear_alarm("account.quota", shop=shop, target="account:2")
    assert clear_alarm("account.quota", shop=shop, target="account:1")
    assert Alarm.objects.filter(closed_at=None).count() == 4


def test_those_are_told_who_may_mend_it_each_in_a_message_of_their_own(shop, owner, operator):
    mender = factories.make_user(shop, Role.ACCOUNTS)
    for role in (Role.VIEWER, Role.SENDER, Role.EDITOR):
        factories.make_user(shop, role)
    factories.make_user(shop, Role.ADMIN, is_active=False)
    factories.make_user(shop, Role.ADMIN, email="")
    trouble(shop)
    assert sorted(told()) == sorted(
        (who.email, "[Rowerownia] The account “Sklep” is paused") for who in (owner, mender)
    )


def test_the_operators_are_told_of_the_installation_and_of_a_shop_without_people(shop, operator):
    trouble(None)
    trouble(shop)
    assert [to for to, _subject in told()] == [operator.email] * 2


def test_people_are_told_again_only_after_six_hours(shop, owner):
    with time_machine.travel(START, tick=False) as clock:
        for minutes in (0, 60, 299):
            clock.move_to(timezone.datetime.fromisoformat(START) + timedelta(minutes=minutes))
            trouble(shop)
        assert len(told()) == 1
        clock.shift(timedelta(hours=2))
        trouble(shop)
        assert len(told()) == 2


def test_when_it_is_over_they_are_told_once(shop, owner):
    trouble(shop)
    assert over(shop, title="The account “Sklep” is no longer paused", text="Mail is being sent.")
    assert not over(shop)
    assert subjects() == [
        "[Rowerownia] The account “Sklep” is paused",
        "[Rowerownia] The account “Sklep” is no longer paused",
    ]


def test_nobody_hears_of_an_end_who_heard_of_no_beginning(shop, owner):
    trouble(shop, urgent=False)
    assert over(shop)
    assert told() == []


def test_what_comes_and_goes_is_not_mailed_each_time(shop, owner):
    """And what stays at last is mailed without being seen again, once the six hours are over."""
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(5):
            trouble(shop)
            over(shop)
            clock.shift(timedelta(minutes=10))
        trouble(shop)
        assert len(told()) == 2
        assert tell_what_waits() == 0
        clock.shift(timedelta(hours=6))
        reaper.sweep()
        reaper.sweep()
        assert len(told()) == 3
        assert subjects()[-1].endswith("is paused")


def test_trouble_of_the_account_that_alarms_leave_through_is_mailed_when_it_is_over(operator):
    trouble(None, by_mail=False)
    trouble(None, by_mail=False)
    assert told() == []
    over(None)
    assert len(told()) == 1


def test_a_mail_that_cannot_be_queued_does_not_break_what_raised_the_alarm(
    shop, owner, monkeypatch, caplog
):
    def refuse(self, *args, **kwargs):
        raise ValueError("no outbox")

    monkeypatch.setattr(EmailMessage, "send", refuse)
    assert trouble(shop).pk
    assert "could not be mailed" in caplog.text


def test_one_bad_address_keeps_nobody_else_from_knowing(shop, owner):
    factories.make_user(shop, Role.ADMIN, email="no address")
    trouble(shop)
    assert owner.email in [to for to, _subject in told()]


def test_a_servers_words_stay_one_line_in_the_subject_and_plain_in_the_text(shop, owner):
    trouble(shop, title="Paused:\r\nBcc: x@evil.example", text="<b>535</b>")
    [message] = MailMessage.objects.filter(message_type="system.alarm")
    assert message.subject == "[Rowerownia] Paused: Bcc: x@evil.example"
    assert message.body.html == ""
    assert "<b>535</b>" in message.body.text


def test_the_mail_leads_to_where_it_is_mended(shop, owner, settings):
    settings.PUBLIC_URL = "https://post.example"
    trouble(shop, text="Look.", path="/s/a/accounts/7/")
    body = MailMessage.objects.get(message_type="system.alarm").body.text
    assert body.split() == ["Look.", "https://post.example/s/a/accounts/7/"]


def test_staff_see_their_shops_alarms_and_operators_the_installations_too(shop, other_shop):
    mine, own = trouble(shop, urgent=False), trouble(None)
    trouble(other_shop)
    over(other_shop)
    assert open_alarms(shop, operator=False) == [mine]
    assert open_alarms(shop, operator=True) == [own, mine]


def test_two_workers_that_see_it_at_once_open_one_alarm(shop, owner, monkeypatch):
    """The second finds the row of the first only when its own is refused."""
    mine = trouble(shop)
    look, tries = Alarm.objects.update_or_create, []

    def late(**values):
        tries.append(values)
        if len(tries) == 1:
            Alarm.objects.create(shop=shop, code="account.broken", target="account:7", title="x")
        return look(**values)

    monkeypatch.setattr(alarms.Alarm.objects, "update_or_create", late)
    assert trouble(shop).pk == mine.pk
    assert len(tries) == 2
