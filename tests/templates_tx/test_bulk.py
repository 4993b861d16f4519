from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from mailaccounts.models import AccountState, SenderAccount
from shops.models import AuditEntry, Role, Shop
from templates_tx.assignments import decision_of, rows_of
from templates_tx.models import OwnMessageType, TemplateAssignment
from templates_tx.own_types import types_of
from tests import factories
from tests.templates_tx.test_views import page_of, stored, undo_url

FROM_BAR = {"HX-Request": "true", "HX-Target": "bulk-say"}


def bulk(client: Client, shop: Shop, *codes: str, htmx: bool = True, **values: str) -> Any:
    address = reverse("templates_tx:bulk", args=[shop.slug])
    return client.post(address, {"codes": codes, **values}, headers=FROM_BAR if htmx else {})


def toast(answer: Any) -> str:
    return str(json.loads(answer["HX-Trigger"])["postroom:toast"]["text"])


def are_on(shop: Shop) -> set[str]:
    rows = rows_of(shop)
    return {each.code for each in types_of(shop) if decision_of(each, rows.get(each.code)).is_on}


@pytest.fixture
def service(shop: Shop) -> SenderAccount:
    """A second account; the shop's own first one is main."""
    factories.make_account(shop)
    return factories.make_account(shop, label="Serwis", from_address="serwis@rowerownia.example")


def test_many_are_switched_off_and_one_undo_brings_them_all_back(
    owner_client: Client, shop: Shop
) -> None:
    before = are_on(shop)
    answer = bulk(owner_client, shop, "note", "order.placed", "order.paid", do="off")
    assert toast(answer) == "Saved. 2 messages are off."
    assert before - are_on(shop) == {"note", "order.placed"}
    text = answer.content.decode()
    assert 'id="row-note"' in text and 'id="row-order-placed"' in text
    assert 'id="row-order-paid"' not in text  # it was off
    back = owner_client.post(undo_url(answer), headers=FROM_BAR)
    assert are_on(shop) == before
    assert toast(back) == "Undone." and 'id="row-note"' in back.content.decode()


def test_the_counts_of_tabs_and_sections_go_along(owner_client: Client, shop: Shop) -> None:
    on = len(are_on(shop))
    text = bulk(owner_client, shop, "order.placed", "order.changed", do="off").content.decode()
    assert f'id="count-on" hx-swap-oob="true">{on - 2}<' in text
    assert 'id="on-in-orders" hx-swap-oob="true">1 of 6 on<' in text


def test_many_leave_from_another_account_and_keep_what_else_was_decided(
    owner_client: Client, shop: Shop, service: SenderAccount
) -> None:
    TemplateAssignment.objects.create(
        shop=shop, message_type="note", copy_to_owner=True, reply_to="biuro@rowerownia.example"
    )
    answer = bulk(owner_client, shop, "note", "order.paid", do="from", account=str(service.pk))
    assert "2 messages leave from Serwis · serwis@rowerownia.example." in toast(answer)
    row = stored(shop, "note")
    assert (row.account, row.copy_to_owner, row.reply_to) == (
        service,
        True,
        "biuro@rowerownia.example",
    )
    assert not stored(shop, "order.paid").is_on


def test_what_carries_a_personal_link_is_left_out_of_copies_and_the_answer_says_so(
    owner_client: Client, shop: Shop
) -> None:
    codes = ("note", "customer.password_reset", "staff.new_order")
    told = toast(bulk(owner_client, shop, *codes, do="copy_on"))
    assert f"{shop.contact_email} gets a copy of 1 message." in told
    assert "Left out (with a link that only the customer may have): New password." in told
    assert "Left out (goes to the owner anyway): New order, for staff." in told
    assert stored(shop, "note").copy_to_owner
    assert not TemplateAssignment.objects.filter(message_type__in=codes[1:]).exists()
    bulk(owner_client, shop, "note", do="copy_off")
    assert not stored(shop, "note").copy_to_owner


def test_what_is_being_withdrawn_is_left_out(owner_client: Client, shop: Shop) -> None:
    OwnMessageType.objects.create(
        shop=shop,
        code="own.old",
        name="Instalments",
        section="payments",
        to="buyer",
        is_withdrawn=True,
    )
    told = toast(bulk(owner_client, shop, "own.old", do="on"))
    assert told == "Nothing was changed. Left out (being withdrawn): Instalments."
    assert not TemplateAssignment.objects.exists()


