"""What a server's certificate says, and why it was not accepted."""

from __future__ import annotations

import enum
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

# X509_V_ERR_… of OpenSSL, as ``ssl.SSLCertVerificationError.verify_code`` has them.
_EXPIRED = frozenset({10})
_NOT_YET = frozenset({9})
_SELF_SIGNED = frozenset({18, 19})
_UNKNOWN_ISSUER = frozenset({2, 20, 21})
_WRONG_NAME = frozenset({62, 64})


class Cause(enum.StrEnum):
    """Why a step failed, where more is known than the server's answer."""

    NONE = ""
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    SELF_SIGNED = "self_signed"
    UNKNOWN_ISSUER = "unknown_issuer"
    WRONG_NAME = "wrong_name"
    CERTIFICATE = "certificate"  # another fault of it
    NO_TLS = "no_tls"  # no handshake came about: most often the wrong kind of TLS for the port
    NO_STARTTLS = "no_starttls"
    NO_NAME = "no_name"
    NAME_UNREADABLE = "name_unreadable"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    GUARDED = "guarded"
    CLEAR_PASSWORD = "clear_password"

    @property
    def is_certificate(self) -> bool:
        """True if ignoring certificate errors would have let us in."""
        return self in _OF_CERTIFICATES


_OF_CERTIFICATES = frozenset(
    {
        Cause.EXPIRED,
        Cause.NOT_YET_VALID,
        Cause.SELF_SIGNED,
        Cause.UNKNOWN_ISSUER,
        Cause.WRONG_NAME,
        Cause.CERTIFICATE,
    }
)


def cause_of_refusal(error: ssl.SSLCertVerificationError) -> Cause:
    """Sorts what OpenSSL found wrong with a certificate."""
    table = {
        Cause.EXPIRED: _EXPIRED,
        Cause.NOT_YET_VALID: _NOT_YET,
        Cause.SELF_SIGNED: _SELF_SIGNED,
        Cause.UNKNOWN_ISSUER: _UNKNOWN_ISSUER,
        Cause.WRONG_NAME: _WRONG_NAME,
    }
    code = getattr(error, "verify_code", 0)
    return next((cause for cause, codes in table.items() if code in codes), Cause.CERTIFICATE)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Names and end of a certificate; ``until`` is aware, in UTC."""

    subject: str
    issuer: str
    until: datetime


def certificate_of(sock: socket.socket) -> Certificate | None:
    """The certificate of the other side, checked or not; None without TLS."""
    der = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
    if not der:
        return None
    try:
        found = x509.load_der_x509_certificate(der)
        return Certificate(_name(found.subject), _name(found.issuer), found.not_valid_after_utc)
    except ValueError:
        return None


def _name(name: x509.Name) -> str:
    """The name for people: the common name, else the organisation, else all of it."""
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(oid):
            return str(found[0].value)[:200]
    return name.rfc4514_string()[:200]
