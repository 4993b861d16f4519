"""Signing in at a provider in a real browser, under the panel's content security policy."""

from __future__ import annotations

import shutil
import threading

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.utils.module_loading import import_string
from django_q.models import OrmQ
from playwright.sync_api import sync_playwright

from mailaccounts.models import SenderAccount
from shops.models import Role
from tests import factories
from tests.mailaccounts.sign_ins import draft, url
from tests.oauth_provider import MAILBOX, oauth_provider, point_settings_at
from tests.test_admin_browser import CHROMIUM


def work(stop: threading.Event) -> None:
    """What ``qcluster`` does: take a task from the queue, run it."""
    try:
        while not stop.wait(0.05):
            for queued in OrmQ.objects.all():
                task = queued.task
                queued.delete()
                import_string(task["func"])(*task["args"])
    finally:
        connection.close()


@pytest.mark.browser
@pytest.mark.promise("S0.17")
@pytest.mark.django_db(transaction=True)
def test_one_click_leads_to_the_provider_and_back_to_a_signed_in_account(live_server, settings):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    shop, stop = factories.make_shop(), threading.Event()
    account, client = draft(shop), Client()
    client.force_login(factories.make_user(shop, Role.ACCOUNTS))
    session = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    complaints: list[str] = []
    worker = threading.Thread(target=work, args=(stop,))
    with oauth_provider() as provider, sync_playwright() as playwright:
        point_settings_at(provider, settings)
        settings.PUBLIC_URL = live_server.url
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        context = browser.new_context(viewport={"width": 390, "height": 844})
        context.add_cookies(
            [
                {
                    "name": django_settings.SESSION_COOKIE_NAME,
                    "value": session,
                    "url": live_server.url,
                    "sameSite": "Lax",
                }
            ]
        )
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(live_server.url + url("account_sign_in", account))
        page.get_by_role("button", name="Sign in at Google").press("Enter")
        page.wait_for_selector("text=Fetching the permission from Google")
        worker.start()
        page.wait_for_selector(f"text=Signed in as {MAILBOX}")
        address, wide = page.url, page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    stop.set()
    worker.join(5)
    assert "?" not in address and wide <= 390
    assert complaints == []
    account.refresh_from_db()
    assert (account.state, account.is_main) == ("active", True)
    assert SenderAccount.objects.get(pk=account.pk).oauth_access_token in provider.issued
