"""What every test gets: settings for tests, no network but loopback, three people."""

from __future__ import annotations

import gc
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mailaccounts.dkim import forget_keys
from mailaccounts.transports import smtp_opening
from shops.models import Role, Shop
from tests import factories
from tests.dovecot import Dovecot, dovecot
from tests.smtp import make_certificate

LOOPBACK = ("127.", "::1", "localhost")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the second run, on PostgreSQL, tests that touch no database would prove nothing new."""
    if "POSTROOM_ONLY_DATABASE" not in os.environ:
        return
    kept = [item for item in items if _uses_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return (
        any(item.iter_markers("django_db"))
        or any(item.iter_markers("database"))
        or bool(fixtures & {"db", "transactional_db", "live_server"})
    )


@pytest.fixture(scope="session", autouse=True)
def short_collections() -> None:
    """Leave what was imported out of collections: a long one would use up a template's time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for another host fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a test tried to reach {address!r}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def quick_settings(settings: Any, tmp_path: Path) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Each test its own: numbers of rows, which keys are made of, come again.
    memory = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": memory, "LOCATION": str(tmp_path)}}
    settings.MEDIA_ROOT = tmp_path / "media"
    forget_keys()


@pytest.fixture
def shop(db: None) -> Shop:
    return factories.make_shop()


@pytest.fixture
def other_shop(db: None) -> Shop:
    return factories.make_shop(name="Ullhuset", domain="ullhuset.example", language="nb")


@pytest.fixture
def owner(shop: Shop) -> User:
    return factories.make_user(shop, Role.ADMIN)


@pytest.fixture
def colleague(shop: Shop) -> User:
    return factories.make_user(shop, Role.VIEWER)


@pytest.fixture
def stranger(other_shop: Shop) -> User:
    """Admin of another shop."""
    return factories.make_user(other_shop, Role.ADMIN)


@pytest.fixture
def operator(db: None) -> User:
    return factories.make_operator()


@pytest.fixture
def owner_client(owner: User) -> Iterator[Client]:
    client = Client()
    client.force_login(owner)
    yield client


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A certificate for 127.0.0.1 that the process trusts."""
    context = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    smtp_opening.tls_context.cache_clear()
    yield context
    smtp_opening.tls_context.cache_clear()


@pytest.fixture
def real_mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dovecot]:
    """This process's Dovecot, whose certificate is trusted while the test runs."""
    server = dovecot()
    monkeypatch.setenv("SSL_CERT_FILE", str(server.cert))
    smtp_opening.tls_context.cache_clear()
    yield server
    smtp_opening.tls_context.cache_clear()
