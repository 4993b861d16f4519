"""News travels one way: an app imports only from apps to its left."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ["shops", "mailaccounts", "maillog", "sms", "templates_tx", "config"]
BANNED_NAMES = {"utils.py", "helpers.py", "common.py", "manager.py"}
BANNED_CALLS = ("get_connection", "EMAIL_HOST", "EMAIL_BACKEND")


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("room", ROOMS)
def test_an_app_imports_only_from_its_left(room: str) -> None:
    to_the_right = set(ROOMS[ROOMS.index(room) + 1 :]) | {"demo", "tests", "bench"}
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for name in imported(path) & to_the_right
    }
    assert wrong - allowed() == set()


def allowed() -> set[str]:
    return {"config/urls.py imports demo"}


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = {path.name for room in (*ROOMS, "demo") for path in modules(room)}
    assert named & BANNED_NAMES == set()


def test_no_module_uses_what_django_is_about_to_remove() -> None:
    for room in (*ROOMS, "demo"):
        for path in modules(room):
            text = path.read_text(encoding="utf-8")
            assert not any(word in text for word in BANNED_CALLS), path


def test_a_transport_knows_nothing_of_the_queue() -> None:
    for path in (ROOT / "mailaccounts" / "transports").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "maillog" not in imported(path)
        assert ".objects" not in source and ".save(" not in source
