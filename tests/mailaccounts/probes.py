"""An account's test, carried out here and now with limits for tests."""

from __future__ import annotations

from mailaccounts.account_test import diagnostics
from mailaccounts.account_test.steps import Limits
from tests import factories

SHORT = Limits(connect=1.0, command=0.4, total=1.6, look=0.05, grace=0.2)
TO = "anna@mail.example"


def account_at(port, shop, **values):
    return factories.make_account(shop, port=port, **values)


def probed(account, to=TO, limits=SHORT, tell=None):
    test, is_new = diagnostics.new_test(account, to, None)
    assert is_new
    return diagnostics.run(test.pk, limits, tell)


def states(test):
    return {row["code"]: row["state"] for row in test.steps}


def step(test, code):
    return next(row for row in test.steps if row["code"] == code)


def failed_at(test):
    return next(row["code"] for row in test.steps if row["state"] == "failed")
