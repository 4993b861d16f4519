"""DKIM (RFC 6376): our keys for a shop's domains, their DNS records, and the signature itself."""

from mailaccounts.dkim.kept import forget_keys, kept_signing_keys
from mailaccounts.dkim.keys import (
    KEPT_IN_DNS,
    KEY_ALARM,
    Advance,
    activate,
    advance_keys,
    drop_new_key,
    make_key,
    new_key,
    signing_keys,
)
from mailaccounts.dkim.records import record_name, record_strings, record_text
from mailaccounts.dkim.signature import SigningFailed, SigningKey, sign

__all__ = [
    "KEPT_IN_DNS",
    "KEY_ALARM",
    "Advance",
    "SigningFailed",
    "SigningKey",
    "activate",
    "advance_keys",
    "drop_new_key",
    "make_key",
    "forget_keys",
    "kept_signing_keys",
    "new_key",
    "record_name",
    "record_strings",
    "record_text",
    "sign",
    "signing_keys",
]
