"""The DNS record of a DKIM key (RFC 6376 section 3.6.1)."""

from __future__ import annotations

from mailaccounts.models import DkimKey

# RFC 1035 section 3.3: a TXT record is one or more strings of at most 255 bytes.
LONGEST_STRING = 255


def record_name(key: DkimKey) -> str:
    return f"{key.selector}._domainkey.{key.domain.domain}"


def record_text(key: DkimKey) -> str:
    """What is to be pasted at most DNS operators, who split it themselves."""
    return f"v=DKIM1; k=rsa; p={key.public_key}"


def record_strings(text: str) -> list[str]:
    """``text`` as the strings of one TXT record; receivers join them without a space."""
    return [text[at : at + LONGEST_STRING] for at in range(0, len(text), LONGEST_STRING)] or [""]
