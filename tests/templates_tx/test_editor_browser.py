"""The template editor in a real browser: from the built-in words to a version and a test mail."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Dialog, Page, expect, sync_playwright

from maillog.models import MailMessage
from shops.alarms import raise_alarm
from shops.models import Role, Shop
from templates_tx.built_in import sync
from templates_tx.models import MessageTemplate, TemplateDraft
from tests import factories
from tests.maillog.test_browser import CHROMIUM

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SOON = 10_000  # ms


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def built_in(db: None) -> None:
    """Another test's database may have been emptied since the migrations."""
    sync()


@pytest.fixture
def page(
    browser: Any, live_server: Any, shop: Shop, built_in: None, settings: Any
) -> Iterator[Page]:
    """A signed-in editor's page; whatever the browser complains of fails the test."""
    settings.PUBLIC_URL = live_server.url
    factories.make_account(shop)
    client = Client()
    user = factories.make_user(shop, Role.EDITOR, email="marta@rowerownia.example")
    client.force_login(user)
    session = client.cookies["sessionid"].value
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1280, "height": 1030}
    )
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    opened, errors = context.new_page(), []
    opened.on("console", lambda each: errors.append(each.text) if is_wrong(each) else None)
    opened.on("pageerror", lambda each: errors.append(str(each)))
    yield opened
    context.close()
    assert errors == []


def is_wrong(each: Any) -> bool:
    """An error; what the policy of the frame keeps from a mail is none."""
    kept_out = ("Loading the image ", "Blocked script execution")
    return each.type == "error" and not each.text.startswith(kept_out)


def address(shop: Shop, language: str = "pl") -> str:
    return f"/s/{shop.slug}/messages/order.placed/template/{language}/"


def begin(page: Page, shop: Shop) -> None:
    page.goto(address(shop))
    page.get_by_role("button", name="Edit a copy").click()
    page.locator(".te-pal").wait_for()


def swap(page: Page, old: str, new: str) -> None:
    """Writes ``new`` over ``old`` in the code, by the keys that a person would use."""
    script = """([old]) => {
        const code = document.getElementById("words-html").codeEditor;
        const text = document.getElementById("words-html").value;
        const before = text.slice(0, text.indexOf(old)).split("\\n");
        code.goTo(before.length, before.at(-1).length + 1);
    }"""
    page.evaluate(script, [old])
    for _ in old:
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.type(new)
    page.keyboard.press("Escape")


