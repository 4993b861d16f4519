"""Lists of tags, as DKIM keys and DMARC policies are written (RFC 6376, section 3.2)."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e\s]*", re.ASCII)


class BadTags(ValueError):
    """``str()`` is the part that is no "name=value", or a name that stands twice."""


def read_tags(text: str) -> dict[str, str]:
    """Name, in lower case, and value of each tag, in order. Raises ``BadTags``."""
    tags: dict[str, str] = {}
    parts = text.split(";")
    if parts and not parts[-1].strip():
        parts.pop()
    for part in parts:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        readable = equals and _NAME.fullmatch(name) and _VALUE.fullmatch(value)
        if not readable or name.lower() in tags:
            raise BadTags(part.strip())
        tags[name.lower()] = value
    return tags
