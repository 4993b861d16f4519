"""Is the DKIM key in DNS the one we sign with, and is it any good? (RFC 6376, 8301, 8463)"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailaccounts.dns.resolver import DnsTrouble, Resolver
from mailaccounts.dns.tags import BadTags, read_tags

SHORTEST_BITS = 1024  # RFC 8301, section 3.2: receivers must not trust shorter ones
GOOD_BITS = 2048


class DkimStatus(StrEnum):
    PASS = "pass"
    SHORT = "short-key"  # works, should be longer
    TESTING = "testing"  # "t=y": receivers treat the mail as unsigned
    MISSING = "missing"
    REVOKED = "revoked"
    WRONG_KEY = "wrong-key"
    TOO_SHORT = "too-short"
    SEVERAL = "several-records"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


IN_ORDER = frozenset({DkimStatus.PASS, DkimStatus.SHORT, DkimStatus.TESTING})


@dataclass(frozen=True, slots=True)
class KeyToFind:
    """A selector, and the public key that should stand there (base64), "" if we hold none."""

    selector: str
    public_key: str = ""
    state: str = ""

    @property
    def record(self) -> str | None:
        """The text of the TXT record."""
        return f"v=DKIM1; k=rsa; p={self.public_key}" if self.public_key else None


@dataclass(frozen=True, slots=True)
class DkimReport:
    """``expected`` is the record to publish where the key is ours; ``bits`` the key's length."""

    selector: str
    name: str
    status: DkimStatus
    found: tuple[str, ...] = ()
    expected: str | None = None
    bits: int | None = None
    state: str = ""

    @property
    def is_ours(self) -> bool:
        """True if our own key was found and receivers can use it."""
        return self.expected is not None and self.status in IN_ORDER

    def as_dict(self) -> dict[str, Any]:
        return {
            "selector": self.selector,
            "name": self.name,
            "status": self.status.value,
            "found": list(self.found),
            "proposed": None if self.status in IN_ORDER else self.expected,
            "bits": self.bits,
            "state": self.state,
        }


def check_dkim(domain: str, key: KeyToFind, resolver: Resolver) -> DkimReport:
    """The record of one selector. Never raises for what DNS does."""
    name = f"{key.selector}._domainkey.{domain}"
    try:
        found = resolver.txt(name)
    except DnsTrouble:
        return DkimReport(
            key.selector, name, DkimStatus.TEMPERROR, expected=key.record, state=key.state
        )
    status, bits = judge(found, key.public_key)
    return DkimReport(key.selector, name, status, found, key.record, bits, key.state)


def judge(found: tuple[str, ...], public_key: str = "") -> tuple[DkimStatus, int | None]:
    """What the records at a selector are worth, and the length of the key in bits."""
    if len(found) != 1:
        return (DkimStatus.SEVERAL if found else DkimStatus.MISSING), None
    try:
        tags = read_tags(found[0])
    except BadTags:
        return DkimStatus.PERMERROR, None
    kind = tags.get("k", "rsa").lower()
    in_dns = "".join(tags.get("p", "").split())
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags or kind not in ("rsa", "ed25519"):
        return DkimStatus.PERMERROR, None
    if not in_dns:
        return DkimStatus.REVOKED, None
    bits = _bits(kind, in_dns)
    if bits is None or not _may_sign_mail(tags):
        return DkimStatus.PERMERROR, bits
    if public_key and in_dns != public_key:
        return DkimStatus.WRONG_KEY, bits
    return _strength(kind, bits, tags), bits


def _strength(kind: str, bits: int, tags: dict[str, str]) -> DkimStatus:
    if kind == "rsa" and bits < SHORTEST_BITS:
        return DkimStatus.TOO_SHORT
    if "y" in _listed(tags.get("t", "")):
        return DkimStatus.TESTING
    return DkimStatus.SHORT if kind == "rsa" and bits < GOOD_BITS else DkimStatus.PASS


def _may_sign_mail(tags: dict[str, str]) -> bool:
    services, hashes = _listed(tags.get("s", "*")), _listed(tags.get("h", "sha256"))
    return bool({"*", "email"} & services) and "sha256" in hashes


def _listed(value: str) -> set[str]:
    return {each.strip().lower() for each in value.split(":")}


def _bits(kind: str, encoded: str) -> int | None:
    """The key's length; None if it is no key."""
    try:
        raw = base64.b64decode(encoded, validate=True)
        if kind == "ed25519":
            return 256 if len(raw) == 32 else None
        key = load_der_public_key(raw)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, RSAPublicKey) else None
