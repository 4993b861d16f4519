"""What the list of messages shows of each, and how it is narrowed down."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from maillog.models import AttachmentFile
from maillog.states import State
from shops.models import Shop
from templates_tx.models import (
    MessageTemplate,
    OwnMessageType,
    TemplateAssignment,
    TemplateVersion,
    TypeAttachment,
)
from tests import factories
from tests.templates_tx.test_views import log_one, page_of, row_of, save

QUERIES = 14
"""Session, user, shop, role; accounts, types, decisions, languages, templates, last sent, failed,
files; what the panel's frame asks."""


def own_type(shop: Shop, code: str, **values: Any) -> OwnMessageType:
    given = {"name": code.title(), "section": "payments", "to": "buyer", **values}
    return OwnMessageType.objects.create(shop=shop, code=code, **given)


def words(shop: Shop, code: str, language: str, number: int = 1) -> None:
    template = MessageTemplate.objects.create(shop=shop, message_type=code, language=language)
    template.current = TemplateVersion.objects.create(
        template=template, number=number, subject="Temat", text="Treść", html="<p>Treść</p>"
    )
    template.save()


def row_text(client: Client, shop: Shop, code: str) -> str:
    """The row's HTML with its blanks as one."""
    text = client.get(page_of(shop)).content.decode()
    start = text.index(f'<tr id="row-{code.replace(".", "-")}"')
    return " ".join(text[start : text.index("</tr>", start)].split())


def found(client: Client, shop: Shop, **query: str) -> list[str]:
    sections = client.get(page_of(shop), query).context["sections"]
    return [row.type.code for section in sections for row in section.rows]


def test_a_row_says_whose_words_leave(owner_client: Client, shop: Shop) -> None:
    words(shop, "note", "pl", number=7)
    for language in ("pl", "en"):
        words(shop, "order.placed", language)
    own_type(shop, "own.fresh")
    assert "own, version 7" in row_text(owner_client, shop, "note")
    editor = reverse("templates_tx:template", args=[shop.slug, "note", "pl"])
    assert f'href="{editor}"' in row_text(owner_client, shop, "note")
    assert "own, in 2 languages" in row_text(owner_client, shop, "order.placed")
    assert "Default" in row_text(owner_client, shop, "order.shipped")
    assert "No words yet" in row_text(owner_client, shop, "own.fresh")
    assert "Handed in ready-made" in row_text(owner_client, shop, "newsletter")


def test_a_row_says_who_gets_the_message(owner_client: Client, shop: Shop) -> None:
    own_type(shop, "own.fresh")
    assert "Goes to the buyer of the order." in row_text(owner_client, shop, "own.fresh")
    staff = row_text(owner_client, shop, "staff.new_order")
    assert "Goes to the shop&#x27;s contact address." in staff


def test_what_is_set_for_a_message_is_marked(owner_client: Client, shop: Shop, owner: User) -> None:
    plain = row_text(owner_client, shop, "note")
    assert "set-m" not in plain
    TemplateAssignment.objects.create(
        shop=shop,
        message_type="note",
        copy_to_owner=True,
        delay_minutes=180,
        conditions=[{"then": "send", "field": "state", "before": "", "after": "new"}],
        notes={"pl": "Zapraszamy!"},
    )
    content = AttachmentFile.objects.create(sha256="0" * 64, content=b"x", size=1)
    TypeAttachment.objects.create(
        shop=shop, message_type="note", name="a.txt", content_type="text/plain", file=content
    )
    row = row_text(owner_client, shop, "note")
    assert row.count("set-m") == 5
    for said in ("Copy to the owner", "Sent only when the order is", "Leaves after 3 hours"):
        assert said in row
    assert "Files go along" in row and "With a note of the shop" in row


def test_what_is_being_withdrawn_cannot_be_switched_on(owner_client: Client, shop: Shop) -> None:
    own_type(shop, "own.old", is_withdrawn=True)
    row = row_text(owner_client, shop, "own.old")
    assert "being withdrawn" in row and "cannot be sent" in row
    assert 'name="is_on"' not in row and 'name="codes"' not in row and "disabled" in row
    assert "own.old" in found(owner_client, shop, show="off")
    posted = {"is_on": "on", "account": "", "reply_to": "", "copy_to_owner": "off"}
    answer = owner_client.post(row_of(shop, "own.old"), posted)
    assert answer.status_code == 422
    assert "it cannot be sent" in answer.content.decode()
    assert not TemplateAssignment.objects.exists()


@pytest.mark.promise("S0.37")
def test_what_was_not_sent_is_one_click_away_from_a_message_that_is_off(
    owner_client: Client, shop: Shop
) -> None:
    save(owner_client, shop, "order.placed", is_on="off")
    order = factories.place_order(shop)
    link = f"{reverse('maillog:log', args=[shop.slug])}?type=order.placed"
    row = row_text(owner_client, shop, "order.placed")
    assert f'href="{link}"' in row and f'href="{link}&amp;state=not_sent"' in row
    assert order.email in owner_client.get(f"{link}&state=not_sent").content.decode()
    assert order.email not in owner_client.get(link).content.decode()
    assert "state=not_sent" not in row_text(owner_client, shop, "note")


def test_tabs_and_the_search_box_work_together(owner_client: Client, shop: Shop) -> None:
    own_type(shop, "own.spring", name="Spring check")
    account = factories.make_account(shop)
    log_one(account, "order.paid", State.FAILED)
    assert found(owner_client, shop, show="own") == ["own.spring"]
    assert found(owner_client, shop, show="failures") == ["order.paid"]
    on, off = found(owner_client, shop, show="on"), found(owner_client, shop, show="off")
    assert "order.paid" in off and "order.placed" in on and not set(on) & set(off)
    assert sorted([*on, *off]) == sorted(found(owner_client, shop))
    assert found(owner_client, shop, q="platnosci", show="on") == ["payment.reminder", "own.spring"]
    assert found(owner_client, shop, q="spring") == ["own.spring"]
    assert found(owner_client, shop, show="nonsense") == found(owner_client, shop)


@pytest.mark.parametrize(
    ("show", "said"),
    [
        ("own", "The shop has no message types of its own yet."),
        ("failures", "Nothing has failed in the last 7 days."),
    ],
)
def test_an_empty_tab_says_so(owner_client: Client, shop: Shop, show: str, said: str) -> None:
    assert said in owner_client.get(page_of(shop), {"show": show}).content.decode()


def test_the_page_asks_the_same_few_times_however_many_rows_there_are(
    owner_client: Client, shop: Shop, django_assert_num_queries: Any
) -> None:
    owner_client.get(page_of(shop))
    with django_assert_num_queries(QUERIES):
        owner_client.get(page_of(shop))
    for number in range(12):
        code = f"own.n{number}"
        own_type(shop, code)
        words(shop, code, "pl")
        TemplateAssignment.objects.create(shop=shop, message_type=code, delay_minutes=5)
        log_one(factories.make_account(shop, label=code), code, State.FAILED)
    with django_assert_num_queries(QUERIES):
        owner_client.get(page_of(shop))
