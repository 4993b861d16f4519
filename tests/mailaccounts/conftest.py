"""Fixtures of the transports' tests."""

import pytest

from mailaccounts.transports import smtp_opening
from tests.smtp import make_certificate


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A certificate for 127.0.0.1 that the process trusts."""
    context = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    smtp_opening.tls_context.cache_clear()
    yield context
    smtp_opening.tls_context.cache_clear()
