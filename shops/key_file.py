"""The file that an installation keeps its own ``FIELD_KEYS`` in: one a line, the newest first."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet


def split_keys(text: str) -> list[str]:
    """Keys are separated by white space or commas."""
    return text.replace(",", " ").split()


def add_key(path: Path) -> str:
    """Puts a new key in front of those in the file; returns it."""
    key = Fernet.generate_key().decode()
    write_keys(path, [key, *split_keys(path.read_text())])
    return key


def write_keys(path: Path, keys: list[str]) -> None:
    """Replaces the file at once: whoever reads it meanwhile gets the old keys or the new ones."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    try:
        with fresh.open("w") as file:
            file.write("\n".join(keys) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
