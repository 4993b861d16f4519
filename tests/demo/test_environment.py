"""The demo beside a configured installation: nothing of that installation is touched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from demo.environment import Surroundings, prepare, variables

SETTINGS = Path(__file__).parent.parent.parent / "config" / "settings.py"
# What an installation may have set and a demo may as well obey: no address, no key, no store.
HARMLESS = {
    *("SUPPORT_URL", "CONN_MAX_AGE", "SESSIONS_PER_PROCESS", "LOG_LEVEL"),
    *("MAX_ATTACHMENT_BYTES", "MAX_MESSAGE_BYTES", "DOCUMENT_LINK_DAYS"),
}


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return Surroundings(data=tmp_path, database_url="sqlite:///x", smtp="127.0.0.1:2525")


def test_every_setting_is_the_demos_own_or_harmless(around: Surroundings) -> None:
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', SETTINGS.read_text(encoding="utf-8")))

    assert len(read) > 15
    assert read - set(variables(around)) == HARMLESS


def test_a_secret_in_a_file_does_not_win_over_the_demos_value(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setattr(os, "environ", {"DATABASE_URL_FILE": "/run/secrets/database"})

    prepare(around)

    assert os.environ["DATABASE_URL"] == "sqlite:///x"
    assert os.environ["DATABASE_URL_FILE"] == ""


def test_only_the_demos_own_mail_server_is_let_through(around: Surroundings) -> None:
    found = variables(around)

    assert found["OUTBOUND_ALLOW"] == "127.0.0.1:2525"
    assert found["SYSTEM_SENDER_URL"] == "smtp://127.0.0.1:2525"
