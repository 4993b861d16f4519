"""In a real browser: many messages at once, sections that stay folded, the phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from shops.models import Role, Shop
from templates_tx.models import TemplateAssignment
from tests import factories
from tests.maillog.test_browser import CHROMIUM

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture(params=[1280])
def page(request: Any, browser: Any, live_server: Any, shop: Shop) -> Iterator[Any]:
    """The list as an editor sees it; errors of scripts fail the test."""
    client = Client()
    client.force_login(factories.make_user(shop, Role.EDITOR))
    session = client.cookies["sessionid"].value
    viewport = {"width": request.param, "height": 844}
    context = browser.new_context(base_url=live_server.url, viewport=viewport)
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    opened, errors = context.new_page(), []
    opened.on("console", lambda each: errors.append(each.text) if each.type == "error" else None)
    opened.on("pageerror", lambda each: errors.append(str(each)))
    opened.goto(f"/s/{shop.slug}/messages/")
    yield opened
    context.close()
    assert errors == []


def off(shop: Shop) -> set[str]:
    rows = TemplateAssignment.objects.filter(shop=shop, is_on=False)
    return set(rows.values_list("message_type", flat=True))


def switch(page: Any, name: str) -> Any:
    return page.get_by_role("switch", name=f"{name}: send by e-mail")


def tick(page: Any, name: str) -> Any:
    return page.get_by_role("checkbox", name=f"Choose {name}", exact=True)


def test_a_range_is_switched_off_by_the_bar_and_brought_back_by_undo(page: Any, shop: Shop) -> None:
    bar = page.locator("#bulk")
    expect(bar).to_be_hidden()
    tick(page, "Invoice").click()
    tick(page, "Another document").click(modifiers=["Shift"])
    expect(bar).to_contain_text("Chosen: 3")
    assert not TemplateAssignment.objects.exists()  # a tick is no change of the row
    bar.get_by_role("button", name="Switch off").click()
    toast = page.locator("#toasts")
    expect(toast).to_contain_text("Saved. 3 messages are off.")
    documents = {"document.invoice", "document.credit_note", "document.sent"}
    assert off(shop) == documents
    expect(switch(page, "Credit note")).not_to_be_checked()
    expect(page.locator("#on-in-documents")).to_have_text("0 of 3 on")
    expect(bar).to_be_hidden()
    page.evaluate("window.stillHere = true")
    toast.get_by_role("button", name="Undo").click()
    expect(switch(page, "Credit note")).to_be_checked()
    expect(page.locator("#on-in-documents")).to_have_text("3 of 3 on")
    assert off(shop) == set()
    assert page.evaluate("window.stillHere")


def test_keys_choose_rows_and_a_section_chooses_all_of_its_rows(page: Any, shop: Shop) -> None:
    tick(page, "Order confirmation").focus()
    page.keyboard.press("Space")
    expect(page.locator("#bulk")).to_contain_text("Chosen: 1")
    tick(page, "Order on hold").focus()
    page.keyboard.press("Shift+Space")
    expect(page.locator("#bulk")).to_contain_text("Chosen: 3")
    page.keyboard.press("Escape")
    expect(page.locator("#bulk")).to_be_hidden()
    page.get_by_role("checkbox", name="Choose all of Documents").click()
    expect(page.locator("#bulk")).to_contain_text("Chosen: 3")
    page.get_by_role("checkbox", name="Choose all that are shown").click()
    shown = page.locator('#list input[name="codes"]').count()
    expect(page.locator("#bulk")).to_contain_text(f"Chosen: {shown}")


def test_what_is_chosen_stays_so_while_a_row_is_saved_or_the_list_is_narrowed_down(
    page: Any, shop: Shop
) -> None:
    tick(page, "Invoice").click()
    switch(page, "Invoice").click()
    expect(page.locator("#row-document-invoice")).to_contain_text("Saved. Invoice is off.")
    expect(tick(page, "Invoice")).to_be_checked()
    page.get_by_label("Find a message").fill("order.placed")
    expect(tick(page, "Invoice")).to_have_count(0)
    tick(page, "Order confirmation").click()
    expect(page.locator("#bulk")).to_contain_text("Chosen: 2")
    page.locator("#bulk").get_by_role("button", name="Switch off").click()
    expect(page.locator("#toasts")).to_contain_text("1 message is off.")
    assert off(shop) == {"document.invoice", "order.placed"}
    assert "q=order.placed" in page.url


def test_payment_received_among_many_is_asked_about_in_the_bar(page: Any, shop: Shop) -> None:
    page.get_by_role("checkbox", name="Choose all of Payment").click()
    bar = page.locator("#bulk")
    bar.get_by_role("button", name="Switch on").click()
    expect(bar).to_contain_text("Instead of “Order confirmation”, or in addition to it?")
    bar.get_by_role("button", name="Instead").click()
    expect(switch(page, "Payment received")).to_be_checked()
    expect(switch(page, "Order confirmation")).not_to_be_checked()
    assert off(shop) == {"order.placed"}


def test_a_folded_section_stays_folded_until_something_in_it_is_looked_for(
    page: Any, shop: Shop
) -> None:
    row = page.locator("#row-document-invoice")
    fold = page.get_by_role("button", name="Documents")
    fold.click()
    expect(row).to_be_hidden()
    expect(fold).to_have_attribute("aria-expanded", "false")
    page.reload()
    expect(page.locator("#row-document-invoice")).to_be_hidden()
    page.get_by_label("Find a message").fill("document.invoice")
    expect(page.locator("#row-document-invoice")).to_be_visible()
    page.goto(f"/s/{shop.slug}/messages/#section-documents")
    page.reload()
    expect(page.locator("#row-document-invoice")).to_be_visible()


@pytest.mark.parametrize("page", [390], indirect=True)
def test_on_a_phone_rows_open_and_several_are_chosen(page: Any, shop: Shop) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    row = page.locator("#row-document-invoice")
    expect(row.get_by_role("combobox")).to_be_hidden()
    row.get_by_role("button", name="Account and template of Invoice").click()
    expect(row.get_by_role("combobox")).to_be_visible()
    expect(tick(page, "Invoice")).to_be_hidden()
    page.get_by_role("button", name="Choose several").click()
    tick(page, "Invoice").click()
    bar = page.locator("#bulk")
    for button in bar.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None and box["height"] >= 34
    bar.get_by_role("button", name="Switch off").click()
    expect(page.locator("#toasts")).to_contain_text("1 message is off.")
    assert off(shop) == {"document.invoice"}
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
