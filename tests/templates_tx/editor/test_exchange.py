"""A message's words as a file: out of one shop, into another, whole or not at all."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from shops.models import Role
from templates_tx.models import MessageTemplate, TemplateVersion
from templates_tx.problems import Sources
from templates_tx.saving import save_version, set_in_use
from tests import factories
from tests.templates_tx.editor.desks import CODE, check, own, url, words


def place(shop, name):
    return reverse(f"templates_tx:{name}", kwargs={"shop": shop.slug, "code": CODE})


def upload(client, shop, content, **more):
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    file = SimpleUploadedFile("words.json", content)
    return client.post(place(shop, "import"), {"file": file, **more}, follow=True)


@pytest.fixture
def exported(shop, owner, owner_client):
    """The file of a shop with words of its own in Polish and English."""
    for language in ("pl", "en"):
        template = own(shop, owner, language)
        given = words(template)
        typed = Sources(
            f"{language} {{{{ order.number }}}}", given["html"], given["text"], "First", "SMS"
        )
        save_version(template, typed, owner)
    answer = owner_client.get(place(shop, "export"))
    assert answer["Content-Disposition"] == f'attachment; filename="{shop.slug}-{CODE}.json"'
    return json.loads(answer.content)


def test_all_languages_are_exported_with_all_parts(exported):
    assert exported["postroom"] == 1
    assert exported["code"] == CODE
    assert exported["languages"].keys() == {"pl", "en"}
    polish = exported["languages"]["pl"]
    assert polish.keys() == {"subject", "preheader", "html", "text", "sms"}
    assert (polish["subject"], polish["preheader"]) == ("pl {{ order.number }}", "First")


def test_what_is_exported_can_be_imported_into_another_shop(exported, other_shop, stranger):
    client = Client()
    client.force_login(stranger)
    page = upload(client, other_shop, exported)
    assert "2 languages are taken over" in page.text
    rows = MessageTemplate.objects.for_shop(other_shop).select_related("current")
    assert {(row.language, row.current.subject, row.current.sms, row.in_use) for row in rows} == {
        (language, f"{language} {{{{ order.number }}}}", "SMS", True) for language in ("pl", "en")
    }
    again = client.get(place(other_shop, "export"))
    assert json.loads(again.content) == exported


@pytest.mark.parametrize("is_begun", [False, True])
def test_where_customers_get_built_in_words_there_is_nothing_to_export(
    shop, owner, owner_client, is_begun
):
    if is_begun:
        own(shop, owner)
    page = owner_client.get(place(shop, "export"), follow=True)
    assert "There is nothing to export: customers get built-in words." in page.text


def test_words_that_are_not_in_use_are_not_switched_on_by_an_import(shop, owner, owner_client):
    begun, used = own(shop, owner, "en"), own(shop, owner)
    set_in_use(used, True, owner)
    content = owner_client.get(place(shop, "export")).content
    assert json.loads(content)["languages"].keys() == {"pl"}
    upload(owner_client, shop, content)
    begun.refresh_from_db()
    assert not begun.in_use


def fine(**more):
    html = "{% for item in order.items %}<p>{{ item.name }}</p>{% endfor %}{{ order.number }}"
    return {"subject": "{{ order.number }}", "html": html, "text": html} | more


def file(languages, **more):
    return {"postroom": 1, "code": CODE, "languages": languages} | more


BAD = {
    "no JSON": (b"PK\x03\x04 zip", "This is no JSON file."),
    "not UTF-8": (b"\xff\xfe{}", "This is no JSON file."),
    "too deep": (b"[" * 100_000, "This is no JSON file."),
    "a list": ([1, 2], "This is no file with words of a message."),
    "something else": ({"name": "x"}, "This is no file with words of a message."),
    "newer": (file({"pl": fine()}, postroom=2), "newer format"),
    "other message": (
        file({"pl": fine()}, code="order.paid"),
        "The file is for “order.paid”, this message is “order.placed”.",
    ),
    "message in half a character": (
        file({"pl": fine()}, code="\ud800"),
        "The file is for “\ufffd”, this message is “order.placed”.",
    ),
    "language in half a character": (
        file({"\ud800": fine()}),
        "The language “\ufffd” is not known here.",
    ),
    "no languages": (file({}), "The file holds no words."),
    "languages as a list": (file(["pl"]), "The file holds no words."),
    "unknown language": (file({"xx": fine()}), "The language “xx” is not known here."),
    "words no object": (file({"pl": "hello"}), "Polish: Its words are no text, or too long."),
    "part no text": (file({"pl": fine(html=7)}), "Polish: Its words are no text, or too long."),
    "part too long": (file({"pl": fine(html="x" * 300_000)}), "Polish: Its words are no text"),
    "too big": (b" " * 1_000_001, "The file is larger than 1 MB."),
    "wrong value": (
        file({"pl": fine(), "en": fine(html=fine()["html"] + "\n{{ order.totl }}")}),
        "English, HTML, line 2: “order.totl” is not known here.",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_its_fault_and_nothing_is_stored(
    shop, owner_client, content, sentence
):
    versions = TemplateVersion.objects.count()
    page = upload(owner_client, shop, content)
    assert page.status_code == 422
    assert sentence in page.text
    assert "Nothing of the file was stored." in page.text
    assert TemplateVersion.objects.count() == versions
    assert not MessageTemplate.objects.for_shop(shop).exists()


def test_without_a_file_it_asks_for_one(shop, owner_client):
    page = owner_client.post(place(shop, "import"))
    assert page.status_code == 422
    assert "Choose a file." in page.text


def test_words_that_fail_for_real_orders_are_taken_only_when_told_so(shop, owner_client):
    bad = factories.place_order(shop, note="x" * 1200)
    grow = "{% assign t = order.note %}" + "{% assign t = t | append: t %}" * 12
    given = file({"pl": fine(text=fine()["text"] + grow)})
    page = upload(owner_client, shop, given)
    assert f"Polish: Fails for 1 of 1 order: {bad.number}." in page.text
    assert "Save it although it fails for these orders." in page.text
    assert "1 language is taken over" in upload(owner_client, shop, given, anyway="1").text


def test_an_import_leaves_what_a_colleague_is_writing(shop, owner, owner_client, exported):
    ola = Client()
    ola.force_login(factories.make_user(shop, Role.EDITOR, first_name="Ola", last_name="Nowak"))
    polish = MessageTemplate.objects.for_shop(shop).get(language="pl")
    check(ola, shop, words(polish, subject="Hers {{ order.number }}"))
    exported["languages"]["pl"]["subject"] = "Imported {{ order.number }}"
    assert "2 languages are taken over" in upload(owner_client, shop, exported).text
    assert polish.draft.subject == "Hers {{ order.number }}"
    assert f"{owner.get_username()} saved version 3" in ola.get(url(shop)).text


def test_exchange_is_for_editors(shop):
    client = Client()
    client.force_login(factories.make_user(shop, Role.SENDER))
    assert client.get(place(shop, "export")).status_code == 403
    assert client.get(place(shop, "import")).status_code == 403
