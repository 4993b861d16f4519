"""Files that go along with every message of a type: what is taken, what is refused, who gets it."""

from __future__ import annotations

import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from maillog.claims import claim
from maillog.loading import deliveries
from maillog.mime import parse_parts
from maillog.models import MailMessage
from maillog.sizes import FileTooLarge
from maillog.states import State
from shops.file_size import in_words
from shops.models import AuditEntry
from templates_tx.built_in import sync
from templates_tx.files import (
    KINDS,
    FileRefused,
    Together,
    Upload,
    attach,
    clean_name,
    content_type_of,
    files_of,
)
from templates_tx.models import TypeAttachment
from tests import factories
from tests.maillog.test_session import send_all
from tests.smtp import sink

pytestmark = pytest.mark.django_db

TWO_MB = 2 * 1024 * 1024
CODE = "order.placed"


def pdf(size=2000):
    return b"%PDF-1.7\n" + b"x" * (size - 9)


def upload(client, shop, name, content, content_type="application/pdf", language=""):
    url = reverse("templates_tx:type_file_add", args=[shop.slug, CODE])
    file = SimpleUploadedFile(name, content, content_type)
    return client.post(url, {"file": file, "language": language})


@pytest.mark.promise("S4.24")
def test_an_upload_of_two_megabytes_is_taken_and_one_byte_more_is_not(owner_client, shop):
    assert upload(owner_client, shop, "regulamin.pdf", pdf(TWO_MB)).status_code == 302
    assert TypeAttachment.objects.get().file.size == TWO_MB
    refused = upload(owner_client, shop, "cennik.pdf", pdf(TWO_MB + 1))
    assert refused.status_code == 422
    assert "“cennik.pdf” has 2.01 MB" in refused.content.decode()
    assert TypeAttachment.objects.count() == 1
    with pytest.raises(FileTooLarge):
        attach(shop, CODE, Upload("cennik.pdf", pdf(TWO_MB + 1)), None)


@pytest.mark.promise("S4.36")
def test_files_that_together_would_not_leave_are_refused(owner_client, shop):
    upload(owner_client, shop, "regulamin.pdf", pdf(TWO_MB), language="pl")
    upload(owner_client, shop, "terms.pdf", pdf(TWO_MB), language="en")
    assert TypeAttachment.objects.count() == 2  # never in one message
    refused = upload(owner_client, shop, "cennik.pdf", pdf(1_000_000))
    assert refused.status_code == 422
    assert "With “cennik.pdf” the files would take" in refused.content.decode()
    assert TypeAttachment.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_all_that_may_go_along_together_leaves(shop):
    sync()
    with sink(record=True) as server:
        account = factories.make_account(shop, port=server.port)
        attach(shop, CODE, Upload("a.pdf", pdf(TWO_MB)), None)
        room = Together(files_of(shop, CODE))
        left = (room.most - room.taken - 400) // 78 * 57
        attach(shop, CODE, Upload("b.pdf", pdf(left), "pl"), None)
        with pytest.raises(FileRefused):
            attach(shop, CODE, Upload("c.txt", b"x"), None)
        factories.place_order(shop)
        send_all(account)
    message = MailMessage.objects.get(message_type=CODE)
    assert message.state == State.SENT, message.detail
    [mail] = server.store.received
    sent = {each.name: len(each.content) for each in parse_parts(mail.content).attachments}
    assert sent == {"a.pdf": TWO_MB, "b.pdf": left}


