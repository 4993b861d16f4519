"""What holds for every message type alike, one by one."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.test import Client

from mailaccounts.models import SenderAccount
from maillog.models import MailMessage
from maillog.states import State
from shops.models import Shop
from templates_tx.composer import Cause, send_for_order
from templates_tx.message_types import SECTION_NAMES, all_types, get
from templates_tx.models import MessageTemplate, TemplateVersion
from templates_tx.notify import notify
from templates_tx.own_types import types_of
from templates_tx.plans import plan_for
from tests import factories
from tests.templates_tx.test_views import page_of, save

CODES = [each.code for each in all_types() if not each.is_withdrawn]


def words_for(shop: Shop, code: str) -> None:
    template, _made = MessageTemplate.objects.get_or_create(
        shop=shop, message_type=code, language="pl"
    )
    template.current = TemplateVersion.objects.create(
        template=template, number=1, subject="Temat", text="Treść", html="<p>Treść</p>"
    )
    template.save()


def say(shop: Shop, code: str) -> MailMessage | None:
    """One message of the type, as the shop's events or programs would have it sent."""
    contract = get(code).contract
    if any(entry.name == "order" for entry in contract.entries):
        order = factories.order_draft(shop)
        order.customer.save()
        order.save()
        return send_for_order(code, order, Cause(f"order:{order.number}/test"))
    return notify(code, shop=shop, to="anna@klient.example", context=contract.sample("pl"))


@pytest.mark.promise("S0.33")
@pytest.mark.parametrize("code", CODES)
def test_send_from_account_changes_the_sender_of_this_message_and_of_no_other(
    owner_client: Client, shop: Shop, code: str
) -> None:
    main = factories.make_account(shop, from_address="sklep@rowerownia.example")
    other = factories.make_account(shop, label="Inne", from_address="inne@rowerownia.example")
    words_for(shop, code)
    save(owner_client, shop, code, is_on="on", answer="besides", account=str(other.pk))
    message = say(shop, code)
    assert message is not None and message.state == State.QUEUED, message
    assert (message.message_type, message.from_address) == (code, other.from_address)
    leaves_from = {each.code: account_of(shop, each.code) for each in types_of(shop)}
    assert leaves_from == {**dict.fromkeys(leaves_from, main), code: other}


def account_of(shop: Shop, code: str) -> SenderAccount | None:
    return plan_for(shop, get(code), "pl").account


class Sections(HTMLParser):
    """Section → codes of its rows, as the page has them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if section := given.get("data-section"):
            self.found[section] = []
        if given.get("name") == "codes":
            list(self.found.values())[-1].append(given.get("value") or "")


@pytest.mark.promise("S0.34")
def test_one_page_has_all_messages_in_their_sections(owner_client: Client, shop: Shop) -> None:
    text = owner_client.get(page_of(shop)).content.decode()
    page = Sections()
    page.feed(text)
    expected: dict[str, list[str]] = {}
    for each in all_types():
        expected.setdefault(each.section, []).append(each.code)
    assert page.found == expected
    assert len(CODES) >= 37
    for section in expected:
        _name, polish = SECTION_NAMES[section]
        assert polish in text


@pytest.mark.promise("S0.36", "S0.37")
@pytest.mark.parametrize("code", CODES)
def test_one_switch_decides_whether_a_message_leaves_and_the_log_says_why_not(
    owner_client: Client, shop: Shop, code: str
) -> None:
    words_for(shop, code)
    save(owner_client, shop, code, is_on="off")
    message = say(shop, code)
    assert message is not None
    assert (message.state, message.reason) == (State.NOT_SENT, "off")
    save(owner_client, shop, code, is_on="on", answer="besides")
    again = say(shop, code)
    assert again is not None and again.state == State.QUEUED
