from __future__ import annotations

import re
import secrets
import threading
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from demo.invoice import one_page
from maillog.session import Session
from shops import signals
from shops.documents.keeping import Handed, allow, hand_in, revoke
from shops.models import AuditEntry, DocumentFile, Order, SalesDocument
from shops.models.document import DocumentKind, new_secret, token_of
from shops.redaction import redact
from templates_tx import defaults
from templates_tx.context import full_context
from templates_tx.models import TemplateAssignment
from templates_tx.rendering import render_all
from tests import factories, smtp
from tests.test_main_job import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(shop):
    return factories.place_order(shop, number="10482")


@pytest.fixture
def document(order):
    return factories.make_document(order)


@pytest.fixture
def customer():
    """Somebody who is signed in nowhere."""
    return Client()


def token(document):
    return token_of(document.link_secret)


def page_of(document, name="page"):
    return reverse(f"document:{name}", args=[token(document)])


def add_url(order):
    return reverse("shops:document_add", args=[order.shop.slug, order.pk])


def staff_url(document, name):
    there = [document.shop.slug, document.order_id, document.pk]
    return reverse(f"shops:document_{name}", args=there)


def upload(client, order, content=factories.PDF, name="faktura.pdf", **values):
    file = SimpleUploadedFile(name, content, "application/pdf")
    typed = {"kind": "invoice", "number": "FV/12/2026", "file": file, **values}
    return client.post(add_url(order), typed)


def end(document):
    SalesDocument.objects.filter(pk=document.pk).update(expires_at=timezone.now())


# The token


@pytest.mark.promise("S3.16")
def test_a_link_holds_160_bits_that_stand_nowhere_in_the_database(document):
    made = token(document)
    assert len(urlsafe_b64decode(made + "=")) * 8 >= 160
    assert made in document.link
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM shops_salesdocument")
        stored = str(cursor.fetchall())
    assert made not in stored and document.link_secret not in stored


def test_each_document_has_a_secret_of_its_own_and_its_link_stays_the_same(order):
    one, other = factories.make_document(order, "1"), factories.make_document(order, "2")
    assert one.link != other.link
    assert SalesDocument.objects.get(pk=one.pk).link == one.link


def test_a_secret_that_no_key_reads_any_more_costs_the_link_and_not_the_message(order, settings):
    factories.make_document(order)
    settings.FIELD_KEYS = ["x4YTAy8fXGJMcPJVc1X2Wzl5p2G9mhKbaQ7Q5GqkYVE="]
    assert Order.objects.get(pk=order.pk).facts().invoice_url == ""


def mutated(made):
    """The token with each of its letters changed, cut, made longer or turned."""
    for place, letter in enumerate(made):
        yield made[:place] + ("A" if letter != "A" else "B") + made[place + 1 :]
    yield from (made[:-1], made + "A", made.swapcase(), made[::-1], f" {made}", f"{made}\0", "%2e")


@pytest.mark.promise("S3.16")
def test_of_ten_thousand_guesses_none_opens_anything(document, customer):
    changed = [each for each in mutated(token(document)) if each != token(document)]
    tried = [*changed, *(secrets.token_urlsafe(20) for _try in range(10_000 - len(changed)))]
    found = [each for each in tried if SalesDocument.objects.opened_by(each).exists()]
    assert len(tried) == 10_000 and found == []
    for guess in tried[:200]:
        for name in ("page", "file"):
            answer = customer.get(reverse(f"document:{name}", args=[guess]))
            assert answer.status_code == 404
            assert "Rowerownia" not in answer.text


def test_a_guess_costs_one_query_at_most_and_nonsense_none(document, customer):
    for guess, queries in ((new_secret(), 1), ("made-up", 0), ("x" * 5000, 0)):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            customer.get(reverse("document:page", args=[guess]))
        assert len(asked) == queries