@pytest.mark.promise("S5.5", "S5.6", "S1.19", "S1.20")
def test_from_the_built_in_words_to_a_version_and_a_mail_to_myself(page: Page, shop: Shop) -> None:
    order = factories.place_order(shop, number="10482")
    begin(page, shop)
    assert MessageTemplate.objects.for_shop(shop).get().in_use is False

    swap(page, "order.total | money", "order.totl | money")
    bar = page.locator("#part-bar")
    expect(bar).to_contain_text("“order.totl” is not known here.", timeout=SOON)
    expect(bar).to_contain_text("Did you mean order.total?")
    expect(page.locator(".cm-line.code-line-error")).to_contain_text("order.totl")
    expect(page.locator("#part-envelope")).to_contain_text("before the error")
    expect(page.locator("#part-kept")).to_contain_text("Saved as draft")

    page.get_by_role("button", name="Use order.total").click()
    expect(bar).to_be_empty(timeout=SOON)
    expect(page.locator(".cm-line.code-line-error")).to_have_count(0)

    page.locator(".te-orders > summary").click()
    page.get_by_role("link", name="Order 10482").click()
    mail = page.frame_locator("#frame")
    expect(mail.locator("body")).to_contain_text("10482", timeout=SOON)
    expect(mail.locator("body")).to_contain_text("Razem")
    expect(page.locator("#part-envelope")).to_contain_text(order.email)

    page.get_by_text("Phone", exact=True).click()
    assert page.locator("#frame").bounding_box()["width"] == 390
    page.locator(".te-pick").get_by_text("Text", exact=True).click()
    expect(page.locator("#part-mail_text")).to_contain_text("Zamówienie: 10482")

    swap(page, "Dziękujemy za zamówienie", "Dzięki za zamówienie")
    expect(page.get_by_role("button", name="Save as version 2")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(page.locator(".toasts")).to_contain_text("Version 2 is saved", timeout=SOON)
    own = MessageTemplate.objects.for_shop(shop).get()
    assert own.in_use
    assert own.current is not None
    assert "<h1>Dzięki za zamówienie" in own.current.html_source

    page.get_by_role("button", name="Send me exactly this").click()
    expect(page.locator(".toasts")).to_contain_text("Sent to marta@rowerownia.example.")
    sent = MailMessage.objects.get(is_test=True)
    assert sent.subject == "Zamówienie 10482 przyjęte, dziękujemy"
    assert "Dzięki za zamówienie" in sent.body.html
    assert sent.deliveries.get().address == "marta@rowerownia.example"
    page.get_by_role("link", name="See it in the log").click()
    expect(page).to_have_url(f"{page.url.partition('/s/')[0]}/s/{shop.slug}/log/{sent.pk}/")


def test_a_variable_is_inserted_with_the_filter_that_fits(page: Page, shop: Shop) -> None:
    begin(page, shop)
    swap(page, "Dziękujemy za zamówienie", "X")
    page.locator("#find-variable").fill("placed")
    expect(page.locator("button.te-v:visible")).to_have_count(1)
    page.get_by_role("button", name="order.placed_at").click()
    source = page.locator("textarea#words-html").input_value()
    assert "<h1>X{{ order.placed_at | format_date }}</h1>" in source


def test_hostile_words_of_a_customer_do_nothing_in_the_preview(page: Page, shop: Shop) -> None:
    evil = "<script>top.document.title='taken'</script><img src=x onerror=\"top.name='taken'\">"
    factories.place_order(shop, number="666", note=evil, shipping_method=evil[:80])
    begin(page, shop)
    swap(page, "<h1>", evil + "<h1>{{ order.note }}")
    expect(page.locator("#part-kept")).to_contain_text("Saved as draft", timeout=SOON)
    page.goto(address(shop) + "?order=666")
    expect(page.frame_locator("#frame").locator("h1")).to_contain_text("<script>", timeout=SOON)
    assert page.title() != "taken"
    assert page.evaluate("window.name") != "taken"


def test_on_a_phone_words_and_mail_are_one_behind_the_other(page: Page, shop: Shop) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    begin(page, shop)
    expect(page.locator("#frame")).to_be_hidden()
    page.get_by_text("Preview", exact=True).click()
    expect(page.locator("#frame")).to_be_visible()
    expect(page.locator("#words")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_escape_and_tab_lead_out_of_the_code(page: Page, shop: Shop) -> None:
    begin(page, shop)
    code = page.get_by_role("textbox", name="HTML", exact=True)
    hint = page.get_by_text("Tab indents. To leave the editor, press Escape and then Tab.")
    expect(hint.locator("visible=true")).to_have_count(0)
    code.click()
    expect(hint.locator("visible=true")).to_have_count(1)
    expect(code).to_have_accessible_description(hint.first.text_content() or "")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    inside = page.evaluate("Boolean(document.activeElement.closest('.code-x'))")
    assert not inside
    expect(hint.locator("visible=true")).to_have_count(0)


def test_an_alarm_does_not_touch_the_header(page: Page, shop: Shop) -> None:
    raise_alarm("template.failing", shop=shop, title="3 messages could not be made", by_mail=False)
    page.goto(address(shop))
    header, alarm = (page.locator(each).bounding_box() for each in (".te-bar", ".alarm"))
    assert header is not None
    assert alarm is not None
    assert alarm["y"] - header["y"] - header["height"] == 12


def leave_by_tab(page: Page) -> list[str]:
    """Presses another language's tab; what the browser asks on the way is agreed to."""
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", agree)
    page.get_by_role("navigation", name="Languages").get_by_role("link", name="English").click()
    page.wait_for_url("**/template/en/**", timeout=SOON)
    return asked


def draft_has(words: str) -> bool:
    """Soon: the page that has sent them is gone."""
    until = monotonic() + SOON / 1000
    while monotonic() < until:
        if TemplateDraft.objects.filter(html_source__contains=words).exists():
            return True
        sleep(0.05)
    return False


def test_words_typed_just_before_leaving_are_kept(page: Page, shop: Shop) -> None:
    begin(page, shop)
    swap(page, "Dziękujemy za zamówienie", "Dzięki")
    assert leave_by_tab(page) == []
    assert draft_has("<h1>Dzięki")


def test_who_leaves_words_that_cannot_be_kept_is_asked(page: Page, shop: Shop) -> None:
    begin(page, shop)
    page.route("**/check/", lambda route: route.fulfill(body="a gateway's error page"))
    swap(page, "Dziękujemy za zamówienie", "Dzięki")
    expect(page.locator("#part-kept")).to_contain_text("Not kept", timeout=SOON)
    assert leave_by_tab(page) == ["beforeunload"]


def test_a_draft_that_is_discarded_at_once_is_not_kept(page: Page, shop: Shop) -> None:
    begin(page, shop)
    swap(page, "Dziękujemy za zamówienie", "Dzięki")
    assert draft_has("<h1>Dzięki")
    page.reload()
    swap(page, "Dzięki", "Serdecznie dzięki")
    page.evaluate("document.getElementById('discard').dataset.agreed = 'yes'")
    page.evaluate("document.getElementById('discard').requestSubmit()")
    expect(page.locator(".toasts")).to_contain_text("The draft is discarded.")
    assert not TemplateDraft.objects.exists()


@pytest.fixture
def without_script(browser: Any, live_server: Any, shop: Shop, built_in: None) -> Iterator[Page]:
    client = Client()
    client.force_login(factories.make_user(shop, Role.EDITOR))
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


def test_without_script_words_are_checked_and_saved_all_the_same(
    without_script: Page, shop: Shop
) -> None:
    page = without_script
    page.goto(address(shop))
    page.get_by_role("button", name="Edit a copy").click()
    page.get_by_label("Subject").fill("Mamy {{ order.numbr }}")
    page.get_by_role("button", name="Keep as a draft and check").click()
    expect(page.locator("#part-bar")).to_contain_text("“order.numbr” is not known here.")
    page.get_by_label("Subject").fill("Mamy {{ order.number }}")
    page.get_by_role("button", name="Save as version 2").click()
    own = MessageTemplate.objects.for_shop(shop).get()
    assert own.current is not None
    assert own.current.subject == "Mamy {{ order.number }}"
