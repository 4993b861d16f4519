"""The demo as a newcomer meets it: the real command, a real browser, one order."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from demo.environment import PRESENT_PASSWORD
from tests.maillog.test_supervisor import children_of

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Demo:
    """The running command and what it printed."""

    def __init__(self, data: Path) -> None:
        env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        env["POSTROOM_DATA"] = str(data)
        self.data = data / "demo"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo", "--port", "0"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = self._listen()

    def _listen(self) -> str:
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if "Ctrl-C" in line:
                return said
        raise AssertionError(said)

    def link(self, pattern: str) -> str:
        found = re.search(rf"http://127\.0\.0\.1:\d+{pattern}", self.said)
        assert found, self.said
        return found[0]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    family = children_of(demo.process.pid)
    demo.stop()
    assert demo.process.returncode == 0
    ends = time.monotonic() + 10
    while time.monotonic() < ends and any(Path(f"/proc/{pid}").exists() for pid in family):
        time.sleep(0.1)
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*CHROMIUM, *sandbox]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Fails the test for anything that the content policy refused or a script broke on."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None,
    )
    yield page
    context.close()
    assert not complaints


def test_an_order_becomes_mail_before_ones_eyes(demo: Demo, page: Page) -> None:
    page.goto(demo.link(r"/demo/sign-in/\S+"))
    expect(page).to_have_url(re.compile("/s/demo/$"))

    page.goto(demo.link("/demo/shop"))
    page.get_by_label("Name").fill("Zofia Kowalska")
    page.get_by_label("E-mail").fill("zofia@poczta.example")
    page.get_by_label("Bidon Elite Fly").fill("2")
    page.get_by_role("button", name="Place the order").click()
    page.evaluate("window.notReloaded = true")
    order_page = page.url
    number = order_page.rstrip("/").rpartition("/")[2]

    steps = page.get_by_role("list", name="Accepted")
    expect(steps).to_be_visible(timeout=15_000)
    expect(page.locator("#letter h2")).to_contain_text(number, timeout=5_000)
    letter = page.frame_locator("#letter iframe")
    expect(letter.get_by_text("Bidon Elite Fly 750 ml")).to_be_visible()
    logo = letter.get_by_role("img", name="Rowerownia")
    assert logo.evaluate("picture => picture.complete && picture.naturalWidth > 0")
    assert page.evaluate("window.notReloaded") is True

    page.goto(demo.link("/demo/shop").replace("/demo/shop", f"/s/demo/log/?q={number}"))
    expect(page.get_by_text("zofia@poczta.example").first).to_be_visible()

    page.goto(order_page)
    page.get_by_role("link", name="Send the parcel").click()
    page.get_by_label("Tracking link").fill("https://inpost.pl/sledzenie?number=620111")
    page.get_by_role("button", name="Parcel has left").click()
    page.goto(order_page)
    expect(page.locator(".demo-said > li")).to_have_count(2, timeout=10_000)
    expect(page.locator("#letter iframe")).to_be_visible()
    expect(
        page.frame_locator("#letter iframe").locator("a[href*='number=620111']").first
    ).to_be_visible(timeout=15_000)


def test_both_sides_of_the_mailbox_read_on_a_phone(demo: Demo, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(demo.link("/demo/mailbox"))
    page.get_by_role("link", name="Owner’s inbox").click()
    expect(page.locator(".it").first).to_contain_text("kontakt@demo.example")

    page.locator(".it").first.click()

    expect(page.locator(".ls")).to_be_hidden()
    expect(page.frame_locator(".mail-frame").get_by_role("img").first).to_be_visible()
    page.get_by_role("link", name="Text").click()
    expect(page.locator("pre")).to_contain_text("Rowerownia")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="All letters").click()
    expect(page.locator(".it").first).to_be_visible()
    context.close()


@pytest.mark.promise("S0.7")
def test_the_test_button_shows_every_step_turn_green(demo: Demo, page: Page) -> None:
    page.goto(demo.link(r"/demo/sign-in/\S+"))
    page.goto(demo.link("/demo/shop").replace("/demo/shop", "/s/demo/accounts/"))
    row = page.locator("tbody", has_text="shop@demo.example")
    row.get_by_label("Test shop@demo.example", exact=True).click()
    expect(row.get_by_label("Send a test message to")).to_have_value("shop@demo.example")
    row.get_by_label("Send a test message to").press("Enter")

    expect(row.locator("[data-test-state]")).to_be_visible()
    expect(row.locator("[data-test-state=passed]")).to_be_visible(timeout=20_000)
    expect(row.get_by_text(re.compile(r"^250 2\.0\.0 Ok")).first).to_be_visible()
    expect(row.locator(".checks .bad-t")).to_have_count(0)
    row.get_by_role("link", name="In the log").click()
    expect(page.get_by_text("Test: mail from shop@demo.example works").first).to_be_visible()


@pytest.mark.promise("S0.7")
def test_the_red_account_turns_green_with_its_present_password(demo: Demo, page: Page) -> None:
    page.goto(demo.link(r"/demo/sign-in/\S+"))
    accounts = demo.link("/demo/shop").replace("/demo/shop", "/s/demo/accounts/")
    page.goto(accounts)
    row = page.locator("tbody", has_text="serwis@demo.example")
    # Refused once, and paused from the second time on: red both.
    expect(row.locator(".dot.bad")).to_be_visible()
    expect(row.get_by_text(re.compile("^(Log-in refused|Paused)$"))).to_be_visible()
    expect(row.get_by_text("535 5.7.8 Error: authentication failed")).to_be_visible()

    row.get_by_role("link", name="Enter new password").click()
    page.get_by_label("Password", exact=True).first.fill(PRESENT_PASSWORD)
    page.get_by_role("button", name="Save").click()
    page.goto(accounts)
    row.get_by_label("Test serwis@demo.example", exact=True).click()
    row.get_by_role("button", name="Test and send").click()

    expect(row.locator("[data-test-state=passed]")).to_be_visible(timeout=20_000)
    page.reload()
    expect(row.locator(".dot.bad")).to_have_count(0)


def test_a_second_demo_on_the_same_data_says_so(demo: Demo) -> None:
    env = os.environ | {"POSTROOM_DATA": str(demo.data.parent)}
    second = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, env=env, capture_output=True, text=True
    )

    assert second.returncode == 1
    assert "running already" in second.stderr


@pytest.mark.promise("S0.6", "S0.7", "S0.8")
def test_from_a_new_shop_to_a_tested_main_account_by_what_the_pages_say(
    demo: Demo, page: Page
) -> None:
    database = f"sqlite:///{demo.data / 'demo.sqlite3'}"
    env = os.environ | {"POSTROOM_DATA": str(demo.data), "DATABASE_URL": database}
    command = ["manage.py", "create_shop", "--name", "Nowa", "--slug", "nowa"]
    subprocess.run(
        [
            sys.executable,
            *command,
            "--domain",
            "demo.example",
            "--contact-email",
            "nowa@demo.example",
        ],
        cwd=ROOT,
        env=env,
        check=True,
    )
    page.goto(demo.link(r"/demo/sign-in/\S+"))
    start = demo.link("/demo/shop").replace("/demo/shop", "/s/nowa/")
    port = str(sender_port(demo))

    page.goto(start)
    page.get_by_role("listitem").filter(has_text="Add an e-mail account").get_by_role(
        "link"
    ).click()
    page.get_by_label("Address to send from").fill("nowa@demo.example")
    page.get_by_role("button", name="Continue with SMTP").click()
    page.get_by_label("Server", exact=True).fill("127.0.0.1")
    page.get_by_label("Port", exact=True).fill(port)
    page.get_by_label("Encryption", exact=True).select_option("none")
    page.get_by_label("User name", exact=False).first.fill("")
    page.get_by_role("button", name="Add account").click()

    expect(page.get_by_text("is now the main account")).to_be_visible()
    page.get_by_role("button", name="Test and send").click()
    expect(page.locator("[data-test-state=passed]")).to_be_visible(timeout=20_000)

    page.goto(f"{start}accounts/")
    row = page.locator("tbody", has_text="nowa@demo.example")
    expect(row.get_by_text("Main", exact=True)).to_be_visible()
    page.goto(start)
    done = page.locator("li.done")
    expect(done.filter(has_text="Test it")).to_be_visible()


def sender_port(demo: Demo) -> int:
    """Where the demo's mail server listens, from its own database."""
    with sqlite3.connect(demo.data / "demo.sqlite3") as database:
        [port] = database.execute(
            "SELECT port FROM mailaccounts_senderaccount WHERE from_address = 'shop@demo.example'"
        ).fetchone()
    return int(port)


