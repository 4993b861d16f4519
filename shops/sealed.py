"""Answers that nothing may keep, sniff or pass on: files to save, pages behind a secret link."""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.utils.http import content_disposition_header

LOCKED = "default-src 'none'; form-action 'none'; base-uri 'none'; sandbox"
# What would end a header line, or lead out of the folder a file is saved in.
UNSAFE_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069/\\:*?"<>|]+')
LONGEST_NAME = 150  # characters


def sealed(response: HttpResponse) -> HttpResponse:
    """Not stored, not sniffed, and telling nobody where the reader came from."""
    response["Cache-Control"] = "no-store, private"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def unlisted(response: HttpResponse) -> HttpResponse:
    """For what a link with a secret opens: its address is the key, so no search engine keeps it."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    return sealed(response)


def safe_name(name: str) -> str:
    """A file's name that no system takes for a path or a header; empty if nothing is left."""
    return UNSAFE_IN_NAMES.sub("_", name).strip(" .")[:LONGEST_NAME]


def download(content: bytes, name: str, content_type: str) -> HttpResponse:
    """A file to be saved, never opened in the panel's origin (RFC 6266)."""
    response = HttpResponse(content, content_type=content_type)
    safe = safe_name(name) or "file"
    response["Content-Disposition"] = content_disposition_header(True, safe) or "attachment"
    response["Content-Security-Policy"] = LOCKED
    return sealed(response)
