"""One key pair for all tests of a process: making one takes a tenth of a second."""

from __future__ import annotations

from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

_pair = generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = _pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = b64encode(
    _pair.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
RECORD = f"v=DKIM1; k=rsa; p={PUBLIC}".encode()
