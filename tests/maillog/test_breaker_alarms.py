"""The breaker opens: people are told once. The account sends again: they are told once more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import get_language

from mailaccounts.deeds import do
from mailaccounts.models import SenderAccount, system_account
from mailaccounts.transports.base import AccountTrouble, AnswerClass
from maillog import health
from maillog.models import MailMessage
from maillog.outbox import queue
from shops.alarms import speaking_to
from shops.models import Alarm, Role, Shop
from tests import factories
from tests.maillog.test_session import account_at, make_draft, send_all
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def real_outbox(settings: Any) -> None:
    settings.MAILERS = {"default": {"BACKEND": "maillog.backends.OutboxBackend"}}


def told() -> list[str]:
    mails = MailMessage.objects.filter(message_type="system.alarm").order_by("id")
    return [each.subject for each in mails]


def probe(account: SenderAccount) -> None:
    SenderAccount.objects.filter(pk=account.pk).update(next_try_at=timezone.now())
    send_all(account)


def refused() -> AccountTrouble:
    return AccountTrouble(AnswerClass.AUTH, "535 5.7.8 <b>no</b>", code=535)


def test_a_wrong_password_is_told_once_and_its_end_once() -> None:
    with sink(users={"sklep": "dobre"}) as server:
        account = account_at(server.port, username="sklep", password="złe")
        assert account.shop is not None
        factories.make_user(account.shop, Role.ACCOUNTS)
        queue(make_draft(account))
        for _ in range(3):
            probe(account)
        alarm = Alarm.objects.get(closed_at=None)
        assert (alarm.code, alarm.target) == ("account.broken", f"account:{account.pk}")
        assert alarm.path == f"/s/{account.shop.slug}/accounts/{account.pk}/"
        assert "authentication failed" in alarm.text and "does not let us in." in alarm.text
        account.set_password("dobre")
        account.save()
        account.mend()
        send_all(account)
    assert not Alarm.objects.filter(closed_at=None).exists()
    assert told() == [
        "[Rowerownia] The account “Sklep” is paused",
        "[Rowerownia] The account “Sklep” is no longer paused",
    ]


def test_a_server_that_comes_back_closes_the_alarm_by_itself() -> None:
    with sink() as server:
        account = account_at(1)
        assert account.shop is not None
        factories.make_user(account.shop, Role.ADMIN)
        queue(make_draft(account))
        for _ in range(health.NET_FAILURES_TO_OPEN + 2):
            probe(account)
        assert len(told()) == 1
        SenderAccount.objects.filter(pk=account.pk).update(port=server.port)
        probe(account)
    account.refresh_from_db()
    assert account.breaker == "closed"
    assert [subject.endswith("no longer paused") for subject in told()] == [False, True]


def test_failures_that_do_not_open_the_breaker_alarm_nobody(shop: Shop) -> None:
    account = factories.make_account(shop)
    for _ in range(health.NET_FAILURES_TO_OPEN - 1):
        health.note_trouble(account, AccountTrouble(AnswerClass.NET, "refused"))
    health.note_trouble(account, AccountTrouble(AnswerClass.QUOTA, "452 too many"))
    assert not Alarm.objects.exists()


def test_trouble_of_the_system_account_does_not_mail_through_itself(operator: Any) -> None:
    account = system_account()
    for _ in range(5):
        health.note_trouble(account, refused())
    assert Alarm.objects.get().shop is None
    assert told() == []
    account.refresh_from_db()
    account.mend()
    assert told() == ["[Postroom] The account “Postroom” is no longer paused"]


def test_an_account_that_is_switched_off_alarms_nobody_any_more(shop: Shop, owner: Any) -> None:
    factories.make_account(shop)
    account = factories.make_account(shop)
    for _ in range(2):
        health.note_trouble(account, refused())
    do("switch_off", account, owner)
    assert Alarm.objects.get().closed_at


def test_an_account_in_order_costs_no_look_at_the_alarms(shop: Shop) -> None:
    account = factories.make_account(shop)
    with sink() as server:
        SenderAccount.objects.update(port=server.port)
        message = queue(make_draft(account))
        assert message is not None
        with CaptureQueriesContext(connection) as captured:
            send_all(account)
    asked = [each["sql"] for each in captured]
    assert any("maillog_delivery" in sql for sql in asked)
    assert not any("shops_alarm" in sql for sql in asked)


def test_words_are_in_the_shops_language_where_it_is_offered(shop: Shop, settings: Any) -> None:
    """The worker's own language is the installation's."""
    settings.LANGUAGES = [("en", "English"), ("pl", "Polish")]
    with speaking_to(shop):
        assert get_language() == "pl"
    settings.LANGUAGES = [("en", "English")]
    with speaking_to(shop):
        assert get_language() == "en"


def test_the_alarm_is_due_again_after_six_hours_of_probes() -> None:
    account = account_at(1)
    assert account.shop is not None
    factories.make_user(account.shop, Role.ADMIN)
    queue(make_draft(account))
    for _ in range(health.NET_FAILURES_TO_OPEN + 1):
        probe(account)
    Alarm.objects.update(mailed_at=timezone.now() - timedelta(hours=6, seconds=1))
    probe(account)
    probe(account)
    assert len(told()) == 2
