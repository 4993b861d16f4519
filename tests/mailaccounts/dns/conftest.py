"""A name server on loopback and a resolver that asks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailaccounts.dns.resolver import Resolver
from tests.name_server import NameServer


@pytest.fixture(scope="session")
def one_server() -> Iterator[NameServer]:
    with NameServer() as server:
        yield server


@pytest.fixture
def names(one_server: NameServer) -> NameServer:
    one_server.clear()
    return one_server


@pytest.fixture
def resolver(names: NameServer) -> Resolver:
    return Resolver([names.address], lifetime=2)
