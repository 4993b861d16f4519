"""Lists of tags, as DKIM keys and DMARC policies are written (RFC 6376, section 3.2)."""

from __future__ import annotations

import re

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*([\x21-\x3a\x3c-\x7e\s]*?)\s*", re.ASCII)


class BadTags(ValueError):
    """``str()`` is the part that is no "name=value", or a name that stands twice."""


def read_tags(text: str) -> dict[str, str]:
    """Name, in lower case, and value of each tag, in order. Raises ``BadTags``."""
    tags: dict[str, str] = {}
    parts = text.split(";")
    if parts and not parts[-1].strip():
        parts.pop()
    for part in parts:
        match = _TAG.fullmatch(part)
        if match is None or match[1].lower() in tags:
            raise BadTags(part.strip())
        tags[match[1].lower()] = match[2]
    return tags
