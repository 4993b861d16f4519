"""Whose words a message gets: the customer's language first, in it the shop's own before ours."""

from __future__ import annotations

import pytest
from django.db import connection

from maillog.models import MailMessage
from shops.models import Shop
from templates_tx import message_types, plans
from templates_tx.models import MessageTemplate, TemplateAssignment, TemplateVersion
from templates_tx.plans import plan_for
from tests import factories

pytestmark = pytest.mark.django_db
PLACED = message_types.get("order.placed")
PREPARING = message_types.get("order.preparing")


def own(shop: Shop, language: str, code: str = "order.placed", **values: object) -> MessageTemplate:
    template = MessageTemplate.objects.create(
        shop=shop, message_type=code, language=language, **values
    )
    template.current = TemplateVersion.objects.create(
        template=template, number=1, subject=f"own {language}", html="", text="x"
    )
    template.save()
    return template


def words(shop: Shop, language: str, code: str = "order.placed") -> tuple[str, bool]:
    found = plan_for(shop, message_types.get(code), language).words()
    return found.language, found.subject.startswith("own")


def test_the_shops_own_words_go_before_the_built_in_ones_of_their_language(shop: Shop) -> None:
    own(shop, "pl")
    assert words(shop, "pl") == ("pl", True)
    assert words(shop, "en") == ("en", False)


def test_a_built_in_text_in_the_customers_language_beats_an_own_one_in_another(shop: Shop) -> None:
    own(shop, "pl")
    own(shop, "en")
    assert words(shop, "nb") == ("nb", False)


def test_without_words_in_the_customers_language_the_shops_own_language_is_next(
    shop: Shop,
) -> None:
    assert words(shop, "nb", PREPARING.code) == ("pl", False)
    own(shop, "en", PREPARING.code)
    assert words(shop, "nb", PREPARING.code) == ("pl", False)
    own(shop, "pl", PREPARING.code)
    assert words(shop, "nb", PREPARING.code) == ("pl", True)


def test_a_template_that_is_not_in_use_and_another_shops_are_not_taken(
    shop: Shop, other_shop: Shop
) -> None:
    own(shop, "pl", in_use=False)
    own(other_shop, "pl")
    MessageTemplate.objects.create(shop=shop, message_type="order.placed", language="en")
    assert words(shop, "pl") == ("pl", False)
    assert words(shop, "en") == ("en", False)


def test_only_the_shops_own_switch_for_staff_makes_their_message_go_along(
    shop: Shop, other_shop: Shop
) -> None:
    TemplateAssignment.objects.create(shop=other_shop, message_type="staff.new_order")
    assert not plan_for(shop, PLACED, "pl", "staff.new_order").goes_along
    row = TemplateAssignment.objects.create(shop=shop, message_type="staff.new_order", is_on=False)
    assert not plan_for(shop, PLACED, "pl", "staff.new_order").goes_along
    TemplateAssignment.objects.filter(pk=row.pk).update(is_on=True)
    assert plan_for(shop, PLACED, "pl", "staff.new_order").goes_along
    assert not plan_for(shop, PLACED, "pl").goes_along


@pytest.mark.promise("S3.17")
def test_a_note_of_the_shop_is_added_in_its_language_only(shop: Shop) -> None:
    factories.make_account(shop)
    TemplateAssignment.objects.create(
        shop=shop, message_type="order.placed", notes={"pl": "Do zobaczenia w sobotę!"}
    )
    polish = factories.place_order(shop, factories.make_customer(shop, language="pl"))
    english = factories.place_order(shop, factories.make_customer(shop, language="en"))

    def note(number: str) -> str:
        context = MailMessage.objects.get(order_number=number, message_type="order.placed").context
        return str(context["shop"]["note"])

    assert note(polish.number) == "Do zobaczenia w sobotę!"
    assert note(english.number) == ""


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table whole")
def test_the_words_are_found_by_the_two_constraints_without_an_index_of_their_own(
    shop: Shop, other_shop: Shop
) -> None:
    for each in (shop, other_shop):
        for code in (type_.code for type_ in message_types.all_types()):
            own(each, "pl", code)
    values = [PLACED.code, "", PLACED.code, PLACED.code, *["pl"] * 4, shop.pk]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute(f"EXPLAIN QUERY PLAN {plans._PLAN}", values)
        plan = " ".join(row[-1] for row in cursor.fetchall())
    assert "template_one_built_in" in plan and "template_one_of_a_shop" in plan
    assert "SCAN templates_tx_messagetemplate" not in plan
