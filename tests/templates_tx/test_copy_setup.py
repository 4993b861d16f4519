from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mailaccounts.models import SenderAccount
from shops.models import AuditEntry, Membership, Role, Shop
from templates_tx.copying import Take, take_over
from templates_tx.copying import preview as compared
from templates_tx.dry_run import sources_of
from templates_tx.models import (
    MessageTemplate,
    OwnMessageType,
    TemplateAssignment,
    TemplateVersion,
)
from templates_tx.own_types import find
from templates_tx.saving import own_template, save_version
from tests import factories
from tests.templates_tx.test_views import stored

PAID = [{"then": "send", "field": "payment_state", "before": "", "after": "paid"}]


@pytest.fixture
def source(owner: User) -> Shop:
    """The other shop of the same people."""
    made = factories.make_shop(name="Rowerownia Outlet", domain="outlet.example")
    Membership.objects.create(user=owner, shop=made, role=Role.EDITOR)
    return made


def address(shop: Shop) -> str:
    return reverse("templates_tx:copy_setup", args=[shop.slug])


def preview(client: Client, shop: Shop, source: Shop) -> Any:
    answer = client.get(address(shop), {"from": source.slug})
    assert answer.status_code == 200
    return answer


def take(client: Client, shop: Shop, source: Shop, *takes: str) -> Any:
    return client.post(address(shop), {"from": source.slug, "take": takes})


def counts(answer: Any) -> dict[str, int]:
    return {part["code"]: part["count"] for part in answer.context["parts"]}


def decide(shop: Shop, code: str = "note", **values: Any) -> TemplateAssignment:
    return TemplateAssignment.objects.create(shop=shop, message_type=code, **values)


def words(shop: Shop, user: User, subject: str, code: str = "note") -> TemplateVersion:
    template = own_template(shop, find(code, shop), "pl", user)
    assert template.current is not None
    begun = sources_of(template.current)
    begun = type(begun)(subject, begun.html_source, begun.text, begun.preheader, begun.sms)
    return save_version(template, begun, user, even_if_orders_fail=True)


def own_type(shop: Shop, code: str = "own.service", **values: Any) -> OwnMessageType:
    given = {"name": "Service is due", "section": "delivery", "to": "buyer", **values}
    return OwnMessageType.objects.create(shop=shop, code=code, **given)


def test_the_preview_shows_row_by_row_what_would_change_and_changes_nothing(
    owner_client: Client, owner: User, shop: Shop, source: Shop
) -> None:
    decide(source, is_on=False, delay_minutes=120, conditions=PAID, notes={"pl": "Zapraszamy!"})
    words(source, owner, "Notatka do zamówienia {{ order.number }}")
    own_type(source)
    answer = preview(owner_client, shop, source)
    assert counts(answer) == {"options": 1, "templates": 1, "notes": 1, "own_types": 1}
    text = answer.content.decode()
    for said in ("after 2 hours", "Sent only when the payment is", "Zapraszamy!", "Service is due"):
        assert said in text
    assert not TemplateAssignment.objects.filter(shop=shop).exists()
    assert not MessageTemplate.objects.filter(shop=shop).exists()
    assert not OwnMessageType.objects.filter(shop=shop).exists()


def test_options_are_taken_over_and_can_be_undone(
    owner_client: Client, shop: Shop, source: Shop
) -> None:
    decide(
        source,
        is_on=False,
        copy_to_owner=True,
        delay_minutes=120,
        conditions=PAID,
        reply_to="outlet@outlet.example",
        notes={"pl": "theirs"},
    )
    decide(shop, is_on=True, notes={"pl": "ours"}, delay_minutes=5)
    answer = take(owner_client, shop, source, "options")
    row = stored(shop, "note")
    assert (row.is_on, row.copy_to_owner, row.delay_minutes) == (False, True, 120)
    assert (row.conditions, row.reply_to) == (PAID, "outlet@outlet.example")
    assert row.notes == {"pl": "ours"}  # they were not ticked
    owner_client.post(answer.context["undo_url"])
    row = stored(shop, "note")
    assert (row.is_on, row.copy_to_owner, row.delay_minutes) == (True, False, 5)
    assert (row.conditions, row.reply_to) == ([], "")


