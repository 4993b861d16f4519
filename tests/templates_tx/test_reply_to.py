"""Where answers to a message go: as decided for its type, else as the account says."""

from __future__ import annotations

from typing import Any

import pytest

from mailaccounts.models import SenderAccount
from maillog.loading import render_missing
from maillog.models import MailMessage
from shops.models import Shop
from templates_tx.models import TemplateAssignment
from templates_tx.notify import notify
from templates_tx.samples import sample_of
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("of_type", "expected"), [("zwroty@sklep.example", "zwroty@sklep.example"), ("", "account")]
)
def test_answers_to_an_orders_message_go_where_its_type_says(
    shop: Shop, of_type: str, expected: str
) -> None:
    SenderAccount.objects.filter(shop=shop).update(reply_to="account@sklep.example")
    TemplateAssignment.objects.create(shop=shop, message_type="order.placed", reply_to=of_type)
    order = factories.place_order(shop)
    message = MailMessage.objects.get(order_number=order.number, message_type="order.placed")
    assert message.reply_to.startswith(expected)


def test_answers_to_what_is_no_order_too(shop: Shop) -> None:
    TemplateAssignment.objects.create(
        shop=shop, message_type="customer.password_reset", reply_to="pomoc@sklep.example"
    )
    message = notify(
        "customer.password_reset",
        shop=shop,
        to="anna@klient.example",
        context={"link": "https://sklep.example/r", "valid_minutes": 60},
    )
    assert message is not None and message.reply_to == "pomoc@sklep.example"


def test_where_a_type_has_decided_nothing_the_account_decides(shop: Shop) -> None:
    SenderAccount.objects.filter(shop=shop).update(reply_to="account@sklep.example")
    TemplateAssignment.objects.filter(shop=shop).delete()
    order = factories.place_order(shop)
    message = MailMessage.objects.get(order_number=order.number, message_type="order.placed")
    assert message.reply_to == "account@sklep.example"


@pytest.mark.promise("S2.3", "S2.5")
@pytest.mark.parametrize(
    ("code", "group"), [("contact.form", "sender"), ("business.requested", "company")]
)
def test_what_is_for_the_shop_is_answered_to_whoever_wrote(
    shop: Shop, code: str, group: str
) -> None:
    context: dict[str, Any] = sample_of(code, "pl")
    own = {key: context[key] for key in context if key not in ("shop", "locale")}
    own[group] = {**context[group], "email": "kto@pisze.example"}
    message = notify(code, shop=shop, to="ktos@inny.example", context=own)
    assert message is not None and message.reply_to == "kto@pisze.example"
    assert message.deliveries.get().address == shop.contact_email
    assert render_missing([message]) == {}
    assert "kto@pisze.example" in message.body.html and "kto@pisze.example" in message.body.text
    assert "Odpowiedz na tę wiadomość" not in message.body.html + message.body.text
