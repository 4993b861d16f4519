"""The help page: its questions, and the operator's contact."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from config.help import TOPICS
from shops.models import Role, Shop
from tests import factories

pytestmark = pytest.mark.django_db
QUESTIONS = [question for topic in TOPICS for question in topic.questions]


def help_page(client: Client, shop: Shop) -> str:
    answer = client.get(reverse("panel:help", args=[shop.slug]))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.promise("S0.39")
@pytest.mark.parametrize("address", ["https://help.example/?a=1&b=2", "mailto:help@shop.example"])
def test_the_operators_contact_is_a_link_on_the_help_page(shop, owner_client, settings, address):
    settings.SUPPORT_URL = address
    html = help_page(owner_client, shop)
    assert f'href="{address.replace("&", "&amp;")}"' in html
    assert html.count("data-question") == len(QUESTIONS) > 15


@pytest.mark.parametrize("address", ["javascript:alert(1)", "+48 601 334 218", "data:text/html,x"])
def test_what_is_no_address_is_shown_and_not_linked(shop, owner_client, settings, address):
    settings.SUPPORT_URL = address
    html = help_page(owner_client, shop)
    assert address in html and f'href="{address}' not in html


def test_without_a_contact_it_says_whom_to_ask(shop, owner_client):
    assert "Ask whoever runs this installation" in help_page(owner_client, shop)


@pytest.mark.promise("S0.4")
def test_it_says_that_mailboxes_are_kept_elsewhere(shop, owner_client):
    html = help_page(owner_client, shop)
    assert "keeps no mailboxes" in html and "The mailbox stays with your hoster" in html


@pytest.mark.promise("S3.11")
@pytest.mark.promise("S3.12")
def test_the_guide_to_gmail_and_the_end_at_microsoft_are_on_it(shop, owner_client):
    html = help_page(owner_client, shop)
    assert "App passwords" in html and "end of December 2026" in html


@pytest.mark.parametrize("role", list(Role))
def test_the_header_leads_every_member_there(shop, role):
    client = Client()
    client.force_login(factories.make_user(shop, role))
    html = help_page(client, shop)
    assert f'class="icon-b help" href="/s/{shop.slug}/help/"' in html


def test_each_question_can_be_linked_and_leads_to_its_screen(shop, owner_client):
    html = help_page(owner_client, shop)
    keys = [question.key for question in QUESTIONS] + [topic.key for topic in TOPICS]
    assert len(keys) == len(set(keys))
    for key in re.findall(r'href="#([a-z-]+)"', html):
        assert f'id="{key}"' in html, key
    assert f'href="/s/{shop.slug}/accounts/add/"' in html
