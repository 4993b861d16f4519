"""The return address of a delivery: MAIL FROM, to which a bounce comes back (RFC 5321, 3.3).

Where the mailbox takes such addresses it names the delivery: ``shop+b<26 letters>@example.com``.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from uuid import UUID

LONGEST_LOCAL = 64  # octets, RFC 5321 section 4.5.3.1.1
_TAG = re.compile(r".+\+b([a-z2-7]{26})@[^@]+", re.IGNORECASE)


def tagged(address: str, delivery_id: UUID) -> str:
    """``address`` with the delivery in it; as it is where that would be too long."""
    local, _at, domain = address.rpartition("@")
    tag = b32encode(delivery_id.bytes).decode().rstrip("=").lower()
    marked = f"{local}+b{tag}"
    if len(marked.encode()) > LONGEST_LOCAL:
        return address
    return f"{marked}@{domain}"


def delivery_of(address: str) -> UUID | None:
    """The delivery that a return address names; None if it is not one of ours."""
    found = _TAG.fullmatch(address.strip().strip("<>"))
    if found is None:
        return None
    tag = found[1].upper()
    value = b32decode(f"{tag}======")
    # 26 letters hold two bits more than a UUID: one that we wrote has none set.
    if b32encode(value).decode().rstrip("=") != tag:
        return None
    return UUID(bytes=value)