def test_a_token_is_in_no_log_line(document):
    for name in ("page", "file"):
        line = redact(f"Gone: {page_of(document, name)}")
        assert token(document) not in line and "/d/***" in line
    assert redact("/etc/d/settings.py") == "/etc/d/settings.py"


# The customer's page


@pytest.mark.promise("S3.16")
def test_the_customers_page_needs_no_sign_in_and_is_in_the_shops_name(document, customer):
    answer = customer.get(page_of(document))
    assert answer.status_code == 200
    for shown in ("Rowerownia", "Invoice FV/12/2026", "Order 10482", "faktura.pdf", "Download"):
        assert shown in answer.text
    assert f'href="{page_of(document, "file")}"' in answer.text


@pytest.mark.promise("S3.16")
@pytest.mark.parametrize("name", ["page", "file"])
def test_no_search_engine_keeps_it_and_no_cache_and_nobody_learns_the_address(
    document, customer, name
):
    answers = [customer.get(page_of(document, name))]
    end(document)
    answers += [customer.get(page_of(document, name)), customer.get("/d/made-up/")]
    assert [each.status_code for each in answers] == [200, 410, 404]
    for answer in answers:
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer.headers["Cache-Control"]
        assert not answer.cookies
        if "text/html" in answer.headers["Content-Type"]:
            assert '<meta name="robots" content="noindex, nofollow">' in answer.text


def test_the_page_fetches_nothing_from_elsewhere(document, customer):
    text = customer.get(page_of(document)).text
    fetched = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', text)
    assert fetched and all(each.startswith(("/static/", "/media/", "data:,")) for each in fetched)
    assert "<script" not in text and "style=" not in text


def test_it_carries_the_shops_colours_unless_they_are_no_colours(shop, document, customer):
    shop.accent = "#aa1122"
    shop.save()
    assert "--shop: #aa1122" in customer.get(page_of(document)).text
    type(shop).objects.update(accent="red}*{")
    text = customer.get(page_of(document)).text
    assert "red}" not in text and "--shop: #1f3d36" in text


@pytest.mark.parametrize(("language", "shown"), [("pl", "pl"), ("nb", "en"), ("", "pl")])
def test_it_is_in_the_customers_language_where_there_is_one(
    shop, customer, settings, language, shown
):
    settings.LANGUAGES = [("en", "English"), ("pl", "Polski")]
    buyer = factories.make_customer(shop, language=language)
    document = factories.make_document(factories.place_order(shop, buyer))
    answer = customer.get(page_of(document), headers={"accept-language": "en"})
    assert f'<html lang="{shown}">' in answer.text


def test_the_file_comes_as_it_was_handed_in_to_be_saved_and_never_shown(document, customer):
    answer = customer.get(page_of(document, "file"))
    assert answer.content == factories.PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="faktura.pdf"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_programs_that_look_at_every_link_change_nothing(document, customer):
    def rows():
        return list(SalesDocument.objects.values()), AuditEntry.objects.count()

    before = rows()
    for name in ("page", "file"):
        head = customer.head(page_of(document, name))
        assert (head.status_code, head.content) == (200, b"")
        assert customer.get(page_of(document, name)).status_code == 200
        assert customer.post(page_of(document, name)).status_code == 405
    assert rows() == before


@pytest.mark.promise("S3.16")
@pytest.mark.parametrize("name", ["page", "file"])
def test_a_link_that_has_ended_says_so_and_whom_to_ask(document, customer, name):
    SalesDocument.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert customer.get(page_of(document, name)).status_code == 200
    end(document)
    answer = customer.get(page_of(document, name))
    assert answer.status_code == 410
    assert "This link has ended" in answer.text and "kontakt@rowerownia.example" in answer.text
    assert factories.PDF not in answer.content


def test_a_link_works_for_as_many_days_as_the_setting_says(order, settings):
    settings.DOCUMENT_LINK_DAYS = 7
    left = factories.make_document(order).expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


