from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from maillog.models import MailMessage
from shops.models import Shop
from templates_tx.models import MessageTemplate, TemplateAssignment, TemplateVersion
from tests import factories

HTMX = {"HX-Request": "true"}


def address(shop: Shop) -> str:
    return reverse("templates_tx:try", args=[shop.slug])


def faulty(shop: Shop, html: str) -> None:
    template = MessageTemplate.objects.create(
        shop=shop, message_type="order.shipped", language="pl"
    )
    template.current = TemplateVersion.objects.create(
        template=template, number=1, subject="Temat", text="Treść", html_source=html, html=html
    )
    template.save()


@pytest.mark.promise("S5.5")
def test_messages_that_are_on_are_tried_on_real_orders_and_the_failing_ones_named(
    owner_client: Client, shop: Shop
) -> None:
    orders = [factories.place_order(shop) for _ in range(3)]
    faulty(shop, "<p>Dzień dobry</p>\n<p>{{ order.number | no_such_filter }}</p>")
    before = MailMessage.objects.count()
    answer = owner_client.get(address(shop), headers=HTMX)
    text = answer.content.decode()
    assert "1 message would fail" in text and "tried on the last 3 orders" in text
    assert "HTML, line 2" in text and "no_such_filter" in text
    for order in orders:
        link = reverse("shops:order", args=[shop.slug, order.pk])
        assert f'<a href="{link}">{order.number}</a>' in text
    fine = {each.row.type.code: (each.passed, each.tried) for each in answer.context["tried"].fine}
    assert fine["order.placed"] == (3, 3)
    assert "order.paid" not in fine  # it is off
    assert MailMessage.objects.count() == before
    assert "<html" not in text


def test_a_message_that_is_off_fails_nobody(owner_client: Client, shop: Shop) -> None:
    factories.place_order(shop)
    faulty(shop, "{{ order.number | no_such_filter }}")
    TemplateAssignment.objects.create(shop=shop, message_type="order.shipped", is_on=False)
    assert "Every message works" in owner_client.get(address(shop)).content.decode()


def test_without_orders_it_says_so(owner_client: Client, shop: Shop) -> None:
    text = owner_client.get(address(shop)).content.decode()
    assert "There are no orders yet to try messages on." in text
    assert "Transactional messages" in text  # without script it is the whole page
