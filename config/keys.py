"""Keys that an installation makes for itself on its first start.

They live as files in the data folder, readable by their owner only, so that a newcomer needs to
configure nothing and a backup of the folder is complete. The environment overrides them.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet


def read_or_create(path: Path, make: str) -> str:
    """The text of ``path``; made first (``make`` is "token" or "fernet") if it does not exist.

    Two processes that start at once agree on one key: the file is written under another name and
    linked, and the first link wins.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        value = Fernet.generate_key().decode() if make == "fernet" else secrets.token_urlsafe(64)
        fresh.touch(mode=0o600)
        fresh.write_text(value + "\n")
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
