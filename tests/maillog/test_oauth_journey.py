"""One account's life at Google: signed in, sending, expired, withdrawn, signed in again."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from mailaccounts.condition import condition_of
from mailaccounts.models import Breaker, SenderAccount
from maillog import claims
from maillog.models import Attempt
from maillog.outbox import queue
from maillog.session import Session
from maillog.states import State
from shops.models import AuditEntry
from tests.mailaccounts.sign_ins import come_back, draft, exchange, sign_in, url
from tests.maillog.test_session import make_draft, send_all, the_delivery
from tests.oauth_provider import CLIENT_SECRET, MAILBOX, oauth_provider, point_settings_at
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(settings):
    """The provider and its mail server, which takes its tokens."""
    with oauth_provider() as provider:
        provider.users["nobody"] = "makes the sink ask for a log-in"
        with sink(users=provider.users, mechanisms=("XOAUTH2",)) as server:
            point_settings_at(provider, settings, server.port)
            yield provider, server


def due_now(account):
    SenderAccount.objects.filter(pk=account.pk, next_try_at__isnull=False).update(
        next_try_at=timezone.now() - timedelta(seconds=1)
    )


def expire(account):
    SenderAccount.objects.filter(pk=account.pk).update(oauth_access_expires_at=timezone.now())


def state_of(message):
    return the_delivery(message).state


@pytest.mark.promise("S0.17", "S5.15")
def test_from_the_sign_in_to_the_second_one_no_mail_is_lost(shop, owner_client, world):
    provider, server = world
    account = sign_in(owner_client, provider, draft(shop))

    first = queue(make_draft(account))
    send_all(account)
    assert state_of(first) == State.SENT and provider.refreshes == 0

    expire(account)
    second = queue(make_draft(account))
    send_all(account)
    assert state_of(second) == State.SENT and provider.refreshes == 1

    provider.revoke_all()
    provider.users["nobody"] = "x"
    expire(account)
    third = queue(make_draft(account))
    for _try in range(4):
        due_now(account)
        send_all(account)
    account.refresh_from_db()
    assert (account.breaker, account.auth_failures) == (Breaker.OPEN, 2)
    assert state_of(third) == State.QUEUED and provider.refreshes == 3
    assert "sign in again" in account.breaker_reason.lower()
    assert "Sign in again" in str(condition_of(account).advice)
    assert account.pk not in {each.pk for each in claims.due_accounts()}

    account = sign_in(owner_client, provider, account)
    assert account.pk in {each.pk for each in claims.due_accounts()}
    send_all(account)
    assert state_of(third) == State.SENT
    assert [each.message_id for each in server.store.received] == [
        each.message_id for each in (first, second, third)
    ]


def test_two_sessions_at_once_renew_once_and_send_everything(shop, owner_client, world):
    provider, server = world
    provider.delay = 0.1
    account = sign_in(owner_client, provider, draft(shop))
    expire(account)
    for number in range(6):
        queue(make_draft(account, to=f"anna{number}@klient.example"))
    account.refresh_from_db()
    stop = threading.Event()
    sessions = [
        Session(SenderAccount.objects.get(pk=account.pk), f"tests:{number}", stop)
        for number in range(2)
    ]
    threads = [threading.Thread(target=run, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)
    assert provider.refreshes == 1
    assert server.store.count == 6 and server.store.duplicates == 0


def run(session):
    try:
        session.run()
    finally:
        connection.close()


def test_a_provider_that_is_away_opens_no_breaker_for_staff(shop, owner_client, world):
    provider, _server = world
    account = sign_in(owner_client, provider, draft(shop))
    expire(account)
    provider.answers = [(500, "oops")] * 2
    message = queue(make_draft(account))
    for _try in range(3):
        due_now(account)
        send_all(account)
    account.refresh_from_db()
    assert state_of(message) == State.SENT
    assert (account.breaker, account.auth_failures, account.net_failures) == ("closed", 0, 0)


@pytest.mark.promise("S0.17")
def test_no_secret_is_anywhere_but_in_its_encrypted_columns(shop, owner_client, world, caplog):
    """Pages, log lines, the audit, attempts, errors, and a dump of the database."""
    provider, _server = world
    caplog.set_level(logging.DEBUG)
    account = draft(shop)
    pages = [come_back(owner_client, provider, account)]
    exchange(account)
    account = SenderAccount.objects.get(pk=account.pk)
    queue(make_draft(account))
    send_all(account)
    provider.revoke_all()
    provider.users["nobody"] = "x"
    expire(account)
    queue(make_draft(account))
    send_all(account)
    shown = ("accounts", "account_edit", "account_sign_in")
    addresses = [url(name, account) for name in shown[1:]]
    addresses.append(reverse("mailaccounts:accounts", kwargs={"shop": shop.slug}))
    addresses.append(
        reverse("mailaccounts:oauth_client", kwargs={"shop": shop.slug, "provider": "google"})
    )
    pages += [owner_client.get(address) for address in addresses]
    seen = "\n".join(
        [
            caplog.text,
            *(page.content.decode() + str(page.headers) for page in pages),
            *map(str, Attempt.objects.values_list("text", flat=True)),
            str(list(AuditEntry.objects.values())),
            *raw_rows(),
        ]
    )
    assert Attempt.objects.filter(answer="auth").exists()
    assert MAILBOX in seen and "account.signed_in" in seen
    secrets = [*provider.issued, CLIENT_SECRET]
    assert len(secrets) >= 4
    assert [each for each in secrets if each in seen] == []


def raw_rows():
    """What a dump of the database would hold."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            if table.startswith(("mailaccounts_", "maillog_", "shops_", "django_q_")):
                cursor.execute(f"SELECT * FROM {table}")
                yield str(cursor.fetchall())
