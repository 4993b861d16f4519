"""Fixtures of the transports' and the accounts' tests."""

import pytest

from tests import factories
from tests.mailaccounts.account_pages import CANARY


@pytest.fixture
def account(shop):
    """A shop's main account over SMTP, with a password that must turn up nowhere."""
    return factories.make_account(
        shop,
        host="smtp.ovh.example",
        port=465,
        tls_mode="implicit",
        username="sklep@rowerownia.example",
        password=CANARY,
    )
