"""The code editor in a real browser, under the real content policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Locator, Page, expect, sync_playwright

from shops.models import Role, Shop
from templates_tx.liquid_env import GuardedEnvironment
from tests import factories
from tests.config.code_urls import HTML
from tests.maillog.test_browser import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.config.code_urls"),
]
WRONG = "order.totl"
LINE = next(at for at, line in enumerate(HTML.splitlines(), 1) if WRONG in line)
# In characters, as Python counts: the bicycle before it is two units of JavaScript's.
COLUMN = HTML.splitlines()[LINE - 1].index(WRONG) + 1


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, live_server: Any, shop: Shop) -> Iterator[Page]:
    """The page with three editors; whatever the browser complains of fails the test."""
    client = Client()
    client.force_login(factories.make_user(shop, Role.EDITOR))
    session = client.cookies["sessionid"].value
    context = browser.new_context(base_url=live_server.url)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    opened, errors = context.new_page(), []
    opened.on("console", lambda each: errors.append(each.text) if each.type == "error" else None)
    opened.on("pageerror", lambda each: errors.append(str(each)))
    opened.goto(f"/s/{shop.slug}/code/")
    yield opened
    context.close()
    assert errors == []


def editor(page: Page, label: str) -> Locator:
    return page.get_by_role("textbox", name=label, exact=True)


def value(page: Page, name: str) -> str:
    return page.locator(f"textarea#{name}").input_value()


def call(page: Page, name: str, deed: str, *given: object) -> Any:
    script = "([name, deed, given]) => document.getElementById(name).codeEditor[deed](...given)"
    return page.evaluate(script, [name, deed, given])


def suggestions(page: Page) -> list[str]:
    page.locator(".cm-tooltip-autocomplete").wait_for()
    return page.locator(".cm-tooltip-autocomplete .cm-completionLabel").all_inner_texts()


def write(page: Page, text: str) -> None:
    """Types into the editor of the text part; what is suggested must have had time to come."""
    editor(page, "Plain text").click()
    page.keyboard.insert_text(text[:-1])
    page.keyboard.type(text[-1])


def test_what_is_typed_is_in_the_textarea_at_once_and_others_hear_of_it(page: Page) -> None:
    page.evaluate("""() => document.addEventListener("input", (event) => {
        document.body.dataset.heard = event.target.id + ":" + event.target.value })""")
    editor(page, "Plain text").click()
    page.keyboard.type("Dzień dobry")
    page.keyboard.press("Enter")
    page.keyboard.type("Anno")
    assert value(page, "text") == "Dzień dobry\nAnno"
    assert page.locator("body").get_attribute("data-heard") == "text:Dzień dobry\nAnno"
    page.keyboard.press("Control+z")
    assert value(page, "text") != "Dzień dobry\nAnno"


def test_what_nobody_touched_is_sent_as_it_came(page: Page) -> None:
    assert value(page, "html") == HTML
    assert page.evaluate("new FormData(document.querySelector('main form')).get('html')") == HTML


def test_liquid_and_html_have_their_colours(page: Page) -> None:
    message = editor(page, "Message")
    expect(message.locator(".code-out", has_text="item.name").first).to_have_text("{{ item.name }}")
    expect(message.locator(".code-tag", has_text="for item").first).to_have_text(
        "{% for item in order.items %}"
    )
    expect(message.locator(".code-value", has_text="items").first).to_have_text('"items"')
    expect(editor(page, "Subject").locator(".code-out")).to_have_text("{{ order.number }}")
    assert page.evaluate("getComputedStyle(document.querySelector('.cm-scroller')).fontSize") == (
        "12px"
    )


@pytest.mark.parametrize(
    ("typed", "offered", "not_offered"),
    [
        ("{{ ", "customer.first_name", "item.name"),
        ("{{ order.n", "order.number", "customer.first_name"),
        ("{% if ", "order.total", "money"),
        ("{{ order.total | ", "money", "order.total"),
        ("{{ order.total | mo", "money", "upcase"),
        ("{% ", "for", "endfor"),
        ("{% for line in ", "order.items", "order.number"),
        ("{% for line in order.items %}{{ line.", "line.quantity", "item.quantity"),
        ("{% for l in order.items %}{% for p in l.parts %}{{ p.", "p.name", "part.name"),
        ("{% for l in order.items %}{% endfor %}{{ ", "order.number", "l.name"),
        ("{% if order.note %}{% e", "endif", "endfor"),
        ("{% assign total = 5 %}{{ to", "total", "order.number"),
    ],
)
def test_it_offers_what_can_stand_there(
    page: Page, typed: str, offered: str, not_offered: str
) -> None:
    write(page, typed)
    found = suggestions(page)
    assert offered in found
    assert not_offered not in found


@pytest.mark.parametrize("typed", ["order.n", "{{ order.number }} o", '{{ "order.n'])
def test_it_is_silent_where_nothing_of_liquid_can_stand(page: Page, typed: str) -> None:
    write(page, typed)
    page.wait_for_timeout(400)
    assert page.locator(".cm-tooltip-autocomplete").count() == 0


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("{{ order.n", "{{ order.number }}!"),
        ("{{order.n", "{{ order.number }}!"),
        ("{% endi", "{% endi!"),
        ("{% for", "{% for ! %}"),
        ("{% if order.note %}{% endi", "{% if order.note %}{% endif %}!"),
    ],
)
def test_what_is_chosen_comes_with_its_braces(page: Page, typed: str, text: str) -> None:
    write(page, typed)
    if text != typed + "!":
        suggestions(page)
        page.wait_for_timeout(100)  # For as long it takes no choice, lest Enter be meant.
        page.keyboard.press("Enter")
    if text.startswith("{{"):
        page.keyboard.press("End")
    page.keyboard.type("!")
    assert value(page, "text") == text


def test_braces_close_themselves_and_a_choice_stands_between_them(page: Page) -> None:
    editor(page, "Subject").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("{{or")
    assert "order.number" in suggestions(page)
    page.wait_for_timeout(100)
    page.keyboard.press("Tab")
    assert value(page, "subject") == "{{ order.number }}"


def test_enter_does_nothing_in_the_subject_and_pasted_lines_become_one(page: Page) -> None:
    editor(page, "Subject").click()
    page.keyboard.press("End")
    for key in ("Enter", "Shift+Enter", "Control+Enter"):
        page.keyboard.press(key)
    assert value(page, "subject") == "Zamówienie {{ order.number }} przyjęte"
    page.evaluate("navigator.clipboard.writeText(',\\n dziękujemy')")
    page.keyboard.press("Control+v")
    assert value(page, "subject") == "Zamówienie {{ order.number }} przyjęte, dziękujemy"
    call(page, "subject", "setValue", "a\nb")
    assert value(page, "subject") == "a b"


def test_a_problem_is_shown_at_its_words_its_line_and_its_number(page: Page) -> None:
    problem = {"line": LINE, "column": COLUMN, "severity": "error", "message": "Not known here."}
    advice = {"line": 2, "severity": "advice", "message": "Say it shorter."}
    call(page, "html", "showProblems", [problem, advice])
    expect(page.locator(".cm-lintRange-error")).to_have_text(WRONG)
    expect(page.locator(".cm-line.code-line-error")).to_contain_text("Razem")
    expect(page.locator(".cm-gutterElement.code-line-error")).to_have_text(str(LINE))
    expect(page.locator(".cm-line.code-line-info")).to_contain_text("Dziękujemy")
    page.locator(".cm-lintRange-error").hover()
    expect(page.locator(".cm-diagnostic")).to_have_text("Not known here.")
    call(page, "html", "showProblems", [])
    expect(page.locator(".code-line-error, .code-line-info, .cm-lintRange")).to_have_count(0)


def test_a_problem_beyond_the_end_breaks_nothing(page: Page) -> None:
    call(page, "html", "showProblems", [{"line": 999, "column": 999, "message": "?"}])
    call(page, "text", "showProblems", [{"line": 0, "column": 0, "message": "?"}])
    expect(page.locator(".cm-line.code-line-error")).to_have_count(2)


def test_what_was_mistyped_is_replaced_where_it_stands_and_can_be_undone(page: Page) -> None:
    assert call(page, "html", "replaceAt", LINE, COLUMN, WRONG, "order.total") is True
    assert value(page, "html") == HTML.replace(WRONG, "order.total")
    page.keyboard.press("Control+z")
    assert value(page, "html") == HTML
    assert call(page, "html", "replaceAt", LINE, 1, WRONG, "order.total") is True
    assert call(page, "html", "replaceAt", 1, 1, "nowhere", "x") is False


def test_others_insert_at_the_cursor(page: Page) -> None:
    call(page, "html", "goTo", 2, 5)
    page.keyboard.type("X")
    assert "<h1>XDziękujemy" in value(page, "html")
    call(page, "text", "insertVariable", "order.number")
    page.keyboard.type(" {{ ")
    call(page, "text", "insertVariable", "order.total")
    assert value(page, "text") == "{{ order.number }} {{ order.total}}"
    expect(editor(page, "Plain text")).to_be_focused()


def test_the_keyboard_gets_out_again(page: Page) -> None:
    editor(page, "Plain text").click()
    page.keyboard.press("Tab")
    assert value(page, "text") == "  "
    page.keyboard.press("Escape")
    page.wait_for_timeout(2500)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert value(page, "text") == "    "
    expect(editor(page, "Plain text")).to_be_focused()
    editor(page, "Subject").click()
    page.keyboard.press("Tab")
    expect(editor(page, "Message")).to_be_focused()


def test_a_click_on_the_label_goes_to_the_editor(page: Page) -> None:
    page.get_by_text("Plain text", exact=True).click()
    expect(editor(page, "Plain text")).to_be_focused()


def test_one_that_htmx_brings_is_an_editor_too(page: Page) -> None:
    page.evaluate("""() => document.addEventListener("postroom:code-ready", (event) => {
        document.body.dataset.ready = event.target.id })""")
    page.get_by_role("button", name="One more").click()
    expect(page.locator("body")).to_have_attribute("data-ready", "later")
    expect(page.locator("#more .cm-line")).to_have_text("Later")


def test_finding_has_our_words(page: Page) -> None:
    editor(page, "Message").click()
    page.keyboard.press("Control+f")
    expect(page.get_by_placeholder("Replace with")).to_be_visible()
    page.keyboard.type("item.")
    expect(page.locator(".cm-searchMatch")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(editor(page, "Message")).to_be_focused()


def test_it_offers_only_tags_that_a_template_may_hold(page: Page) -> None:
    write(page, "{% ")
    # What makes a block of its own is not in the list of tags.
    inner = {"elsif", "else", "when", "raw"}
    assert set(suggestions(page)) <= {*GuardedEnvironment(html=True).tags, *inner}
