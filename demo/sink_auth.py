"""The sink's side of AUTH: PLAIN, LOGIN and CRAM-MD5 (RFC 4954, RFC 2195), and XOAUTH2.

For XOAUTH2 a user's "password" is the access token that is valid at present.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

_ASK_USER = b"334 VXNlcm5hbWU6"
_ASK_PASSWORD = b"334 UGFzc3dvcmQ6"
_CHALLENGE = b"<1.2@sink.localhost>"
# What Google and Microsoft say to a token they do not take, before the refusal itself.
_TOKEN_REFUSED = b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'


class AuthDialogue:
    """One AUTH command: feed it lines until ``done``; ``passed`` says how it ended."""

    def __init__(self, users: Mapping[str, str], mechanisms: tuple[str, ...]) -> None:
        self._users = users
        self._mechanisms = mechanisms
        self._mechanism = b""
        self._said: list[bytes] = []
        self.done = self.passed = False

    def begin(self, line: bytes) -> bytes:
        """Take the AUTH command itself; returns the answer."""
        words = line.split()
        self._mechanism = words[1].upper() if len(words) > 1 else b""
        if self._mechanism.decode("ascii", "replace") not in self._mechanisms or not self._users:
            self.done = True
            return b"504 5.5.4 Unknown mechanism"
        if len(words) > 2:
            return self.go_on(words[2])
        if self._mechanism == b"CRAM-MD5":
            return b"334 " + base64.b64encode(_CHALLENGE)
        return _ASK_USER if self._mechanism == b"LOGIN" else b"334 "

    def go_on(self, word: bytes) -> bytes:
        """Take the answer to a challenge; returns ours."""
        try:
            self._said.append(base64.b64decode(word, validate=True))
        except binascii.Error:
            self.done = True
            return b"501 5.5.2 Not base64"
        if self._mechanism == b"LOGIN" and len(self._said) == 1:
            return _ASK_PASSWORD
        if self._mechanism == b"XOAUTH2" and len(self._said) == 1 and not self._proved():
            return b"334 " + base64.b64encode(_TOKEN_REFUSED)
        self.done = True
        self.passed = self._proved()
        return b"235 2.7.0 Welcome" if self.passed else b"535 5.7.8 Error: authentication failed"

    def _proved(self) -> bool:
        if self._mechanism == b"LOGIN":
            return self._knows(*self._said)
        if self._mechanism == b"PLAIN":
            parts = self._said[0].split(b"\0")
            return len(parts) == 3 and self._knows(*parts[1:])
        if self._mechanism == b"XOAUTH2":
            parts = self._said[0].removesuffix(b"\x01\x01").split(b"\x01auth=Bearer ")
            return len(parts) == 2 and self._knows(parts[0].removeprefix(b"user="), parts[1])
        user, _space, digest = self._said[0].partition(b" ")
        password = self._users.get(user.decode("utf-8", "replace"), "")
        return hmac.new(password.encode(), _CHALLENGE, "md5").hexdigest().encode() == digest

    def _knows(self, user: bytes, password: bytes) -> bool:
        known = self._users.get(user.decode("utf-8", "replace"))
        return known is not None and known.encode() == password
