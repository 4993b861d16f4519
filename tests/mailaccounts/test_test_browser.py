"""The row of an account's test in a real browser: closed by its x, folded away by a cancel."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from mailaccounts.account_test import diagnostics
from shops.models import Shop
from tests import factories
from tests.mailaccounts.account_pages import url
from tests.mailaccounts.probes import TO

# Imported fixtures: a browser, and a page of somebody who may work on accounts.
from tests.mailaccounts.test_domain_browser import browser, page  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_row_of_a_test_is_closed_by_the_keyboard_and_folds_away_by_a_cancel(
    page: Any,  # noqa: F811
    shop: Shop,
) -> None:
    account = factories.make_account(shop)
    diagnostics.new_test(account, TO, None)
    page.goto(url("accounts", shop))
    row = page.locator(f"#test-{account.pk}")
    close = row.get_by_role("button", name=f"Close the test of {account.from_address}")
    close.focus()
    page.keyboard.press("Enter")
    expect(row).to_be_hidden()
    expect(page.locator(f"#account-{account.pk} .test-pop > summary")).to_be_focused()
    page.reload()
    row.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The test was cancelled")).to_be_visible()
    expect(row).to_be_hidden()
    expect(page.locator(f"#account-{account.pk} .test-pop > summary")).to_be_focused()
    page.reload()
    expect(row).to_be_hidden()