@pytest.mark.promise("S0.29", "S0.30", "S0.31", "S0.32")
def test_one_message_leaves_from_an_account_whose_copies_reach_the_owner(
    demo: Demo, page: Page
) -> None:
    """The shop owner's recipe: a second account with a copy, chosen for one message only."""
    page.goto(demo.link(r"/demo/sign-in/\S+"))
    panel = demo.link("/demo/shop").replace("/demo/shop", "/s/demo/")
    page.goto(f"{panel}accounts/")
    row = page.locator("tbody", has_text="shop@demo.example")
    row.get_by_label("More for shop@demo.example").click()
    row.get_by_role("button", name="Duplicate").click()
    copied = page.locator("tbody", has_text="shop@demo.example").filter(has_text="(copy)")
    copied.get_by_role("link", name="shop@demo.example").first.click()
    page.get_by_label("Name in lists").fill("Zamówienia")
    page.get_by_label("Direct a copy of every sent message").fill("szef@demo.example")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("szef@demo.example").first).to_be_visible()

    page.goto(f"{panel}messages/")
    confirmation = page.locator("#row-order-placed")
    confirmation.get_by_label("send from account").select_option(
        label="Zamówienia · shop@demo.example"
    )
    expect(confirmation.get_by_role("status")).to_contain_text("It leaves from Zamówienia")

    page.goto(demo.link("/demo/shop"))
    page.get_by_label("Name").fill("Wanda Copied")
    page.get_by_label("E-mail").fill("wanda@poczta.example")
    page.get_by_label("Bidon Elite Fly").fill("1")
    page.get_by_role("button", name="Place the order").click()
    number = page.url.rstrip("/").rpartition("/")[2]
    page.goto(demo.link("/demo/mailbox"))
    page.get_by_role("link", name="Owner’s inbox").click()
    letter = page.locator(".it", has_text="szef@demo.example").filter(has_text=number)
    expect(letter).to_be_visible(timeout=20_000)
    letter.click()
    mail = page.frame_locator(".mail-frame")
    expect(mail.get_by_text("Bidon Elite Fly 750 ml")).to_be_visible()
    expect(mail.get_by_text(number, exact=True)).to_be_visible()