@pytest.mark.promise("S3.15")
@pytest.mark.parametrize(
    ("answer", "on"),
    [("instead", {"order.paid"}), ("besides", {"order.paid", "order.placed"})],
)
def test_payment_received_among_many_asks_instead_or_in_addition(
    owner_client: Client, shop: Shop, answer: str, on: set[str]
) -> None:
    codes = ("order.paid", "order.placed", "order.on_hold")
    asked = bulk(owner_client, shop, *codes, do="on")
    assert "Instead of “Order confirmation”, or in addition to it?" in asked.content.decode()
    assert "HX-Trigger" not in asked and not TemplateAssignment.objects.exists()
    bulk(owner_client, shop, *codes, do="on", answer=answer)
    assert are_on(shop) & set(codes) == on | {"order.on_hold"}


def test_it_asks_although_the_confirmation_was_not_ticked_and_not_where_it_is_off(
    owner_client: Client, shop: Shop
) -> None:
    asked = bulk(owner_client, shop, "order.paid", do="on")
    assert "or in addition to it?" in asked.content.decode()
    bulk(owner_client, shop, "order.placed", do="off")
    assert "leaves from now on" in toast(bulk(owner_client, shop, "order.paid", do="on"))


@pytest.mark.parametrize(
    ("codes", "values", "problem"),
    [
        ((), {"do": "on"}, "Choose at least one message."),
        (("note", "order.nonsense"), {"do": "off"}, "“order.nonsense” is no message"),
        (("note",), {}, "Say what is to become of them."),
        (("note",), {"do": "explode"}, "“explode” is nothing that can be done"),
        (("note",), {"do": "from", "account": "foreign"}, "This account is not one"),
        (("note",), {"do": "from", "account": "gone"}, "This account is not one"),
        (("note",), {"do": "from", "account": "x"}, "This account is not one"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence_and_changes_nothing(
    owner_client: Client, shop: Shop, other_shop: Shop, codes: Any, values: Any, problem: str
) -> None:
    known = {
        "foreign": factories.make_account(other_shop).pk,
        "gone": factories.make_account(shop, state=AccountState.DELETED).pk,
    }
    if "account" in values:
        values = values | {"account": str(known.get(values["account"], values["account"]))}
    answer = bulk(owner_client, shop, *codes, **values)
    assert answer.status_code == 422
    assert problem in answer.content.decode()
    assert not TemplateAssignment.objects.exists()


def test_without_script_it_is_a_plain_form(owner_client: Client, shop: Shop) -> None:
    answer = bulk(owner_client, shop, "note", "order.placed", htmx=False, do="off")
    assert answer.status_code == 302
    page = owner_client.get(answer.url).content.decode()
    assert "Saved. 2 messages are off." in page
    assert f'action="{reverse("templates_tx:undo", args=[shop.slug, "x"])[:-2]}' in page
    bulk(owner_client, shop, "order.placed", htmx=False, do="on")
    asked = bulk(owner_client, shop, "order.paid", "note", htmx=False, do="on")
    assert "or in addition to it?" in asked.content.decode()
    picked = [row.type.code for row in asked.context["catalogue"].rows if row.is_picked]
    assert picked == ["order.paid", "note"]  # what was ticked is not lost


def test_each_message_is_in_the_audit_once(owner_client: Client, shop: Shop) -> None:
    bulk(owner_client, shop, "note", "order.placed", "order.paid", do="off")
    entries = AuditEntry.objects.filter(shop=shop, action="assignment.changed")
    assert {entry.target: entry.details for entry in entries} == {
        "note": {"is_on": [True, False]},
        "order.placed": {"is_on": [True, False]},
    }


def test_only_editors_change_many(shop: Shop) -> None:
    client = Client()
    client.force_login(factories.make_user(shop, Role.SENDER))
    assert bulk(client, shop, "note", do="off").status_code == 403
    assert client.get(page_of(shop)).status_code == 403
    assert not TemplateAssignment.objects.exists()
