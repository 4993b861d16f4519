"""The mailbox's part of an account's form: what it takes, what it keeps, what it warns of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from mailaccounts.imap.form import IMAP_FIELDS, ImapFieldset, files_its_own
from mailaccounts.models import SenderAccount
from tests.mailaccounts.account_pages import CANARY, edit, url

pytestmark = pytest.mark.django_db


class KindAndMailbox(ImapFieldset):
    """As the account's form has it: beside the type and the server that sends."""

    class Meta(ImapFieldset.Meta):
        fields = ("kind", "host", *IMAP_FIELDS)


def filled(account, **values):
    given = {
        "kind": account.kind,
        "host": account.host,
        "imap_enabled": "on",
        "imap_host": "imap.ovh.example",
        "imap_port": "993",
        "imap_tls": "implicit",
        "imap_username": "sklep@rowerownia.example",
        "imap_password": "",
        "imap_folder": "",
        **values,
    }
    row = SenderAccount.objects.get(pk=account.pk)
    row.esp = "brevo" if given["kind"] == "esp" else ""
    return KindAndMailbox({name: value for name, value in given.items() if value}, instance=row)


def saved(form):
    assert form.is_valid(), form.errors
    row = form.save(commit=False)
    row.save(update_fields=["kind", "host", *form.imap_columns()])
    return SenderAccount.objects.get(pk=row.pk)


@pytest.fixture
def with_mailbox(account):
    return saved(filled(account, imap_password=CANARY))


@pytest.mark.promise("S0.24")
def test_host_port_user_password_and_folder_are_kept_and_copies_begin_now(account):
    before = timezone.now()
    stored = saved(filled(account, imap_password=CANARY, imap_port="143", imap_tls="starttls"))
    assert (stored.imap_host, stored.imap_port, stored.imap_tls) == (
        *("imap.ovh.example", 143),
        "starttls",
    )
    assert (stored.imap_username, stored.imap_password) == ("sklep@rowerownia.example", CANARY)
    assert stored.imap_since is not None
    assert before <= stored.imap_since <= timezone.now()


@pytest.mark.promise("S0.24")
def test_the_accounts_page_takes_it_and_leaves_alone_what_nobody_touched(owner_client, account):
    page = owner_client.get(url("account_edit", account.shop, account.pk)).content.decode()
    assert "IMAP synchronisation" in page
    mailbox = {"imap_host": "imap.ovh.example", "imap_password": CANARY}
    response = edit(owner_client, account, imap_enabled="on", **mailbox)
    assert response.status_code == 302, response.context["form"].errors
    stored = SenderAccount.objects.get(pk=account.pk)
    assert (stored.imap_host, stored.imap_password) == ("imap.ovh.example", CANARY)
    assert stored.imap_username == account.username
    assert stored.imap_since is not None
    edit(owner_client, account, label="Inna nazwa")
    again = SenderAccount.objects.get(pk=account.pk)
    assert (again.label, again.imap_since) == ("Inna nazwa", stored.imap_since)
    assert again.imap_password == CANARY
    shown = owner_client.get(url("account_edit", account.shop, account.pk)).content.decode()
    assert CANARY not in shown
    assert (
        "Read the folders"
        in owner_client.get(url("imap_folders", account.shop, account.pk)).content.decode()
    )


def test_the_user_name_is_offered_and_the_password_never_shown(with_mailbox, account, shop):
    fresh = KindAndMailbox(instance=SenderAccount(shop=shop, from_address="a@b.example"))
    assert fresh["imap_username"].value() == "a@b.example"
    form = KindAndMailbox(instance=with_mailbox)
    page = render_to_string(
        "mailaccounts/parts/imap_fields.html",
        {"form": form, "account": with_mailbox, "shop": shop},
    )
    assert CANARY not in page
    assert 'placeholder="unchanged"' in page
    assert page.count("<option") >= 4
    assert 'list="imap-ports"' in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("imap_host", "evil.example"),
        ("imap_port", "143"),
        ("imap_username", "somebody"),
        ("imap_tls", "starttls"),
    ],
)
def test_a_change_of_what_the_password_belongs_to_needs_it_again(with_mailbox, field, value):
    form = filled(with_mailbox, **{field: value})
    assert "Enter the password again" in form.errors["imap_password"][0]
    stored = saved(filled(with_mailbox, **{field: value, "imap_password": CANARY}))
    assert str(getattr(stored, field)) == value
    assert stored.imap_password == CANARY


def test_a_host_that_is_changed_past_the_form_loses_the_password(with_mailbox):
    with_mailbox.imap_host = "evil.example"
    with_mailbox.save(update_fields=["imap_host"])
    with_mailbox.refresh_from_db()
    assert with_mailbox.imap_password == ""


