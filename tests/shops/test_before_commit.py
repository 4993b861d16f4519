from __future__ import annotations

import pytest
from django.db import connection, transaction

from shops.before_commit import before_commit
from shops.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)


def note(action: str) -> None:
    AuditEntry.note(action, shop=None, user=None)


def later(action: str, key: str = "") -> None:
    before_commit(lambda: note(action), using="default", key=key or action)


def noted() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_it_runs_after_the_caller_s_work_and_inside_the_transaction() -> None:
    inside: list[bool] = []
    with transaction.atomic():
        before_commit(lambda: inside.append(connection.in_atomic_block), using="default", key=1)
        later("last")
        note("first")
    assert noted() == ["first", "last"]
    assert inside == [True]
    assert not connection.in_atomic_block


def test_it_runs_once_for_each_key_in_one_transaction() -> None:
    with transaction.atomic():
        later("one", "same")
        later("other", "same")
    with transaction.atomic():
        later("again", "same")
    assert noted() == ["one", "again"]


def test_work_may_ask_for_more_work_and_for_callbacks_after_the_commit() -> None:
    seen: list[str] = []

    def work() -> None:
        later("more")
        transaction.on_commit(lambda: seen.append("committed"))

    with transaction.atomic():
        before_commit(work, using="default", key="work")
    assert noted() == ["more"]
    assert seen == ["committed"]


def test_a_savepoint_that_is_rolled_back_takes_its_work_along() -> None:
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            later("lost", "same")
            raise ZeroDivisionError
        later("kept", "same")
    assert noted() == ["kept"]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_what_it_raises_rolls_everything_back_and_leaves_the_connection_usable(
    error: type[BaseException],
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(error), transaction.atomic():
        note("undone")
        before_commit(fail, using="default", key="fail")
    assert noted() == []
    with transaction.atomic():
        note("next")
    assert noted() == ["next"]


def test_outside_a_transaction_it_runs_at_once() -> None:
    later("now")
    assert noted() == ["now"]
