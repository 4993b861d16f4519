"""How many sessions an account may have at once, over all threads, processes and hosts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailaccounts.models import SenderAccount
from maillog import claims
from maillog.models import Delivery
from maillog.session import Session
from maillog.states import State
from tests import factories
from tests.http_server import Asked, Reply, http_server
from tests.mailaccounts.api_mail import TAKEN
from tests.maillog.test_api_accounts import freshmail_account
from tests.maillog.test_drainers import drain_with, queue_many
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*jobs: Callable[[], Any]) -> None:
    """Runs the jobs in threads that begin in the same moment."""
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            start.wait(10)
            job()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def claim_into(found: list[int], account: SenderAccount, worker: str) -> None:
    found.append(len(first_claim(account, worker)))


def first_claim(account: SenderAccount, worker: str, limit: int = 1) -> list[claims.Claimed]:
    return claims.claim(account, worker, limit, holds_nothing=True)


@pytest.mark.parametrize("values", [{}, {"per_day": 1000}])
@pytest.mark.parametrize("concurrency", [1, 2])
def test_of_several_sessions_that_begin_at_once_no_more_claim_than_may_connect(
    concurrency: int, values: dict[str, int]
) -> None:
    account = factories.make_account(factories.make_shop(), concurrency=concurrency, **values)
    queue_many(account, 10)
    for _each in range(5):
        found: list[int] = []
        at_once(*(partial(claim_into, found, account, f"tests:{number}") for number in range(4)))
        assert sorted(found) == [0] * (4 - concurrency) + [1] * concurrency
        assert claims.sessions_of(account.pk) == concurrency
        Delivery.objects.update(state=State.QUEUED, lease_until=None, worker="")


def test_a_session_whose_lease_has_ended_takes_nobodys_place() -> None:
    account = factories.make_account(factories.make_shop(), concurrency=1)
    queue_many(account, 2)
    assert first_claim(account, "tests:1") and not first_claim(account, "tests:2")
    held = Delivery.objects.filter(state=State.CLAIMED)
    held.update(lease_until=held.get().due_at)
    assert first_claim(account, "tests:2")


def test_what_a_session_holds_itself_takes_no_place_from_it() -> None:
    account = factories.make_account(factories.make_shop(), concurrency=1)
    queue_many(account, 2)
    assert first_claim(account, "tests:1") and first_claim(account, "tests:1")


def test_a_provider_with_one_connection_is_never_asked_by_two_sessions_at_once(
    settings: Any,
) -> None:
    settings.CLAIM_BATCH = 2
    lock, asking, most = threading.Lock(), [0], [0]

    def answer(_asked: Asked) -> Reply:
        with lock:
            asking[0] += 1
            most[0] = max(most[0], asking[0])
        time.sleep(0.01)
        with lock:
            asking[0] -= 1
        return TAKEN["freshmail"]

    with http_server(answer) as server:
        account = freshmail_account(server.url, settings, concurrency=1)
        queue_many(account, 40)
        drain_with(3)
        assert len(server.asked) == 40
    assert most == [1]
    assert Delivery.objects.filter(state=State.SENT).count() == 40


def test_a_session_that_held_nothing_for_a_moment_ends_where_another_has_taken_its_place(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two batches a session over an API holds nothing that others could see."""
    settings.CLAIM_BATCH = 2
    claim, calls = claims.claim, []

    def after_another(*args: Any, **named: Any) -> list[claims.Claimed]:
        calls.append(args)
        if len(calls) == 2:
            assert claim(args[0], "tests:2", 1, holds_nothing=True)
        return claim(*args, **named)

    monkeypatch.setattr(claims, "claim", after_another)
    with http_server(TAKEN["freshmail"]) as server:
        account = freshmail_account(server.url, settings, concurrency=1)
        queue_many(account, 5)
        assert Session(account, "tests:1", threading.Event()).run() == 2
    assert claims.sessions_of(account.pk) == 1


def test_the_number_of_sessions_is_asked_once_a_session_and_not_once_a_batch() -> None:
    account = factories.make_account(factories.make_shop())
    queue_many(account, 2)
    counts = []
    for holds_nothing in (True, False):
        with CaptureQueriesContext(connection) as context:
            assert claims.claim(account, "tests:1", 1, holds_nothing=holds_nothing)
        counts.append(sum(each["sql"].startswith("SELECT") for each in context))
        assert not any(each["sql"].startswith("SAVEPOINT") for each in context)
    assert counts == [2, 0]


def test_a_session_says_that_it_holds_nothing_only_at_its_beginning(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CLAIM_BATCH = 3
    said: list[bool] = []
    claim = claims.claim

    def listen(*args: Any, **named: Any) -> list[claims.Claimed]:
        said.append(named["holds_nothing"])
        return claim(*args, **named)

    monkeypatch.setattr(claims, "claim", listen)
    with sink() as server:
        account = factories.make_account(factories.make_shop(), port=server.port)
        queue_many(account, 7)
        assert Session(account, "tests:1", threading.Event()).run() == 7
    assert said == [True, False, False, False]
