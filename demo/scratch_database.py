"""Empties the database of ``demo --once``: only one that is called ``postroom_demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
import psycopg
from psycopg import sql

from demo.options import CannotRun

NAME = "postroom_demo"


class NotADemoDatabase(CannotRun):
    """The URL names something that must not, or cannot, be emptied."""


def empty(url: str) -> None:
    """Leaves an empty database behind; makes one if there is none.

    Raises ``NotADemoDatabase`` for another name or an engine that we do not run on.
    """
    try:
        settings = environ.Env.db_url_config(url)
    except Exception as error:
        raise NotADemoDatabase(f"--database-url cannot be read: {error}") from error
    engine = str(settings.get("ENGINE", ""))
    if engine.endswith("sqlite3"):
        _empty_file(Path(str(settings["NAME"])))
    elif engine.endswith("postgresql"):
        _empty_server(settings)
    else:
        raise NotADemoDatabase("--database-url must begin with sqlite:// or postgresql://")


def _refuse_unless_ours(name: str) -> None:
    if name != NAME:
        raise NotADemoDatabase(
            f"--database-url names “{name}”. The database is emptied first, so it must be called "
            f"{NAME}."
        )


def _empty_file(path: Path) -> None:
    _refuse_unless_ours(path.stem)
    path.parent.mkdir(parents=True, exist_ok=True)
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _empty_server(settings: dict[str, Any]) -> None:
    _refuse_unless_ours(str(settings["NAME"]))
    how = {
        "host": settings.get("HOST"),
        "port": settings.get("PORT"),
        "user": settings.get("USER"),
        "password": settings.get("PASSWORD"),
        **settings.get("OPTIONS", {}),
    }
    given = {name: value for name, value in how.items() if value}
    try:
        if not _exists(given):
            _run(given, "postgres", sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
        _clear(given)
    except psycopg.Error as error:
        raise NotADemoDatabase(f"{NAME} could not be emptied: {error}") from error


def _exists(given: dict[str, Any]) -> bool:
    try:
        psycopg.connect(**given, dbname=NAME, connect_timeout=10).close()
    except psycopg.OperationalError:
        # "It does not exist" has no code of its own here; anything else fails again in CREATE.
        return False
    return True


def _clear(given: dict[str, Any]) -> None:
    _run(
        given,
        NAME,
        # Workers of an earlier run that was killed would keep their locks for ever.
        sql.SQL(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND usename = current_user"
        ),
        sql.SQL("DROP SCHEMA IF EXISTS public CASCADE"),
        sql.SQL("CREATE SCHEMA public"),
    )


def _run(given: dict[str, Any], database: str, *statements: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(
        **given, dbname=database, autocommit=True, connect_timeout=10
    ) as connection:
        for statement in statements:
            connection.execute(statement)
