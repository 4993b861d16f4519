"""The audit in words: on its page, and beside the form of an account."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from shops import audit
from shops.models import AuditEntry, Role, Shop
from tests import factories

pytestmark = pytest.mark.django_db


def page(client: Client, shop: Shop, **query: Any) -> str:
    answer = client.get(reverse("shops:audit", args=[shop.slug]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(html: str) -> list[str]:
    body = re.search(r"<tbody>(.*?)</tbody>", html, re.S)
    found = re.findall(r"<tr>(.*?)</tr>", body[1], re.S) if body else []
    return [unescape(" ".join(re.sub(r"<[^>]+>", " ", each).split())) for each in found]


def note(shop: Shop | None, user: User | None, action: str = "account.changed", **details: Any):
    return AuditEntry.note(action, shop=shop, user=user, target="Sklep <s@x.example>", **details)


def test_it_says_in_words_who_changed_what(shop, owner_client):
    marta = factories.make_user(shop, first_name="Marta", last_name="Wilk")
    note(shop, marta, fields=["host", "password"])
    [row] = rows(page(owner_client, shop))
    assert "Marta Wilk Account changed Sklep <s@x.example> Server, Password" in row


def test_what_a_field_was_and_is_now_is_told(shop, owner_client):
    AuditEntry.note(
        "member.role", shop=shop, user=None, target="ola", before="viewer", after="admin"
    )
    AuditEntry.note(
        "assignment.changed", shop=shop, user=None, target="order.paid", is_on=[False, True]
    )
    newest, before = rows(page(owner_client, shop))
    assert "Postroom itself Message changed order.paid" in newest and "no → yes" in newest
    assert "Role changed ola viewer → admin" in before


def test_an_account_that_was_chosen_is_called_by_its_name(shop, owner_client):
    account = factories.make_account(shop, label="Faktury")
    AuditEntry.note(
        "assignment.changed", shop=shop, user=None, target="x", account=[None, account.pk]
    )
    AuditEntry.note("assignment.changed", shop=shop, user=None, target="x", account=[0, 10**9])
    gone, chosen = rows(page(owner_client, shop))
    assert "– → Faktury <sklep@rowerownia.example>" in chosen
    assert "#0 → #1000000000" in gone


def test_a_deed_without_words_of_its_own_is_shown_all_the_same(shop, owner_client):
    note(shop, None, "parcel_box.emptied_out", weight=7)
    [row] = rows(page(owner_client, shop))
    assert "Parcel box: emptied out" in row and "Weight: 7" in row


def test_what_people_typed_is_text(shop, owner_client):
    AuditEntry.note("x.y", shop=shop, user=None, target="<script>1</script>", note="<b>2</b>")
    answer = owner_client.get(reverse("shops:audit", args=[shop.slug])).content.decode()
    assert "<script>1" not in answer and "<b>2" not in answer


def test_somebody_who_has_left_is_named_as_they_were(shop, owner_client):
    gone = factories.make_user(shop)
    note(shop, gone)
    name = gone.username
    gone.delete()
    assert name in rows(page(owner_client, shop))[0]


def test_it_is_filtered_by_person_topic_and_words(shop, owner, owner_client):
    other = factories.make_user(shop)
    note(shop, owner)
    note(shop, other, "member.invited")
    AuditEntry.note("account.added", shop=shop, user=other, target="Faktury <f@x.example>")
    assert len(rows(page(owner_client, shop))) == 3
    assert len(rows(page(owner_client, shop, person=other.username))) == 2
    assert len(rows(page(owner_client, shop, topic="account"))) == 2
    assert len(rows(page(owner_client, shop, q="FAKTURY f@x"))) == 1
    assert len(rows(page(owner_client, shop, topic="account", person=other.username))) == 1
    empty = page(owner_client, shop, q="nobody", topic="member")
    assert "No entry matches: People, “nobody”." in empty


def test_each_page_goes_on_where_the_one_before_ended(shop, owner_client, monkeypatch):
    monkeypatch.setattr(audit, "PAGE", 4)
    for number in range(10):
        AuditEntry.note("x.y", shop=shop, user=None, target=f"n{number}")
    seen, html = [], page(owner_client, shop)
    for _ in range(3):
        seen += re.findall(r"\bn\d\b", " ".join(rows(html)))
        if older := re.search(r'href="\?before=(\d+)"', html):
            html = page(owner_client, shop, before=older[1])
    assert older is None
    assert seen == [f"n{number}" for number in reversed(range(10))]
    newer = re.search(r'href="\?after=(\d+)"', html)
    assert newer is not None
    assert len(rows(page(owner_client, shop, after=newer[1]))) == 4


@pytest.mark.parametrize(
    "query",
    [
        {"before": "x"},
        {"before": "9" * 40},
        {"after": "-1"},
        {"before": "٣"},
        {"q": "a\0b", "person": "\0", "topic": "x' OR 1"},
        {"own": "1"},
    ],
)
def test_nonsense_in_the_address_is_not_asked(shop, owner_client, query):
    note(shop, None)
    assert len(rows(page(owner_client, shop, **query))) in (0, 1)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.ACCOUNTS])
def test_only_admins_read_it(shop, role):
    client = Client()
    client.force_login(factories.make_user(shop, role))
    assert client.get(reverse("shops:audit", args=[shop.slug])).status_code == 403


def test_of_other_shops_and_of_the_installation_staff_see_nothing(
    shop, other_shop, owner_client, operator
):
    note(other_shop, None)
    note(None, None, "keys.rotated")
    assert rows(page(owner_client, shop)) == rows(page(owner_client, shop, own=1)) == []
    client = Client()
    client.force_login(operator)
    [row] = rows(page(client, shop, own=1))
    assert "Stored secrets encrypted" in row


def test_an_account_is_found_however_it_is_called_later(shop, owner):
    account, another = factories.make_account(shop), factories.make_account(shop, label="Faktury")
    for target in (account, another, account):
        AuditEntry.note(
            "account.changed", shop=shop, user=owner, target=target, fields=["username"]
        )
    account.label = "Orders"
    account.save()
    told = audit.entries_for(account)
    assert [each.what for each in told] == ["Account changed"] * 2
    assert told[0].url == reverse("mailaccounts:account_edit", args=[shop.slug, account.pk])
    for _ in range(7):
        AuditEntry.note("account.changed", shop=shop, user=owner, target=account)
    assert len(audit.entries_for(account)) == 5


def test_the_part_beside_a_form_names_person_deed_and_fields(shop):
    marta = factories.make_user(shop, first_name="Marta")
    account = factories.make_account(shop)
    AuditEntry.note(
        "account.changed", shop=shop, user=marta, target=account, fields=["host", "password"]
    )
    html = render_to_string(
        "shops/parts/audit_of.html", {"entries": audit.entries_for(account), "shop": shop}
    )
    text = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    assert "Marta · Account changed : Server, Password" in text


def test_the_page_costs_the_same_however_much_there_is(
    shop, owner_client, django_assert_num_queries
):
    for number in range(60):
        note(shop, factories.make_user(username=f"u{number}"))
    page(owner_client, shop)
    with django_assert_num_queries(8):
        page(owner_client, shop)
