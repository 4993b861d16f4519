"""Fixtures of the transports' and the accounts' tests."""

import pytest

from mailaccounts.transports import smtp_opening
from tests import factories
from tests.mailaccounts.account_pages import CANARY
from tests.smtp import make_certificate


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A certificate for 127.0.0.1 that the process trusts."""
    context = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    smtp_opening.tls_context.cache_clear()
    yield context
    smtp_opening.tls_context.cache_clear()


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