@pytest.mark.parametrize(
    "name",
    [
        *("virus.exe", "x.js", "x.bat", "x.scr", "x.html", "x.htm", "x.svg", "x.zip", "x.docm"),
        *("x.com", "x.cmd", "x.ps1", "x.vbs", "x.jar", "x.msi", "x.lnk", "x.iso", "x.eml", "x"),
        *("faktura.pdf.exe", "faktura.pdf .exe", "faktura.exe.", "faktura.exe ", "FAKTURA.EXE"),
        "faktura\u202efdp.exe",
        *("", ".", "..", "a/b\\c"),
    ],
)
def test_what_mailboxes_refuse_is_refused_by_its_name(owner_client, shop, name):
    with pytest.raises(FileRefused, match="cannot go along"):
        attach(shop, CODE, Upload(name, b"MZ" + pdf()), None)
    if name.strip("."):
        assert upload(owner_client, shop, name, pdf()).status_code == 422
    assert not TypeAttachment.objects.exists()


@pytest.mark.parametrize("ending", [ending for ending, kind in KINDS.items() if kind[1]])
def test_a_file_is_what_its_name_says(ending):
    content_type, beginnings = KINDS[ending]
    for beginning in beginnings:
        assert content_type_of(f"a.{ending}", beginning + b"rest") == content_type
    for content in (b"MZ\x90", b"<html>", b" " + beginnings[0], beginnings[0][:-1]):
        with pytest.raises(FileRefused, match="not what its name says"):
            content_type_of(f"a.{ending}", content)


def test_the_browser_does_not_say_what_a_file_is(owner_client, shop):
    upload(owner_client, shop, "Regulamin.PDF", pdf(), "text/html")
    kept = TypeAttachment.objects.get()
    assert (kept.name, kept.content_type) == ("Regulamin.pdf", "application/pdf")
    refused = upload(owner_client, shop, "inny.pdf", b"<script>alert(1)</script>")
    assert refused.status_code == 422
    assert "“inny.pdf” is not what its name says" in refused.content.decode()
    assert "“pusty.pdf” is empty" in upload(owner_client, shop, "pusty.pdf", b"").content.decode()
    url = reverse("templates_tx:type_file_add", args=[shop.slug, CODE])
    assert "Choose a file first." in owner_client.post(url, {}).content.decode()
    wrong = upload(owner_client, shop, "a.pdf", pdf(), language="xx")
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("regulamin.pdf", "regulamin.pdf"),
        ("C:\\Dokumenty\\Regulamin sklepu.PDF", "Regulamin sklepu.pdf"),
        ("/etc/../regulamin.pdf", "regulamin.pdf"),
        ("a\r\nBcc: x@y.example.pdf", "aBcc x@y.example.pdf"),
        ("fak\u202etura\u200b.pdf", "faktura.pdf"),
        ('"a"<b>|?.pdf', "ab.pdf"),
        ("  a   b . pdf ", "a b.pdf"),
        (".pdf", "file.pdf"),
        ("x" * 300 + ".pdf", "x" * 100 + ".pdf"),
        ("Z\u0307o\u0301łw.pdf", "Żółw.pdf"),
        ("a\0b.pdf", "ab.pdf"),
    ],
)
def test_names_are_cleaned(typed, name):
    assert clean_name(typed) == name


def test_a_name_goes_along_once_in_a_language(shop):
    attach(shop, CODE, Upload("Regulamin.pdf", pdf(), "pl"), None)
    attach(shop, CODE, Upload("Regulamin.pdf", pdf(), "en"), None)
    with pytest.raises(FileRefused, match="goes along already"):
        attach(shop, CODE, Upload("regulamin.pdf", pdf(), "pl"), None)


def test_ten_files_go_along_and_no_more(shop):
    for number in range(10):
        attach(shop, CODE, Upload(f"{number}.txt", b"x"), None)
    with pytest.raises(FileRefused, match="At most 10 files"):
        attach(shop, CODE, Upload("11.txt", b"x"), None)
    attach(shop, "note", Upload("11.txt", b"x"), None)