@pytest.mark.promise("S3.16")
def test_a_revoked_link_stops_at_once_and_works_again_when_it_is_allowed(
    document, customer, owner_client
):
    assert owner_client.get(staff_url(document, "revoke")).status_code == 405
    answer = owner_client.post(staff_url(document, "revoke"))
    [toast] = get_messages(answer.wsgi_request)
    assert toast.extra_tags == f"undo:{staff_url(document, 'allow')}"
    assert customer.get(page_of(document)).status_code == 410
    assert customer.get(page_of(document, "file")).status_code == 410
    owner_client.post(staff_url(document, "allow"))
    assert customer.get(page_of(document)).status_code == 200
    told = list(AuditEntry.objects.filter(action__startswith="document").order_by("pk"))
    assert [each.action for each in told] == [
        "document.added",
        "document.revoked",
        "document.allowed",
    ]
    assert token(document) not in str([each.details for each in told])


def test_allowing_a_link_that_ended_by_itself_gives_it_its_full_time(document, owner, customer):
    end(document)
    document.refresh_from_db()
    allow(document, owner)
    assert customer.get(page_of(document)).status_code == 200
    left = SalesDocument.objects.get().expires_at - timezone.now()
    assert left > timedelta(days=89)


@pytest.mark.parametrize("close", [lambda document: revoke(document, None), lambda d: end(d)])
def test_a_closed_document_that_staff_hand_in_again_is_reopened_and_they_are_told(
    order, document, customer, owner_client, close
):
    close(document)
    page = owner_client.get(upload(owner_client, order).headers["Location"]).text
    assert "This document was there already, and its link works again." in page
    assert "its link is ready" not in page
    assert customer.get(page_of(document)).status_code == 200
    assert SalesDocument.objects.count() == 1
    assert AuditEntry.objects.filter(action="document.allowed").count() == 1


def test_a_program_that_repeats_itself_reopens_no_link(order, document, owner, customer):
    revoke(document, owner)
    assert not factories.make_document(order).opens
    assert customer.get(page_of(document)).status_code == 410


# Versions


@pytest.mark.promise("S3.16")
def test_an_old_link_shows_the_new_version_unless_that_one_is_revoked(order, owner, customer):
    first = factories.make_document(order)
    second = factories.make_document(order, content=one_page(["corrected"]))
    assert (first.version, second.version) == (1, 2)
    assert customer.get(page_of(first, "file")).content == one_page(["corrected"])
    revoke(second, owner)
    assert customer.get(page_of(first, "file")).content == factories.PDF
    assert customer.get(page_of(second)).status_code == 410


def test_a_revoked_old_link_stays_shut_whatever_was_handed_in_later(order, owner, customer):
    first = factories.make_document(order)
    second = factories.make_document(order, content=one_page(["corrected"]))
    revoke(first, owner)
    assert customer.get(page_of(first)).status_code == 410
    assert customer.get(page_of(second)).status_code == 200


@pytest.mark.parametrize(
    "values",
    [
        {"number": "FV/13/2026"},
        {"kind": "credit_note"},
        {"number": "", "name": "warunki.pdf"},
    ],
)
def test_another_number_kind_or_file_is_another_document(order, document, values):
    factories.make_document(order, "", name="faktura.pdf", kind="other")
    given = {"content": one_page(["x"]), **values}
    assert factories.make_document(order, **given).version == 1


def test_the_same_file_again_is_no_new_version_and_its_bytes_are_kept_once(order, document):
    assert factories.make_document(order) == document
    factories.make_document(order, "FV/13/2026")
    assert SalesDocument.objects.count() == 2
    assert DocumentFile.objects.count() == 1


def test_bytes_go_with_the_last_document_that_has_them(shop, order, document):
    other = factories.make_document(factories.place_order(shop))
    order.delete()
    assert DocumentFile.objects.get().sha256 == other.file_id
    other.order.delete()
    assert not DocumentFile.objects.exists()


# Handing in


