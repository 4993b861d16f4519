"""Log lines: one line each, and never a secret in them."""

from __future__ import annotations

import logging
import re

_SECRETS = re.compile(
    r"(?i)(AUTH\s+(?:PLAIN|LOGIN|XOAUTH2)\s+|Authorization:\s*(?:Bearer|Basic)\s+"
    r"|(?:password|secret|token|key)="
    # What Google and Microsoft send a browser back with stands in the request line.
    r"|[?&](?:code|state|id_token)="
    # A customer's link to a document.
    r"|/d/(?=[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])))([^\s&'\"]+)"
)
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127) if code not in (9,)}


def redact(text: str) -> str:
    """``text`` with what looks like a credential replaced by ``***``."""
    return _SECRETS.sub(r"\1***", text)


class OneLineFormatter(logging.Formatter):
    """Escapes control characters, so that a server's reply cannot forge a log line (ASVS 16.4.1).

    A traceback keeps its line breaks: its frames are ours, and nobody can read it otherwise.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        return redact(super().formatMessage(record).translate(_CONTROLS))

    def formatException(self, ei: object) -> str:
        return redact(super().formatException(ei))  # type: ignore[arg-type]
