"""The one sign-in link: its token is made when the demo starts and dies with the next start."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.utils.crypto import constant_time_compare

FILE = "sign-in"


def new_token(data: Path) -> str:
    token = secrets.token_urlsafe(18)
    path = data / FILE
    path.touch(mode=0o600)
    path.write_text(token)
    return token


def is_valid(data: Path, token: str) -> bool:
    try:
        known = (data / FILE).read_text()
    except FileNotFoundError:
        return False
    return bool(known) and constant_time_compare(known, token)