def test_staff_hand_in_a_file_on_the_orders_page(order, owner, owner_client):
    answer = upload(owner_client, order)
    assert answer.status_code == 302
    document = SalesDocument.objects.get()
    assert (document.title, document.size) == ("Invoice FV/12/2026", len(factories.PDF))
    assert document.created_by == owner
    page = owner_client.get(answer.headers["Location"])
    assert "Invoice FV/12/2026" in page.text and "faktura.pdf" in page.text
    assert f'data-copy="{document.link}"' in page.text
    kept = owner_client.get(staff_url(document, "file"))
    assert kept.content == factories.PDF and "attachment" in kept.headers["Content-Disposition"]


@pytest.mark.promise("S3.16")
@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"content": b""}, "file", "This file is empty."),
        ({"content": b"<html>%PDF-1.4"}, "file", "This is not a PDF file."),
        ({"content": b"%PD"}, "file", "This is not a PDF file."),
        ({"content": b"%PDF-" + b"0" * 3_000_000}, "file", "at most 2 MB are possible"),
        ({"content": b"%PDF-" + b"0" * 2 * 1024 * 1024}, "file", "has 2.01 MB; at most 2 MB"),
        ({"file": ""}, "file", "Choose a file first."),
        ({"kind": "novel"}, "kind", "Select a valid choice"),
        ({"number": "1" * 61}, "number", "at most 60 characters"),
        ({"number": "1\0"}, "number", "Null characters are not allowed"),
    ],
)
def test_what_is_no_document_is_refused_beside_its_field(order, owner_client, values, field, told):
    answer = upload(owner_client, order, **{"number": "FV/1", **values})
    assert answer.status_code == 422
    form = answer.context["document_form"]
    assert list(form.errors) == [field] and told in form.errors[field][0]
    assert told in answer.text
    if field != "number":
        assert 'value="FV/1"' in answer.text
    assert not SalesDocument.objects.exists()


def test_the_largest_file_is_that_of_mail(order, settings):
    settings.MAX_ATTACHMENT_BYTES = len(factories.PDF)
    assert factories.make_document(order).version == 1
    with pytest.raises(ValidationError, match="has 16 bytes; at most 15 bytes are"):
        factories.make_document(order, content=factories.PDF + b"\n")


@pytest.mark.parametrize(
    "handed",
    [
        Handed("invoice", ContentFile(b"no"), "a.pdf"),
        Handed("novel", ContentFile(factories.PDF), "a.pdf"),
        Handed("invoice", ContentFile(factories.PDF), "a.pdf", "1" * 61),
    ],
)
def test_a_program_is_refused_as_staff_are(order, handed):
    with pytest.raises(ValidationError):
        hand_in(order, handed)
    assert not SalesDocument.objects.exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("fakt\r\nSet-Cookie: a=b.pdf", "fakt_Set-Cookie_ a=b.pdf"),
        ('a";b\u202efdp.exe', "a_;b_fdp.exe.pdf"),
        ("ł" * 300 + ".pdf", "ł" * 150 + ".pdf"),
        ("<script>.PDF", "_script_.PDF"),
        ("..", "document.pdf"),
    ],
)
def test_a_hostile_file_name_becomes_a_harmless_one(order, customer, name, kept):
    base = name.rpartition("/")[2] if ".." in name else name
    document = factories.make_document(order, name=base)
    assert document.name == kept
    answer = customer.get(page_of(document, "file"))
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert "<script>" not in customer.get(page_of(document)).text


def test_a_hostile_number_is_shown_as_text(order, customer, owner_client):
    document = factories.make_document(order, "<b>1</b>\u202e")
    there = reverse("shops:order", args=[order.shop.slug, order.pk])
    for answer in (customer.get(page_of(document)), owner_client.get(there)):
        assert "<b>1</b>" not in answer.text and "&lt;b&gt;1&lt;/b&gt;" in answer.text


# Strangers


