"""Statements past Django's cursor are part of Django's transactions, and so are savepoints."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, DataError, connection, transaction

from shops import quick_sql
from shops.models import Customer, Shop
from shops.savepoint import savepoint

pytestmark = pytest.mark.django_db(transaction=True)

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="for PostgreSQL alone")
ADD = (
    "INSERT INTO shops_customer"
    " (shop_id, email, first_name, last_name, phone, language, created_at)"
    " VALUES (%s, %s, '', '', '', '', %s) RETURNING id"
)


def add(shop: Shop, email: str) -> list[tuple[Any, ...]]:
    moment = connection.ops.adapt_datetimefield_value(datetime(2026, 11, 25, tzinfo=UTC))
    return quick_sql.rows(ADD, [shop.pk, email, moment])


def emails() -> list[str]:
    return sorted(Customer.objects.values_list("email", flat=True))


def test_what_is_written_is_read_again() -> None:
    values = ["zażółć 📦 'quoted' %s \\", 7, None, True]
    sql = "SELECT CAST(%s AS varchar(80)), CAST(%s AS integer), CAST(%s AS integer), %s = 1"
    if connection.vendor == "postgresql":
        sql = sql.replace("%s = 1", "%s::boolean")
    [row] = quick_sql.rows(sql, values)
    assert (*row[:3], bool(row[3])) == tuple(values)
    assert quick_sql.rows("SELECT 1 WHERE 1 = 2", []) == []


@on_postgresql
def test_a_nul_is_refused_and_does_not_cut_the_text() -> None:
    with pytest.raises(DataError, match="NUL"):
        quick_sql.rows("SELECT %s::text", ["half\0gone"])
    with pytest.raises(TypeError, match="object"):
        quick_sql.rows("SELECT %s::text", [object()])


def test_it_is_undone_with_the_transaction_that_it_begins(shop: Shop) -> None:
    before = emails()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert add(shop, "first@klient.example")
        raise ZeroDivisionError
    assert emails() == before
    add(shop, "alone@klient.example")
    assert emails() == sorted([*before, "alone@klient.example"])


def test_it_is_refused_in_a_transaction_that_has_failed(shop: Shop) -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(DatabaseError):
            add(shop, "anna@klient.example")


@pytest.mark.parametrize("inner", ["error", "database", "unguarded"])
def test_what_goes_wrong_after_a_savepoint_leaves_the_transaction_usable(
    shop: Shop, inner: str
) -> None:
    before = emails()
    with transaction.atomic():
        add(shop, "a@klient.example")
        with pytest.raises((DatabaseError, ZeroDivisionError)), savepoint():
            add(shop, "b@klient.example")
            if inner == "error":
                raise ZeroDivisionError
            elif inner == "database":
                Customer.objects.create(shop=shop, email="a@klient.example")
            else:
                with transaction.atomic(savepoint=False):
                    raise ZeroDivisionError
        with savepoint():
            add(shop, "c@klient.example")
            with savepoint():
                add(shop, "d@klient.example")
    assert [each for each in emails() if each not in before] == [
        "a@klient.example",
        "c@klient.example",
        "d@klient.example",
    ]


def test_a_failure_that_was_caught_inside_is_undone_without_a_word(shop: Shop) -> None:
    before = emails()
    with transaction.atomic():
        with savepoint():
            add(shop, "b@klient.example")
            with suppress(ZeroDivisionError), transaction.atomic(savepoint=False):
                raise ZeroDivisionError
        add(shop, "c@klient.example")
    assert emails() == sorted([*before, "c@klient.example"])


@on_postgresql
def test_an_error_of_the_database_that_was_caught_inside_is_raised_at_the_end(shop: Shop) -> None:
    before = emails()
    with transaction.atomic():
        with pytest.raises(DatabaseError), savepoint(), suppress(DataError):
            quick_sql.rows("SELECT 1 / %s::integer", [0])
        add(shop, "c@klient.example")
    assert emails() == sorted([*before, "c@klient.example"])


def test_outside_a_transaction_a_savepoint_is_one(shop: Shop) -> None:
    before = emails()
    with pytest.raises(ZeroDivisionError), savepoint():
        add(shop, "a@klient.example")
        raise ZeroDivisionError
    assert emails() == before and not connection.in_atomic_block


@on_postgresql
@pytest.mark.parametrize(
    "lost", ["DEALLOCATE ALL", "ALTER TABLE shops_customer ADD COLUMN more int"]
)
def test_a_plan_that_is_lost_is_made_again(shop: Shop, lost: str) -> None:
    sql = "SELECT * FROM shops_customer WHERE shop_id = %s"
    add(shop, "anna@klient.example")
    before = len(quick_sql.rows(sql, [shop.pk]))
    with connection.cursor() as cursor:
        cursor.execute(lost)
    try:
        assert len(quick_sql.rows(sql, [shop.pk])) == before
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE shops_customer DROP COLUMN IF EXISTS more")
        connection.close()


@on_postgresql
def test_a_transaction_begins_as_the_settings_say(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {**connection.settings_dict["OPTIONS"], "isolation_level": 4}  # SERIALIZABLE
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    connection.close()
    with transaction.atomic():
        asked = quick_sql.rows("SHOW transaction_isolation", [])
    monkeypatch.undo()
    connection.close()
    assert asked == [("serializable",)]
