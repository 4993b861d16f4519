"""The panel's frame: menu, "Find a page", template tags, vendored files, strict CSP."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import include, path
from django.views.generic import TemplateView

from config.menu import MENU
from config.panel import PanelContext, current_url, initials, panel
from shops.models import Role, Shop
from shops.scope import ShopScoped
from tests import factories

ROOT = Path(__file__).resolve().parent.parent.parent
# What lies in a folder "mail" is read in mail programs, which know styles only as attributes.
TEMPLATES = sorted(
    path for path in (ROOT / "templates").rglob("*.html") if path.parent.name != "mail"
)
VENDOR = ROOT / "static" / "vendor"


class Page(ShopScoped, TemplateView):
    template_name = "panel/base.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "undo" in request.GET:
            messages.success(request, "Saved <b>now</b>.", extra_tags="undo:/undo/")
        return super().get(request, *args, **kwargs)


class Urls:
    """An installation with an overview, orders, a log and user management, and nothing else."""

    urlpatterns = [
        path("accounts/", include("allauth.urls")),
        path("i18n/", include("django.conf.urls.i18n")),
        path("s/<slug:shop>/", include(([path("", Page.as_view(), name="overview")], "panel"))),
        path(
            "s/<slug:shop>/",
            include(
                (
                    [
                        path("orders/", Page.as_view(), name="orders"),
                        path("orders/<int:pk>/", Page.as_view(), name="order"),
                        path("members/", Page.as_view(), name="members"),
                    ],
                    "shops",
                )
            ),
        ),
        path("s/<slug:shop>/", include(([path("log/", Page.as_view(), name="log")], "maillog"))),
    ]


@pytest.fixture(autouse=True)
def few_pages(settings: Any) -> None:
    settings.ROOT_URLCONF = Urls


def seen_by(user: User, shop: Shop | None, role: Role | None, where: str = "/") -> PanelContext:
    request = RequestFactory().get(where)
    request.user = user
    if shop:
        request.shop, request.role = shop, role  # type: ignore[attr-defined]
    return PanelContext(request)


def labels(context: PanelContext) -> list[str]:
    return [str(item.entry.label) for group in context.menu for item in group.items]


def test_the_menu_shows_only_pages_that_exist(shop, owner):
    assert labels(seen_by(owner, shop, Role.ADMIN)) == [
        "Overview",
        "Orders",
        "Users and roles",
        "E-mail log",
    ]


def test_the_menu_hides_what_the_role_may_not_open(shop, colleague):
    assert "Users and roles" not in labels(seen_by(colleague, shop, Role.VIEWER))


def test_a_group_without_pages_is_not_shown(shop, owner):
    groups = [str(group.label) for group in seen_by(owner, shop, Role.ADMIN).menu]
    assert groups == ["", "Orders", "Administration › System", "Structure › Logs"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [("", "Overview"), ("orders/", "Orders"), ("orders/7/", "Orders"), ("unknown/", None)],
)
def test_the_menu_marks_the_page_one_is_on(shop, owner, where, expected):
    context = seen_by(owner, shop, Role.ADMIN, f"/s/{shop.slug}/{where}")
    current = [str(i.entry.label) for group in context.menu for i in group.items if i.current]
    assert current == ([expected] if expected else [])


def test_of_two_addresses_the_longer_one_is_current():
    assert (
        current_url("/s/a/log/sms/1/", ["/s/a/", "/s/a/log/", "/s/a/log/sms/"]) == "/s/a/log/sms/"
    )


@pytest.mark.promise("S3.2")
@pytest.mark.parametrize(
    ("asked", "label"),
    [
        ("Konfiguracja kont e-mail i SMS", "E-mail and SMS accounts"),
        ("Konto główne", "E-mail and SMS accounts"),
        ("Testuj", "E-mail and SMS accounts"),
        ("Envoi e-mail", "E-mail and SMS accounts"),
        ("E-mails automatisés", "Transactional messages"),
        ("Konfiguracja wiadomości transakcyjnych", "Transactional messages"),
        ("Wysyłaj z konta", "Transactional messages"),
        ("Transakční e-maily", "Transactional messages"),
        ("E-post logg", "E-mail log"),
        ("Feillogg", "E-mail log"),
    ],
)
def test_a_page_is_found_by_the_name_other_software_gives_it(asked, label):
    entries = [entry for group in MENU for entry in group.entries]
    found = [e for e in entries if asked in (str(e.label), e.subtitle, *e.synonyms)]
    assert [str(entry.label) for entry in found] == [label]


def test_one_may_switch_only_to_ones_own_shops(shop, other_shop, owner, operator):
    assert [c.label for c in seen_by(owner, shop, Role.ADMIN).shops] == [shop.name]
    assert len(seen_by(operator, shop, Role.ADMIN).shops) == 2


def test_the_context_costs_no_query_until_a_template_uses_it(owner, django_assert_num_queries):
    request = RequestFactory().get("/")
    request.user = owner
    with django_assert_num_queries(0):
        assert isinstance(panel(request)["panel"], PanelContext)
        assert seen_by(owner, None, None).menu == []


def test_the_shell_needs_the_same_few_queries_with_one_shop_and_with_many(
    shop, owner, owner_client, django_assert_max_num_queries
):
    for number in range(10):
        other = factories.make_shop(name=f"Shop {number}")
        other.memberships.create(user=owner, role=Role.VIEWER)
    with django_assert_max_num_queries(6):
        owner_client.get(f"/s/{shop.slug}/")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Marta Wilk", "MW"),
        ("anna@shop.pl", "A"),
        ("a.b.c", "AC"),
        ("", "?"),
        ("Åse Marie Vik", "ÅV"),
    ],
)
def test_initials_are_at_most_two_letters(name, expected):
    assert initials(name) == expected


def test_the_page_shows_shop_menu_and_search(shop, owner_client):
    page = owner_client.get(f"/s/{shop.slug}/").content.decode()
    assert f'action="/s/{shop.slug}/log/"' in page
    assert 'aria-current="page"' in page
    assert '"allowEval": false' in page


def test_a_shop_in_test_mode_says_so_on_every_page(shop, owner_client):
    Shop.objects.filter(pk=shop.pk).update(test_mode="redirect", test_address="test@shop.example")
    page = owner_client.get(f"/s/{shop.slug}/").content.decode()
    assert "test@shop.example" in page
    assert "customers get nothing" in page


def test_a_message_becomes_a_toast_with_undo_and_is_escaped(shop, owner_client):
    page = owner_client.get(f"/s/{shop.slug}/?undo=1").content.decode()
    assert "Saved &lt;b&gt;now&lt;/b&gt;." in page
    assert 'action="/undo/"' in page


def test_a_link_for_a_new_password_that_has_ended_says_so_and_offers_another(client, db):
    page = client.get("/accounts/password/reset/key/1-set-password/").content.decode()
    assert "This link does not work any more" in page and "Token" not in page
    assert 'href="/accounts/password/reset/"' in page


@pytest.mark.parametrize("where", ["login/", "password/reset/", "signup/"])
def test_the_entrance_wears_our_dress(db, where):
    response = Client().get(f"/accounts/{where}")
    assert response.status_code == 200
    assert 'class="card gate-c' in response.content.decode()


@pytest.mark.parametrize("where", ["password/change/", "2fa/", "logout/"])
def test_the_account_pages_wear_our_dress(owner_client, where):
    page = owner_client.get(f"/accounts/{where}").content.decode()
    assert 'class="side"' in page
    assert "Two-step sign-in" in page


@pytest.mark.parametrize("name", ["403", "404", "500", "403_csrf"])
def test_an_error_page_needs_neither_request_nor_database(name):
    assert "Go to the start page" in render_to_string(f"{name}.html")


def test_every_icon_a_template_names_is_in_the_sprite():
    named = {entry.icon for group in MENU for entry in group.entries}
    for template in TEMPLATES:
        named |= set(re.findall(r'{% icon "([^"]+)"', template.read_text(encoding="utf-8")))
    drawn = set(
        re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/postroom/icons.svg").read_text())
    )
    assert len(drawn) > 80
    assert named <= drawn


@pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT / "templates"))
)
def test_a_template_holds_nothing_the_content_policy_forbids(template):
    source = template.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|hx-on", source)
    assert not re.search(
        r"<style(?![^>]*nonce)|<script(?![^>]*(src=|nonce|application/json))", source
    )
    assert not re.search(r'(src|href)="(https?:)?//', source)


def test_the_vendored_files_are_the_ones_in_the_list():
    rows = re.findall(
        r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (VENDOR / "VENDOR.md").read_text(), re.M
    )
    assert len(rows) == 9
    for name, digest in rows:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_a_packed_file_holds_what_the_plain_one_does():
    packed = [*VENDOR.rglob("*.gz"), *(ROOT / "static/postroom").rglob("*.gz")]
    assert len(packed) == 5
    for file in packed:
        assert gzip.decompress(file.read_bytes()) == file.with_suffix("").read_bytes(), file.name


def test_no_vendored_file_is_fetched_from_elsewhere_at_run_time():
    for style in (ROOT / "static/postroom/css").glob("*.css"):
        assert "http" not in style.read_text().replace("http://www.w3.org/2000/svg", "")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_shell_works_in_a_browser_under_the_strict_policy(live_server, monkeypatch):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    from playwright.sync_api import sync_playwright

    shop = factories.make_shop()
    client = Client()
    client.force_login(factories.make_user(shop))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        context = browser.new_context(color_scheme="dark")
        context.add_cookies(
            [
                {
                    "name": "sessionid",
                    "value": client.cookies["sessionid"].value,
                    "url": live_server.url,
                }
            ]
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{live_server.url}/s/{shop.slug}/?undo=1")

        assert page.locator("html").get_attribute("data-bs-theme") == "dark"
        assert page.locator("#menu").bounding_box()["width"] == 228
        assert page.locator(".toast-x").first.is_visible()
        page.keyboard.press("Control+k")
        page.keyboard.type("feillogg")
        assert page.locator(".nav-i:visible").count() == 1
        page.keyboard.press("Enter")
        page.wait_for_url("**/log/")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.name") == "q"
        assert errors == []
        browser.close()
