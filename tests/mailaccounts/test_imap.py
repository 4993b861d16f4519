"""Test of a mailbox, step by step, and the folder picker that it fills."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django_q.models import OrmQ

from mailaccounts.imap.check import check
from mailaccounts.imap.tasks import ask_for_folders, read_folders, reading_of
from mailaccounts.models import SenderAccount
from tests import factories
from tests.dovecot import PASSWORD
from tests.imap import fake_imap
from tests.smtp import LOOPBACK, closed_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox_at(shop):
    def make(port, **values):
        facts = {"imap_enabled": True, "imap_host": LOOPBACK, "imap_port": port}
        facts |= {"imap_username": "sklep", "imap_password": PASSWORD}
        return factories.make_account(shop, **{**facts, **values})

    return make


def told(results):
    return [(each.name, each.ok) for each in results]


@pytest.mark.promise("S0.24")
def test_each_step_is_told_and_the_folders_are_kept(real_mailbox, mailbox_at):
    account = mailbox_at(real_mailbox.tls_port, imap_username=real_mailbox.new_user())
    heard = []
    results = check(account, heard.append)
    assert results == heard
    assert told(results) == [
        ("IMAP server name", True),
        ("IMAP connection", True),
        ("IMAP encryption", True),
        ("IMAP log-in", True),
        ("Folder for sent mail", True),
    ]
    assert "INBOX.Wysłane" in results[-1].found
    account.refresh_from_db()
    assert dict(account.imap_folders) == {
        "INBOX": False,
        "INBOX.Wysłane": True,
        "INBOX.Archiwum": False,
    }


@pytest.mark.promise("S0.24")
@pytest.mark.parametrize(
    ("values", "step", "hint"),
    [
        ({"imap_host": "nowhere.invalid"}, "IMAP server name", "server's name"),
        ({"imap_port": closed_port()}, "IMAP connection", "in a few minutes"),
        ({"imap_password": "x"}, "IMAP log-in", "whole address"),
        ({"imap_folder": "Gone"}, "Folder for sent mail", "Choose a folder"),
    ],
)
def test_the_first_step_that_fails_is_the_last_and_says_what_to_do(
    real_mailbox, mailbox_at, values, step, hint, settings
):
    settings.OUTBOUND_ALLOW = (*settings.OUTBOUND_ALLOW, "nowhere.invalid:*")
    user = real_mailbox.new_user()
    account = mailbox_at(real_mailbox.tls_port, **{"imap_username": user, **values})
    last = check(account)[-1]
    assert (last.name, last.ok) == (step, False)
    assert last.found
    assert hint in last.hint


def test_tls_where_starttls_is_spoken_is_explained(mailbox_at):
    with fake_imap(None) as server:
        last = check(mailbox_at(server.port))[-1]
    assert (last.name, last.ok) == ("IMAP connection", False)


@pytest.fixture
def picker_url():
    def url(account):
        kwargs = {"shop": account.shop.slug, "pk": account.pk}
        return reverse("mailaccounts:imap_folders", kwargs=kwargs)

    return url


def test_the_picker_reads_in_the_background_and_then_offers_what_it_found(
    owner_client, trusted, mailbox_at, picker_url, django_capture_on_commit_callbacks
):
    with fake_imap(trusted) as server:
        account = mailbox_at(server.port)
        with django_capture_on_commit_callbacks(execute=True):
            page = owner_client.post(picker_url(account), {"imap_folder": ""}).content.decode()
        assert "Reading the folders" in page
        assert 'hx-trigger="load delay:1s"' in page
        assert server.lines == []  # nothing in the request
        assert [each.func() for each in OrmQ.objects.all()] == [
            "mailaccounts.imap.tasks.read_folders"
        ]
        assert read_folders(account.pk)
    page = owner_client.get(picker_url(account), {"imap_folder": "INBOX"}).content.decode()
    assert "Reading" not in page
    assert '<option value="INBOX" selected>INBOX</option>' in page
    assert "found by itself (Sent)" in page


def test_the_picker_says_why_it_has_no_list(owner_client, mailbox_at, picker_url):
    account = mailbox_at(closed_port(), imap_folder="Wysłane")
    assert not read_folders(account.pk)
    page = owner_client.get(picker_url(account)).content.decode()
    assert "takes no connections" in page
    assert '<option value="Wysłane" selected>' in page  # a look that failed takes nothing away


def test_a_hostile_folder_name_is_text_on_the_page(owner_client, mailbox_at, picker_url):
    account = mailbox_at(closed_port())
    name = '"><script>alert(1)</script>'
    SenderAccount.objects.filter(pk=account.pk).update(imap_folders=[[name, True]])
    assert "<script>" not in owner_client.get(picker_url(account)).content.decode()


def test_an_account_that_is_gone_is_not_read(mailbox_at):
    account = mailbox_at(closed_port())
    ask_for_folders(account)
    SenderAccount.objects.filter(pk=account.pk).update(state="deleted", is_main=False)
    assert not read_folders(account.pk)
    assert reading_of(account) == {}