@pytest.mark.promise("S5.5", "S5.6")
def test_a_copy_with_a_mistake_is_mended_and_sent_to_oneself(demo: Demo, page: Page) -> None:
    page.goto(demo.link(r"/demo/sign-in/\S+"))
    panel = demo.link("/demo/shop").replace("/demo/shop", "/s/demo/")
    page.goto(f"{panel}messages/")
    page.locator("#row-order-placed").get_by_role("link", name="Default").click()
    page.get_by_role("button", name="Edit a copy").click()
    page.locator("#part-kept").wait_for(state="attached")
    code = page.locator(".cm-content[aria-label]").filter(has_text="<h1>").first
    code.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("<p>{{ order.nummer }}</p>")
    page.keyboard.press("Enter")
    bar = page.locator("#part-bar")
    expect(bar).to_contain_text("Line 1", timeout=10_000)
    expect(bar).to_contain_text("“order.nummer” is not known here.")

    page.get_by_role("button", name="Use order.number").click()
    expect(bar).to_be_empty(timeout=10_000)
    page.locator(".te-orders > summary").click()
    order = page.get_by_role("link", name=re.compile("Order 104[67]")).first
    number = re.search(r"\d{5}", order.inner_text())
    assert number
    order.click()
    mail = page.frame_locator("#frame")
    expect(mail.locator("body")).to_contain_text(number[0], timeout=10_000)
    expect(mail.locator("body")).to_contain_text("Razem")
    page.get_by_role("button", name="Send me exactly this").click()
    expect(page.locator(".toasts")).to_contain_text("Sent to marta@demo.example.")

    page.goto(demo.link("/demo/mailbox"))
    page.get_by_role("link", name="Owner’s inbox").click()
    mine = page.locator(".it", has_text="marta@demo.example").filter(has_text=number[0])
    expect(mine.first).to_be_visible(timeout=20_000)
