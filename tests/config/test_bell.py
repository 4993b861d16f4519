"""Open alarms in the panel: one above the content, all of them under the bell."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from maillog.models import WorkerBeat
from shops.alarms import clear_alarm, raise_alarm
from shops.models import Role, Shop
from tests import factories

pytestmark = pytest.mark.django_db
PAGES = ("panel:overview", "maillog:log", "shops:orders", "shops:settings", "panel:help")


def page(client: Client, shop: Shop, name: str = "shops:orders") -> str:
    answer = client.get(reverse(name, args=[shop.slug]))
    assert answer.status_code == 200
    return answer.content.decode()


def banners(html: str) -> list[str]:
    return re.findall(r'role="alert">.*?<div class="b[^"]*">(.*?)</div>', html, re.S)


def under_the_bell(html: str) -> list[str]:
    found = re.search(r'<ul class="al-l">(.*?)</ul>', html, re.S)
    return re.findall(r'<div class="b wrap">(.*?)</div>', found[1], re.S) if found else []


@pytest.fixture
def two_alarms(shop: Shop) -> None:
    now = timezone.now()
    WorkerBeat.objects.create(name="a:1", kind="deliver", started_at=now, beat_at=now)
    raise_alarm("domain.spf", shop=shop, target="domain:1", title="SPF is missing", urgent=False)
    raise_alarm("account.broken", shop=shop, title="Paused", text="535 <b>no</b>", path="/x/")


@pytest.mark.parametrize("name", PAGES)
def test_each_page_shows_one_alarm_above_its_content_and_all_under_the_bell(
    shop, owner_client, two_alarms, name
):
    html = page(owner_client, shop, name)
    assert banners(html) == ["Paused"]
    assert under_the_bell(html) == ["Paused", "SPF is missing"]
    assert 'aria-label="2 alarms"' in html
    assert "535 <b>no</b>" not in html and "535 &lt;b&gt;no" in html


def test_without_alarms_there_is_no_bell(shop, owner_client):
    raise_alarm("account.broken", shop=shop, title="Paused")
    assert 'class="pop right bell"' in page(owner_client, shop)
    clear_alarm("account.broken", shop=shop)
    html = page(owner_client, shop)
    assert 'class="pop right bell"' not in html and banners(html) == []


def test_what_is_not_urgent_waits_under_the_bell(shop, owner_client):
    raise_alarm("domain.spf", shop=shop, title="SPF is missing", urgent=False)
    html = page(owner_client, shop)
    assert banners(html) == [] and under_the_bell(html) == ["SPF is missing"]


def test_nobody_sees_another_shops_alarm_nor_staff_the_installations(
    shop, other_shop, owner_client, operator
):
    raise_alarm("account.broken", shop=other_shop, title="Theirs")
    raise_alarm("account.broken", shop=None, title="The system account is paused")
    html = page(owner_client, shop)
    assert "Theirs" not in html and "system account" not in html
    client = Client()
    client.force_login(operator)
    assert under_the_bell(page(client, shop)) == ["The system account is paused"]
    assert "the whole installation" in page(client, shop)


@pytest.mark.parametrize(("role", "may"), [(Role.EDITOR, False), (Role.ACCOUNTS, True)])
def test_only_who_may_mend_it_is_led_there(shop, role, may):
    client = Client()
    client.force_login(factories.make_user(shop, role))
    raise_alarm("account.broken", shop=shop, title="Paused", path="/s/a/accounts/7/")
    assert ('href="/s/a/accounts/7/"' in page(client, shop)) is may


def test_that_nothing_sends_is_worse_than_a_paused_account(shop, owner_client, two_alarms):
    WorkerBeat.objects.all().delete()
    html = page(owner_client, shop, "panel:overview")
    assert banners(html) == ["Nothing is sending: start the worker"]
    assert under_the_bell(html) == ["Paused", "SPF is missing"]