def test_an_account_is_the_one_with_the_same_address_or_the_main_one_and_that_is_said(
    owner_client: Client, shop: Shop, source: Shop
) -> None:
    factories.make_account(shop, from_address="glowne@rowerownia.example")
    twin = factories.make_account(shop, from_address="Serwis@rowerownia.example")
    factories.make_account(source, from_address="outlet@outlet.example")
    same = factories.make_account(source, from_address="serwis@rowerownia.example")
    lone = factories.make_account(source, from_address="tylko@outlet.example")
    decide(source, "note", account=same)
    decide(source, "order.shipped", account=lone, delay_minutes=5)
    decide(shop, "order.shipped", account=twin)
    text = preview(owner_client, shop, source).content.decode()
    assert "No account here has the address tylko@outlet.example" in text
    take(owner_client, shop, source, "options")
    assert stored(shop, "note").account == twin
    assert stored(shop, "order.shipped").account is None
    theirs = SenderAccount.objects.filter(shop=source)
    assert not TemplateAssignment.objects.filter(shop=shop, account__in=theirs).exists()


def test_own_words_become_a_new_version_and_the_old_one_stays(
    owner_client: Client, owner: User, shop: Shop, source: Shop
) -> None:
    words(source, owner, "Od outletu {{ order.number }}")
    ours = words(shop, owner, "Nasze {{ order.number }}")
    answer = take(owner_client, shop, source, "templates")
    template = MessageTemplate.objects.get(shop=shop, message_type="note", language="pl")
    assert template.in_use and template.current is not None
    assert template.current.subject == "Od outletu {{ order.number }}"
    assert template.current.number == ours.number + 1
    assert template.versions.filter(pk=ours.pk, subject="Nasze {{ order.number }}").exists()
    assert f"became version {ours.number + 1}" in answer.content.decode()
    assert preview(owner_client, shop, source).context["set_up"].is_empty


def test_words_that_this_shop_refuses_are_left_out_and_the_rest_is_taken(
    owner_client: Client, owner: User, shop: Shop, source: Shop
) -> None:
    version = words(source, owner, "Notatka {{ order.number }}", "note")
    words(source, owner, "Wysłane {{ order.number }}", "order.shipped")
    TemplateVersion.objects.filter(pk=version.pk).update(subject="{{ nonsense }}")
    answer = take(owner_client, shop, source, "templates")
    assert "left out" in answer.content.decode()
    taken = MessageTemplate.objects.filter(shop=shop).values_list("message_type", flat=True)
    assert list(taken) == ["order.shipped"]


def test_notes_are_added_and_ours_in_other_languages_stay(
    owner_client: Client, shop: Shop, source: Shop
) -> None:
    decide(source, notes={"pl": "theirs", "de": ""}, is_on=False)
    decide(shop, notes={"pl": "ours", "de": "unser", "en": "ours"})
    answer = take(owner_client, shop, source, "notes")
    row = stored(shop, "note")
    assert row.notes == {"pl": "theirs", "de": "unser", "en": "ours"}
    assert row.is_on
    owner_client.post(answer.context["undo_url"])
    assert stored(shop, "note").notes["pl"] == "ours"


def test_own_types_are_made_with_what_belongs_to_them(
    owner_client: Client, owner: User, shop: Shop, source: Shop
) -> None:
    fields = [{"name": "bike", "label": "Bike", "kind": "text", "sample": "Gravel"}]
    own_type(source, fields=fields)
    decide(source, "own.service", is_on=False)
    words(source, owner, "Serwis {{ order.number }} {{ bike }}", "own.service")
    take(owner_client, shop, source, "options", "templates")
    assert not OwnMessageType.objects.filter(shop=shop).exists()
    assert not TemplateAssignment.objects.filter(shop=shop).exists()
    take(owner_client, shop, source, "options", "templates", "own_types")
    made = OwnMessageType.objects.get(shop=shop)
    assert (made.code, made.fields, made.created_by) == ("own.service", fields, owner)
    assert not stored(shop, "own.service").is_on
    assert MessageTemplate.objects.filter(shop=shop, message_type="own.service", in_use=True)