def test_staff_of_another_shop_find_nothing(document, stranger, client):
    client.force_login(stranger)
    assert client.get(staff_url(document, "file")).status_code == 404
    for name in ("revoke", "allow"):
        assert client.post(staff_url(document, name)).status_code == 404
    assert upload(client, document.order).status_code == 404
    assert SalesDocument.objects.get().revoked_at is None


def test_a_document_is_not_found_under_another_order(shop, document, owner_client):
    other = factories.place_order(shop)
    there = reverse("shops:document_file", args=[shop.slug, other.pk, document.pk])
    assert owner_client.get(there).status_code == 404


def test_a_viewer_reads_documents_and_changes_nothing(document, colleague, client):
    client.force_login(colleague)
    page = client.get(reverse("shops:order", args=[document.shop.slug, document.order_id]))
    assert "Invoice FV/12/2026" in page.text and 'class="cb document-add"' not in page.text
    assert client.get(staff_url(document, "file")).status_code == 200
    for name in ("revoke", "allow"):
        assert client.post(staff_url(document, name)).status_code == 403
    assert upload(client, document.order, content=one_page(["x"])).status_code == 403
    assert SalesDocument.objects.count() == 1


# What messages get


def test_an_order_without_documents_costs_no_query_more(shop, django_assert_num_queries):
    placed = factories.place_order(shop)
    order = Order.objects.select_related("customer").get(pk=placed.pk)
    with django_assert_num_queries(1):  # its lines
        assert order.facts().invoice_url == ""
    factories.make_document(placed)
    order = Order.objects.select_related("customer").get(pk=placed.pk)
    with django_assert_num_queries(2):
        assert order.facts().invoice_url


def test_an_order_that_is_being_placed_asks_for_no_documents(shop, django_assert_num_queries):
    asked = []

    def listen(order, **kwargs):
        with django_assert_num_queries(0):
            asked.append(order.facts().invoice_url)

    signals.order_placed.connect(listen)
    try:
        factories.place_order(shop)
    finally:
        signals.order_placed.disconnect(listen)
    assert asked == [""]


def test_messages_get_the_newest_invoice_whose_link_still_opens(order, owner):
    def url():
        return Order.objects.get(pk=order.pk).facts().invoice_url

    first = factories.make_document(order, "1")
    second = factories.make_document(order, "2")
    factories.make_document(order, "3", kind=DocumentKind.PRO_FORMA)
    assert order.facts().invoice_url == url() == second.link
    revoke(second, owner)
    assert url() == first.link
    end(first)
    assert url() == ""
    Order.objects.update(invoice_url="https://rowerownia.example/f/1")
    assert url() == "https://rowerownia.example/f/1"


@pytest.mark.promise("S3.16")
@pytest.mark.parametrize("code", ["order.placed", "order.paid"])
def test_a_confirmation_of_an_order_with_an_invoice_holds_the_customers_link(shop, document, code):
    order = Order.objects.get(pk=document.order_id)
    context = full_context(shop, order.facts(), "pl")
    made = render_all(defaults.load(code, "pl").parts, context)
    assert f'href="{document.link}"' in made.html and document.link in made.text


@pytest.mark.promise("S3.16")
@pytest.mark.django_db(transaction=True)
def test_the_link_in_the_mail_that_arrives_opens_the_invoice(shop, client):
    TemplateAssignment.objects.create(shop=shop, message_type="order.paid", is_on=True)
    with smtp.sink() as server:
        account = factories.make_account(shop, port=server.port)
        order = factories.place_order(shop)
        factories.make_document(order)
        order.mark_paid()
        for _mail in ("placed", "paid"):
            Session(account, "tests:1", threading.Event()).run()
        [paid] = [each for each in map(words, server.store.received) if "/d/" in each]
    [link] = re.findall(r"http://localhost:8000(/d/\S+/)", paid)
    page = client.get(link)
    assert page.status_code == 200 and "Invoice FV/12/2026" in page.text
    assert client.get(f"{link}file").content == factories.PDF
