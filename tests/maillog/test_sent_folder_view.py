"""What the account's page shows of its Sent folder, and “Synchronise now”."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from mailaccounts.models import SenderAccount
from maillog import sent_folder
from maillog.models import Delivery
from maillog.timeline import Story
from shops.models import AuditEntry, Role
from tests import factories
from tests.maillog.logged import end, logged

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(shop) -> SenderAccount:
    account = factories.make_account(shop, imap_enabled=True, imap_host="imap.rowerownia.example")
    account.imap_since = timezone.now() - timedelta(hours=1)
    account.save()
    return account


def url(account: SenderAccount, name: str = "sent_folder") -> str:
    assert account.shop is not None
    return reverse(f"maillog:{name}", kwargs={"shop": account.shop.slug, "account": account.pk})


@pytest.mark.promise("S0.22")
def test_it_shows_how_far_it_is_what_waits_and_the_last_error(owner_client, account) -> None:
    assert "Not synchronised yet" in owner_client.get(url(account)).content.decode()
    end(logged(account.shop, account=account), "sent", "sent")
    assert sent_folder.gather(account) == 1
    page = owner_client.get(url(account)).content.decode()
    assert "Synchronised up to" in page
    assert ", 1 waiting" in page
    assert "hx-trigger" in page  # it looks again
    SenderAccount.objects.filter(pk=account.pk).update(
        imap_error="<b>No</b>", imap_next_try_at=datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
    )
    page = owner_client.get(url(account)).content.decode()
    assert "&lt;b&gt;No&lt;/b&gt;" in page
    assert "next try" in page


@pytest.mark.promise("S0.22")
def test_synchronise_now_starts_the_task_and_waits_no_longer(owner_client, owner, account) -> None:
    SenderAccount.objects.filter(pk=account.pk).update(
        imap_failures=3, imap_next_try_at=timezone.now() + timedelta(hours=1)
    )
    response = owner_client.post(url(account, "sync_sent_folder"), headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert [each.args() for each in OrmQ.objects.all()] == [(account.pk,)]
    account.refresh_from_db()
    assert account.imap_next_try_at is None
    assert AuditEntry.objects.filter(action="account.sent_folder_synchronised", user=owner).exists()
    assert owner_client.post(url(account, "sync_sent_folder")).status_code == 302
    assert owner_client.get(url(account, "sync_sent_folder")).status_code == 405


def test_where_it_is_off_nothing_is_started(owner_client, account) -> None:
    SenderAccount.objects.filter(pk=account.pk).update(imap_enabled=False)
    owner_client.post(url(account, "sync_sent_folder"))
    assert not OrmQ.objects.exists()


def test_it_takes_the_right_to_work_on_accounts(shop, account, stranger: User) -> None:
    client = Client()
    client.force_login(factories.make_user(shop, Role.EDITOR))
    assert client.get(url(account)).status_code == 403
    assert client.post(url(account, "sync_sent_folder")).status_code == 403
    client.force_login(stranger)
    assert client.get(url(account)).status_code == 404
    assert not OrmQ.objects.exists()


def test_the_log_shows_the_copy_and_why_there_is_none(owner_client, account) -> None:
    message = end(logged(account.shop, account=account, sensitive=True), "sent", "sent")
    sent_folder.gather(account)
    [copy] = Story.of(message).copies
    assert (copy.role, copy.state) == ("imap", "not_sent")
    page = reverse("maillog:message", kwargs={"shop": account.shop.slug, "message": message.pk})
    told = owner_client.get(page).content.decode()
    assert "Not filed in the Sent folder: the message holds a personal link." in told
    listed = owner_client.get(page, {"tab": "recipients"}).content.decode()
    assert "It holds a personal link" in listed


def test_stopping_or_trying_a_message_again_leaves_its_copy_alone(owner_client, account) -> None:
    message = end(logged(account.shop, account=account), "sent", "sent")
    sent_folder.gather(account)
    kwargs = {"shop": account.shop.slug, "message": message.pk}
    for name in ("stop", "try_again"):
        owner_client.post(reverse(f"maillog:{name}", kwargs=kwargs))
        assert Delivery.objects.get(role="imap").state == "queued"
