"""In a real browser: hostile mail stays text, and nothing it names is fetched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from maillog.models import MailMessage
from maillog.registry import Body
from maillog.states import State
from shops.models import Role, Shop
from tests import factories
from tests.maillog.logged import end, logged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EVIL = "http://evil.example"  # stands for the address of a real server that listens
SCRIPT = "fetch('/?stolen='+document.cookie);alert(1)"
PAYLOADS = [
    f"<script>{SCRIPT}</script>",
    f'<img src=x onerror="{SCRIPT}">',
    f'<svg onload="{SCRIPT}"></svg>',
    f'<iframe src="javascript:{SCRIPT}"></iframe>',
    f'<iframe srcdoc="&lt;script&gt;{SCRIPT}&lt;/script&gt;"></iframe>',
    f'<body onload="{SCRIPT}">',
    f'<details open ontoggle="{SCRIPT}">x</details>',
    f'<img src="{EVIL}/pixel.png">',
    f'<link rel="stylesheet" href="{EVIL}/style.css">',
    f'<style>@import url("{EVIL}/import.css"); p {{ background: url("{EVIL}/bg.png") }}</style>',
    f'<video src="{EVIL}/v.mp4" autoplay></video><audio src="{EVIL}/a.mp3" autoplay></audio>',
    f'<object data="{EVIL}/o.swf"></object><embed src="{EVIL}/e.swf">',
    f'<meta http-equiv="refresh" content="0;url={EVIL}/refresh">',
    f'<base href="{EVIL}/"><img src="relative.png">',
    f'<form id="f" action="{EVIL}/form" method="post"><input name="p" autofocus></form>',
    f'<link rel="preload" as="image" href="{EVIL}/preload.png">',
    f'<link rel="prefetch" href="{EVIL}/prefetch">',
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield started
        started.close()


class EvilServer(ThreadingHTTPServer):
    """The server that hostile mail calls home to; it keeps every path it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), EvilHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class EvilHandler(BaseHTTPRequestHandler):
    server: EvilServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def evil() -> Iterator[EvilServer]:
    server = EvilServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Visit:
    """A signed-in reader's page, with everything that it should not have done."""

    def __init__(self, browser: Any, live_server: Any, shop: Shop, width: int = 1280) -> None:
        client = Client()
        client.force_login(factories.make_user(shop, Role.ADMIN))
        self.home = live_server.url
        self.dialogs: list[str] = []
        self.stolen: list[str] = []
        self.errors: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": 900})
        cookie = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": self.home}])
        self.page = context.new_page()
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._request)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        if "stolen" in request.url:
            self.stolen.append(request.url)

    def is_unharmed(self) -> None:
        assert (self.dialogs, self.stolen, self.errors) == ([], [], [])

    def see(self, path: str) -> None:
        self.page.goto(self.home + path)
        self.page.wait_for_timeout(600)


@pytest.fixture
def hostile(shop: Shop, evil: EvilServer) -> MailMessage:
    """Every payload in the HTML; the worst of them wherever a stranger's words are shown."""
    payloads = [payload.replace(EVIL, evil.url) for payload in PAYLOADS]
    words = "".join(payloads[:8])
    message = logged(shop, body=Body("<p>Hello</p>" + "".join(payloads), words))
    end(message, State.FAILED, "recipient", code=550, text=words, server=words[:250])
    MailMessage.objects.update(subject=words, to_text=words, from_name=words[:78])
    return message


@pytest.mark.parametrize("tab", ["timeline", "recipients", "headers", "files", "source"])
def test_hostile_mail_runs_nothing_and_fetches_nothing(
    browser, live_server, shop, hostile, evil, tab
) -> None:
    visit = Visit(browser, live_server, shop)
    visit.see(f"/s/{shop.slug}/log/{hostile.pk}/?tab={tab}")
    visit.is_unharmed()
    assert evil.asked == []
    if tab == "timeline":
        frame = visit.page.locator("iframe.mail-frame")
        assert frame.get_attribute("sandbox") == ""
        assert visit.page.frame_locator("iframe.mail-frame").locator("p").inner_text() == "Hello"


def test_the_frames_own_address_is_as_harmless(browser, live_server, shop, hostile, evil) -> None:
    visit = Visit(browser, live_server, shop)
    visit.see(f"/s/{shop.slug}/log/{hostile.pk}/mail/")
    visit.is_unharmed()
    assert evil.asked == []
    assert visit.page.evaluate("() => window.origin") == "null"


def test_pictures_are_fetched_only_when_asked_for(
    browser, live_server, shop, hostile, evil
) -> None:
    visit = Visit(browser, live_server, shop)
    visit.see(f"/s/{shop.slug}/log/{hostile.pk}/")
    assert evil.asked == []
    visit.page.get_by_text("Show pictures").click()
    visit.page.wait_for_timeout(800)
    assert "/pixel.png" in evil.asked
    # Once one kind of thing may be fetched, browsers let resource hints pass too (CSP 3).
    assert [path for path in evil.asked if not path.endswith((".png", "/prefetch"))] == []
    visit.is_unharmed()


def test_the_list_is_read_beside_the_mail_and_with_the_keyboard(
    browser, live_server, shop, hostile
) -> None:
    end(logged(shop, subject="Drugi list"), State.SENT, "sent")
    visit = Visit(browser, live_server, shop)
    visit.see(f"/s/{shop.slug}/log/")
    page = visit.page
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer h2")
    assert page.locator("#viewer h2").inner_text() == "Drugi list"
    assert "open=" in page.url
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer .note.bad")
    assert "Not delivered" in page.locator("#viewer .note").inner_text()
    visit.is_unharmed()


def test_typing_filters_the_list_and_the_address(browser, live_server, shop, hostile) -> None:
    end(logged(shop, subject="Drugi list"), State.SENT, "sent")
    visit = Visit(browser, live_server, shop)
    visit.see(f"/s/{shop.slug}/log/")
    visit.page.locator('[name="subject"]').fill("drugi")
    expect(visit.page.locator(".it")).to_have_count(1)
    assert "subject=drugi" in visit.page.url


def test_a_waiting_message_changes_without_a_reload(browser, live_server, shop) -> None:
    message = logged(shop)
    visit = Visit(browser, live_server, shop)
    visit.see(f"/s/{shop.slug}/log/?open={message.pk}")
    assert "Waiting" in visit.page.locator("#viewer").inner_text()
    end(message, State.SENT, "sent")
    expect(visit.page.locator("#viewer")).to_contain_text("Accepted by mx.wp.example")
    expect(visit.page.locator("#log-list")).to_contain_text("Accepted")


def test_on_a_phone_a_line_opens_a_page_of_its_own(browser, live_server, shop, hostile) -> None:
    visit = Visit(browser, live_server, shop, width=390)
    visit.see(f"/s/{shop.slug}/log/")
    assert not visit.page.locator("#viewer").is_visible()
    visit.page.locator(".it").first.click()
    visit.page.wait_for_selector(".log.open #viewer h1")
    wide = visit.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