def test_own_types_that_somebody_else_takes_over_at_the_same_time_are_made_once(
    owner: User, shop: Shop, source: Shop
) -> None:
    own_type(source)
    words(source, owner, "Serwis {{ order.number }}", "own.service")
    decide(source, "own.service", is_on=False)
    takes = {each.value for each in Take}
    first, second = (compared(source, shop) for _each in range(2))
    assert take_over(first, takes, owner).own_types == ["Service is due"]
    assert take_over(second, takes, owner).own_types == []
    assert OwnMessageType.objects.filter(shop=shop).count() == 1
    assert AuditEntry.objects.filter(shop=shop, action="own_type.added").count() == 1
    assert not stored(shop, "own.service").is_on


def test_only_an_admin_takes_message_types_over(shop: Shop, source: Shop) -> None:
    editor = factories.make_user(shop, Role.EDITOR)
    Membership.objects.create(user=editor, shop=source, role=Role.EDITOR)
    client = Client()
    client.force_login(editor)
    own_type(source)
    decide(source, is_on=False)
    assert "Only an admin of this shop" in preview(client, shop, source).content.decode()
    take(client, shop, source, "options", "own_types")
    assert not OwnMessageType.objects.filter(shop=shop).exists()
    assert not stored(shop, "note").is_on


def test_an_own_type_that_differs_here_stays_as_it_is(
    owner_client: Client, shop: Shop, source: Shop
) -> None:
    own_type(source, name="Theirs")
    ours = own_type(shop, name="Ours")
    decide(source, is_on=False)
    assert "kept as they are" in preview(owner_client, shop, source).content.decode()
    take(owner_client, shop, source, "own_types")
    ours.refresh_from_db()
    assert ours.name == "Ours"


def test_shops_that_are_set_up_alike_have_nothing_to_take_over(
    owner_client: Client, shop: Shop, source: Shop
) -> None:
    text = preview(owner_client, shop, source).content.decode()
    assert "there is nothing to take over" in text


def test_nothing_ticked_and_no_shop_are_said_in_a_sentence(
    owner_client: Client, shop: Shop, source: Shop
) -> None:
    decide(source, is_on=False)
    answer = take(owner_client, shop, source)
    assert answer.status_code == 422
    assert "Tick what is to be taken over." in answer.content.decode()
    answer = owner_client.post(address(shop), {"take": "options"})
    assert (answer.status_code, "Choose a shop." in answer.content.decode()) == (422, True)


@pytest.mark.promise("S0.1")
@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.SENDER])
def test_a_shop_that_one_may_not_set_up_does_not_exist(
    owner_client: Client, owner: User, shop: Shop, other_shop: Shop, role: str | None
) -> None:
    if role:
        Membership.objects.create(user=owner, shop=other_shop, role=role)
    decide(other_shop, is_on=False, notes={"pl": "secret"})
    assert owner_client.get(address(shop), {"from": other_shop.slug}).status_code == 404
    assert take(owner_client, shop, other_shop, "options", "notes").status_code == 404
    assert owner_client.get(address(shop), {"from": shop.slug}).status_code == 404
    assert "Ullhuset ·" not in owner_client.get(address(shop)).content.decode()
    assert not TemplateAssignment.objects.filter(shop=shop).exists()


def test_an_operator_may_copy_from_any_shop(shop: Shop, other_shop: Shop, operator: User) -> None:
    client = Client()
    client.force_login(operator)
    decide(other_shop, is_on=False)
    assert take(client, shop, other_shop, "options").status_code == 200
    assert not stored(shop, "note").is_on


def test_the_audit_says_from_where(owner_client: Client, shop: Shop, source: Shop) -> None:
    decide(source, is_on=False)
    take(owner_client, shop, source, "options")
    entry = AuditEntry.objects.get(shop=shop, action="assignment.copied")
    assert (entry.target, entry.details["options"]) == ("Rowerownia Outlet", 1)
    assert not AuditEntry.objects.filter(shop=source, action__startswith="assignment").exists()


def test_what_another_shop_wrote_is_shown_as_text(
    owner_client: Client, shop: Shop, source: Shop
) -> None:
    decide(source, notes={"pl": "<script>alert(1)</script>"})
    text = preview(owner_client, shop, source).content.decode()
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text
