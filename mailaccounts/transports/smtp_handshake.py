"""EHLO, STARTTLS and AUTH: what of ``smtplib`` speaks while a session begins."""

from __future__ import annotations

import base64
import binascii
import hmac
import smtplib
import socket
from collections.abc import Callable
from typing import Any

from mailaccounts.transports.base import Endpoint
from mailaccounts.transports.smtp_wire import Wire


class Handshake(smtplib.SMTP):
    """``smtplib``'s EHLO, STARTTLS and AUTH over a ``Wire``; its own I/O is never used."""

    def __init__(self, wire: Wire, endpoint: Endpoint, until: Callable[[], float]) -> None:
        super().__init__(local_hostname=endpoint.helo or _own_name(wire.sock))
        self.wire = wire
        self.sock = wire.sock
        self._host = endpoint.host
        self._until = until

    def send(self, s: Any) -> None:
        self.wire.write(s.encode("ascii") if isinstance(s, str) else s, self._until())

    def getreply(self) -> tuple[int, bytes]:
        reply = self.wire.reply(self._until())
        return reply.code, reply.raw

    def auth(
        self,
        mechanism: str,
        authobject: Callable[..., str | None],
        *,
        initial_response_ok: bool = True,
    ) -> tuple[int, bytes]:
        """As ``smtplib``'s, but in UTF-8: ``smtplib`` fails on a password with a Polish letter."""
        first = authobject() if initial_response_ok else None
        code, words = self.docmd("AUTH", f"{mechanism} {base64_of(first)}" if first else mechanism)
        for _round in range(4):  # no mechanism of ours takes more; a server might go on for ever
            if code != 334:
                break
            code, words = self.docmd(base64_of(authobject(_unbase64(words))))
        if code in (235, 503):  # 503: already authenticated
            return code, words
        # Only a refused mechanism is a reason to try the next one (CRAM-MD5 is often offered and
        # impossible): a wrong password said three times locks accounts.
        if mechanism == "CRAM-MD5" or code in (500, 501, 502, 504):
            raise smtplib.SMTPAuthenticationError(code, words)
        raise smtplib.SMTPResponseException(code, words)

    def auth_login(self, challenge: Any = None) -> str:
        """ "User Name" comes first unless it was sent along; what else is asked is the password."""
        wants_user = challenge is None or b"user" in bytes(challenge).lower()
        return str(self.user if wants_user else self.password)

    def auth_cram_md5(self, challenge: Any = None) -> Any:
        if challenge is None:
            return None
        digest = hmac.new(str(self.password).encode(), challenge, "md5").hexdigest()
        return f"{self.user} {digest}"

    def close(self) -> None:
        """Closing is the wire's: ``smtplib`` closes on errors that are ours to judge."""


def _unbase64(words: bytes) -> bytes:
    try:
        return base64.b64decode(words)
    except binascii.Error:
        return b""


def base64_of(text: str | None) -> str:
    return base64.b64encode((text or "").encode()).decode("ascii")


def _own_name(sock: socket.socket) -> str:
    """This computer's name if it has a full one, else its address (RFC 5321 section 4.1.4).

    Not ``getfqdn()``, which asks a name server and may wait for it.
    """
    name = socket.gethostname()
    if "." in name and name.isascii():
        return name
    address = str(sock.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
