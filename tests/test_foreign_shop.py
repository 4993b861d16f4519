"""The five apps beside somebody else's order model: a Django project of its own, in processes of
its own, because settings are read once in a process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "tests" / "foreign_shop"
PYTEST = ("-m", "pytest", "-c", "pytest.ini", "--rootdir", ".", "--confcutdir", ".", "story.py")


def run(data: Path, *command: str, **environment: str) -> str:
    """Runs Python in the foreign project; returns what it printed, fails if the command failed."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJANGO_", "PYTEST", "POSTROOM"))
    }
    if inherited.get("DATABASE_URL", "").startswith("sqlite"):
        del inherited["DATABASE_URL"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT,
        env={**inherited, "FOREIGN_SHOP_DATA": str(data), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
@pytest.mark.database
def test_orders_of_a_foreign_model_are_written_about(tmp_path: Path) -> None:
    printed = run(tmp_path, *PYTEST, "-q")
    assert int(re.findall(r"(\d+) passed", printed)[0]) >= 20


@pytest.mark.slow
def test_the_apps_fit_into_a_project_with_its_own_user_model(tmp_path: Path) -> None:
    fresh = f"sqlite:///{tmp_path}/fresh.sqlite3"
    printed = run(tmp_path, "manage.py", "migrate", DATABASE_URL=fresh)
    assert "Applying maillog.0001_initial... OK" in printed
    assert "No changes detected" in run(
        tmp_path, "manage.py", "makemigrations", "--check", "--dry-run", DATABASE_URL=fresh
    )
    printed = run(tmp_path, "manage.py", "check", "--fail-level", "WARNING", DATABASE_URL=fresh)
    assert "no issues" in printed


def test_the_guide_shows_the_very_code_that_is_tested() -> None:
    guide = (ROOT / "docs" / "foreign-orders.md").read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)[0]
    tested = (PROJECT / "store" / "mail.py").read_text(encoding="utf-8")
    assert shown == tested.replace("  # noqa: I001", "")
