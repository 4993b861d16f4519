"""In a real browser: from "Check now" to the copied record, and making a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django_q.models import OrmQ
from playwright.sync_api import expect, sync_playwright

from mailaccounts import domain_work
from mailaccounts.dkim import record_text
from mailaccounts.models import DkimKey
from shops.models import Role, Shop
from tests import factories
from tests.mailaccounts.domain_pages import DOMAIN, INCLUDE, PROPOSED, filled_server, make_domain
from tests.maillog.test_browser import CHROMIUM
from tests.name_server import NameServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, live_server: Any, shop: Shop) -> Iterator[Any]:
    """A page of somebody who may work on accounts, on a phone; errors of scripts fail the test."""
    client = Client()
    client.force_login(factories.make_user(shop, Role.ACCOUNTS))
    session = client.cookies["sessionid"].value
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 800})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    opened, errors = context.new_page(), []
    opened.on("console", lambda each: errors.append(each.text) if each.type == "error" else None)
    opened.on("pageerror", lambda each: errors.append(str(each)))
    yield opened
    context.close()
    # Chromium notes every refused form; a form with its errors is answered 422.
    assert [each for each in errors if "status of 422" not in each] == []


@pytest.fixture
def server(settings: Any) -> Iterator[NameServer]:
    with filled_server(settings) as running:
        yield running


def work() -> None:
    """Does what the page has asked for, as a worker would."""
    for each in OrmQ.objects.all():
        task = each.task
        assert task["func"] == "mailaccounts.domain_work.check"
        domain_work.check(*task["args"], **task["kwargs"])
        each.delete()


def clipboard(page: Any) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


@pytest.mark.promise("S5.2")
def test_from_check_now_to_the_copied_record(page: Any, shop: Shop, server: NameServer) -> None:
    domain = make_domain(shop)
    page.goto(f"/s/{shop.slug}/domains/{domain.pk}/")
    expect(page.get_by_text("Nobody has looked at this record yet.").first).to_be_visible()
    page.get_by_role("button", name="Check now").first.click()
    expect(page.get_by_role("status").first).to_contain_text(f"Asking the name servers of {DOMAIN}")
    work()
    expect(page.get_by_role("heading", name="it does not name our server")).to_be_visible()
    expect(page.get_by_text("Read from dns104.ovh.net")).to_be_visible()
    expect(page.locator(".diff mark").first).to_have_text(f"include:{INCLUDE}")
    copy = page.get_by_role("button", name="Copy new record").first
    copy.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied").first).to_be_visible()
    assert clipboard(page) == PROPOSED
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.promise("S5.3")
def test_making_a_key_and_copying_its_record(page: Any, shop: Shop, server: NameServer) -> None:
    domain = make_domain(shop)
    domain_work.check(domain.pk)
    page.goto(f"/s/{shop.slug}/domains/{domain.pk}/")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_text("Not in DNS yet")).to_be_visible()
    key = DkimKey.objects.get()
    page.get_by_role("button", name="Copy record").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert clipboard(page) == record_text(key)
    server.add(str(key), "TXT", record_text(key))
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("status").first).to_contain_text("Asking the name servers")
    work()
    expect(page.get_by_text("Every mail carries a seal that receivers can check.")).to_be_visible()


def test_a_technicians_link_is_made_in_the_dialog_and_opens_without_a_sign_in(
    page: Any, browser: Any, shop: Shop, server: NameServer, live_server: Any, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    domain = make_domain(shop)
    domain_work.check(domain.pk)
    page.goto(f"/s/{shop.slug}/domains/{domain.pk}/")
    page.get_by_role("link", name="Send this to my technician").click()
    page.get_by_role("button", name="Make a link to copy").click()
    url = page.locator("#technician-url")
    expect(url).to_have_text(re.compile(r"/technician/[\w-]{27,}/$"))
    page.get_by_role("dialog").get_by_role("button", name="Copy", exact=True).click()
    assert clipboard(page) == url.inner_text()
    stranger = browser.new_context().new_page()
    stranger.goto(url.inner_text())
    expect(stranger.get_by_role("heading", name=f"DNS records for {DOMAIN}")).to_be_visible()
    expect(stranger.get_by_text(PROPOSED)).to_be_visible()
    stranger.get_by_role("button", name="Copy").first.click()
    stranger.context.close()


def test_an_address_with_a_slip_is_pointed_out_in_the_dialog(
    page: Any, shop: Shop, server: NameServer, mailoutbox: list[Any]
) -> None:
    domain = make_domain(shop)
    domain_work.check(domain.pk)
    page.goto(f"/s/{shop.slug}/domains/{domain.pk}/")
    page.get_by_role("link", name="Send this to my technician").click()
    address = page.get_by_label("Technician’s e-mail address")
    address.fill("jan@technik")
    address.press("Enter")
    expect(page.locator(".err-x")).to_be_visible()
    address = page.get_by_label("Technician’s e-mail address")
    address.fill("jan@technik.example")
    address.press("Enter")
    expect(page.get_by_text("Sent to jan@technik.example.")).to_be_visible()
    assert [each.to for each in mailoutbox] == [["jan@technik.example"]]
