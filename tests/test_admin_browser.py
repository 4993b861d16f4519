"""The Django admin in a real browser, under the panel's strict content security policy."""

from __future__ import annotations

import shutil

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import sync_playwright

from tests import factories

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_admin_works_without_one_complaint_of_the_browser(live_server):
    operator, shop = factories.make_operator(), factories.make_shop()
    account = factories.make_account(shop)
    client = Client()
    client.force_login(operator)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    complaints: list[str] = []
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        context = browser.new_context()
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        for name in ("shops_order_add", "shops_shop_add", "maillog_mailmessage_changelist"):
            page.goto(live_server.url + reverse(f"admin:{name}"))
        page.goto(live_server.url + reverse("admin:mailaccounts_senderaccount_changelist"))
        page.check(f'input[name="_selected_action"][value="{account.pk}"]')
        page.select_option('select[name="action"]', "try_again_now")
        page.click('button[name="index"]')
        page.wait_for_selector(".messagelist .success")
        browser.close()
    assert complaints == []