def test_an_empty_password_keeps_the_stored_one_and_what_was_synchronised(with_mailbox):
    since = timezone.now() - timedelta(days=3)
    SenderAccount.objects.filter(pk=with_mailbox.pk).update(
        imap_since=since, imap_folders=[["INBOX", False], ["Sent", True]]
    )
    stored = saved(filled(with_mailbox, imap_folder="INBOX"))
    assert (stored.imap_password, stored.imap_folder) == (CANARY, "INBOX")
    assert stored.imap_since == since
    assert stored.imap_folders


def test_what_is_mended_is_tried_at_once_and_another_mailbox_has_other_folders(with_mailbox):
    SenderAccount.objects.filter(pk=with_mailbox.pk).update(
        imap_failures=4,
        imap_error="No",
        imap_next_try_at=timezone.now() + timedelta(hours=1),
        imap_folders=[["Sent", True]],
        imap_folder="Sent",
    )
    stored = saved(filled(with_mailbox, imap_folder="Sent", imap_password="nowe"))
    assert (stored.imap_failures, stored.imap_error, stored.imap_next_try_at) == (0, "", None)
    assert stored.imap_folder == "Sent"
    moved = {"imap_host": "imap.other.example", "imap_password": "nowe"}
    stored = saved(filled(with_mailbox, imap_folder="Sent", **moved))
    assert (stored.imap_folder, stored.imap_folders) == ("", [])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"imap_host": ""}, "imap_host"),
        ({"imap_host": "http://imap.ovh.example"}, "imap_host"),
        ({"imap_username": ""}, "imap_username"),
        ({"imap_password": ""}, "imap_password"),
        ({"imap_password": "a\r\nA1 DELETE INBOX"}, "imap_password"),
        ({"imap_port": "70000"}, "imap_port"),
        ({"imap_tls": "none"}, "imap_tls"),
        ({"imap_folder": 'x"\r\nA1 DELETE INBOX'}, "imap_folder"),
        ({"imap_folder": "Sent"}, "imap_folder"),
    ],
)
def test_what_cannot_work_is_named_at_its_field(account, values, field):
    form = filled(account, **{"imap_password": CANARY, **values})
    assert list(form.errors) == [field]


def test_switched_off_nothing_is_needed(account):
    stored = saved(filled(account, imap_enabled="", imap_host="", imap_port="", imap_tls=""))
    assert (stored.imap_enabled, stored.imap_since, stored.imap_username) == (False, None, "")


@pytest.mark.promise("S0.23")
@pytest.mark.parametrize("kind", ["freshmail", "google", "microsoft"])
def test_some_kinds_take_no_synchronisation(with_mailbox, kind):
    form = filled(with_mailbox, kind=kind)
    assert {name: len(said) for name, said in form.errors.items()} == {"imap_enabled": 1}
    stored = saved(filled(with_mailbox, kind=kind, imap_enabled="", imap_port="nonsense"))
    assert (stored.imap_enabled, stored.imap_host, stored.imap_password) == (False, "", "")


@pytest.mark.promise("S0.23")
@pytest.mark.parametrize("kind", ["server", "smtp", "esp"])
def test_the_other_kinds_take_it(account, kind):
    if kind == "esp":
        SenderAccount.objects.filter(pk=account.pk).update(esp="brevo")
    assert saved(filled(account, kind=kind, imap_password=CANARY)).imap_enabled


@pytest.mark.promise("S0.23")
@pytest.mark.parametrize("host", ["smtp.gmail.com", "SMTP-Mail.Outlook.com", "smtp.office365.com."])
def test_a_server_that_files_its_own_copy_is_warned_of_and_it_is_off_by_default(shop, host):
    assert files_its_own(host)
    form = KindAndMailbox(instance=SenderAccount(shop=shop, kind="smtp", host=host))
    assert "twice" in form.imap_warning
    assert not form["imap_enabled"].value()
    page = render_to_string(
        "mailaccounts/parts/imap_fields.html",
        {"form": form, "account": form.instance, "shop": shop},
    )
    assert "by itself" in page


def test_other_servers_are_not_warned_of(account):
    assert KindAndMailbox(instance=account).imap_warning == ""
    assert "twice" in filled(account, host="smtp.gmail.com").imap_warning


def test_a_form_without_these_fields_is_left_alone(account):
    class Plain(ImapFieldset):
        class Meta(ImapFieldset.Meta):
            fields = ("host",)

    form = Plain({"host": "smtp.ovh.example"}, instance=account)
    assert list(form.fields) == ["host"]
    assert form.is_valid()
    form.save()
    assert form.imap_columns() == []