@pytest.mark.django_db(transaction=True)
def test_it_goes_along_with_every_message_of_its_type_in_its_language(owner_client, shop):
    sync()
    upload(owner_client, shop, "regulamin.pdf", pdf(), language="pl")
    upload(owner_client, shop, "zwrot.pdf", pdf(3000))
    with sink(record=True) as server:
        account = factories.make_account(shop, port=server.port)
        factories.place_order(shop, factories.make_customer(shop, language="pl"))
        factories.place_order(shop, factories.make_customer(shop, language="en"))
        send_all(account)
    sent = [
        {each.name: each.content for each in parse_parts(mail.content).attachments}
        for mail in server.store.received
    ]
    assert sorted(sent, key=len) == [
        {"zwrot.pdf": pdf(3000)},
        {"regulamin.pdf": pdf(), "zwrot.pdf": pdf(3000)},
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_orders_are_placed_while_a_file_is_being_kept(shop):
    sync()
    factories.make_account(shop)
    placed = []

    def place():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        try:
            placed.append(factories.place_order(shop))
        finally:
            connection.close()

    with transaction.atomic():
        attach(shop, CODE, Upload("regulamin.pdf", pdf()), None)
        customer = threading.Thread(target=place)
        customer.start()
        customer.join()
    assert len(placed) == 1
    assert MailMessage.objects.filter(message_type=CODE).exists()


@pytest.mark.django_db(transaction=True)
def test_a_batch_holds_the_bytes_of_a_file_once_however_many_messages_carry_it(shop):
    sync()
    account = factories.make_account(shop)
    attach(shop, CODE, Upload("regulamin.pdf", pdf(TWO_MB)), None)
    attach(shop, CODE, Upload("zwrot.pdf", pdf(3000)), None)
    customer = factories.make_customer(shop)
    for _each in range(5):
        factories.place_order(shop, customer)
    claimed = claim(account, "tests:1", 10)
    with CaptureQueriesContext(connection) as queries:
        batch = deliveries(claimed)
    held = [each.file for delivery in batch for each in delivery.message.files]
    assert len(held) == 2 * len(batch) == 10
    assert len({id(each.content) for each in held}) == 2
    assert sum(each["sql"].count('."content"') for each in queries) == 1


def test_a_file_is_looked_at_and_removed(owner_client, owner, shop):
    upload(owner_client, shop, "regulamin.pdf", pdf())
    kept = TypeAttachment.objects.get()
    url = reverse("templates_tx:type_file", args=[shop.slug, CODE, kept.pk])
    page = owner_client.get(reverse("templates_tx:type_settings", args=[shop.slug, CODE]))
    assert url in page.content.decode() and in_words(2000) in page.content.decode()
    answer = owner_client.get(url)
    assert answer.content == pdf()
    assert answer["Content-Disposition"].startswith("attachment")
    assert owner_client.get(f"{url}remove/").status_code == 405
    assert owner_client.post(f"{url}remove/").status_code == 302
    assert not TypeAttachment.objects.exists()
    assert owner_client.post(f"{url}remove/").status_code == 404
    told = AuditEntry.objects.filter(target=CODE).values_list("action", "user", "details")
    assert list(told.order_by("pk")) == [
        ("type_file.added", owner.pk, {"name": "regulamin.pdf"}),
        ("type_file.removed", owner.pk, {"name": "regulamin.pdf"}),
    ]


def test_a_file_of_one_type_is_not_found_under_another(owner_client, shop):
    kept = attach(shop, CODE, Upload("regulamin.pdf", pdf()), None)
    assert (
        owner_client.get(
            reverse("templates_tx:type_file", args=[shop.slug, "note", kept.pk])
        ).status_code
        == 404
    )


def test_a_message_that_is_made_keeps_a_file_that_is_removed_since(owner_client, shop):
    sync()
    factories.make_account(shop)
    kept = attach(shop, CODE, Upload("regulamin.pdf", pdf()), None)
    factories.place_order(shop)
    owner_client.post(reverse("templates_tx:type_file_remove", args=[shop.slug, CODE, kept.pk]))
    message = MailMessage.objects.get(message_type=CODE)
    assert [each.name for each in message.attachments.all()] == ["regulamin.pdf"]
