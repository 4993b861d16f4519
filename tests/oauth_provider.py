"""A provider on loopback that does what Google and Microsoft do, and misbehaves on demand.

Strict where they are: one use of a code, PKCE, client secret, redirect address. ``users`` maps a
mailbox to its one valid access token: the demo's sink takes the same dictionary.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

CLIENT_ID = "client-4711.apps.example"
CLIENT_SECRET = "kanarek-client-secret"
MAILBOX = "sklep@rowerownia.example"


@dataclass
class Provider:
    """``granted`` replaces the scopes that were asked for; ``answers`` are said first, in turn."""

    port: int = 0
    mailbox: str = MAILBOX
    granted: str | None = None
    lifetime: int = 3600
    rotates: bool = True
    gives_refresh: bool = True
    refresh_lasts: int | None = None
    delay: float = 0.0
    answers: list[tuple[int, str]] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)  # token → mailbox
    asked: list[dict[str, str]] = field(default_factory=list)  # bodies of the token endpoint
    revoked: list[str] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)  # every secret it has ever given out
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def refreshes(self) -> int:
        return sum(body.get("grant_type") == "refresh_token" for body in self.asked)

    def consent(self, address: str, **changes: str) -> dict[str, str]:
        """What the browser is sent back with when somebody says yes at ``address``."""
        asked = {**dict(parse_qsl(urlsplit(address).query)), **changes}
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        code = self._new("code")
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, body: dict[str, str]) -> tuple[int, str]:
        time.sleep(self.delay)
        with self.lock:
            self.asked.append(body)
            if self.answers:
                return self.answers.pop(0)
            if (body.get("client_id"), body.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
                return _error("invalid_client", 401)
            if body["grant_type"] == "authorization_code":
                return self._by_code(body)
            return self._by_refresh(body)

    def revoke(self, token: str) -> tuple[int, str]:
        self.revoked.append(token)
        mailbox = self.refresh_tokens.pop(token, "")
        self.users.pop(mailbox, None)
        return (200, "{}") if mailbox else _error("invalid_token")

    def revoke_all(self) -> None:
        """Somebody takes the permission away at the provider."""
        self.refresh_tokens.clear()
        self.users.clear()

    def _by_code(self, body: dict[str, str]) -> tuple[int, str]:
        asked = self.codes.pop(body.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != body.get("redirect_uri"):
            return _error("invalid_grant")
        digest = hashlib.sha256(body.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return _error("invalid_grant")
        claims = {"aud": CLIENT_ID, "email": self.mailbox, "iss": self.url}
        scope = asked["scope"] if self.granted is None else self.granted
        return self._tokens(scope=scope, id_token=f"e30.{_b64(json.dumps(claims))}.sig")

    def _by_refresh(self, body: dict[str, str]) -> tuple[int, str]:
        old = body.get("refresh_token", "")
        if old not in self.refresh_tokens:
            return _error("invalid_grant", description="Token has been expired or revoked.")
        if self.rotates:
            del self.refresh_tokens[old]
        return self._tokens(with_refresh=self.rotates)

    def _tokens(self, *, with_refresh: bool = True, **more: str) -> tuple[int, str]:
        access = self._new("access")
        self.users[self.mailbox] = access
        answer: dict[str, object] = {"access_token": access, "token_type": "Bearer", **more}
        answer["expires_in"] = self.lifetime
        if with_refresh and self.gives_refresh:
            answer["refresh_token"] = refresh = self._new("refresh")
            self.refresh_tokens[refresh] = self.mailbox
        if self.refresh_lasts:
            answer["refresh_token_expires_in"] = self.refresh_lasts
        return 200, json.dumps(answer)

    def _new(self, kind: str) -> str:
        value = f"kanarek-{kind}-{secrets.token_hex(12)}"
        self.issued.append(value)
        return value


def _error(error: str, status: int = 400, description: str = "") -> tuple[int, str]:
    return status, json.dumps({"error": error, "error_description": description})


def _b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@contextmanager
def oauth_provider(**options: object) -> Iterator[Provider]:
    """Run one; ``/authorize`` says yes at once, as if somebody had clicked."""
    provider = Provider(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            back = provider.consent(self.path)
            redirect_uri = dict(parse_qsl(urlsplit(self.path).query))["redirect_uri"]
            self.send_response(302)
            self.send_header("Location", f"{redirect_uri}?{urlencode(back)}")
            self.end_headers()

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            body = dict(parse_qsl(text))
            if self.path.endswith("/revoke"):
                status, answer = provider.revoke(body.get("token", ""))
            else:
                status, answer = provider.token(body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.encode())))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def point_settings_at(provider: Provider, settings: object, smtp_port: int = 25) -> None:
    """Both providers' addresses, the installation's clients, and the mail servers."""
    base = provider.url
    values = {
        "GOOGLE_AUTH_URL": f"{base}/authorize",
        "GOOGLE_TOKEN_URL": f"{base}/token",
        "GOOGLE_REVOKE_URL": f"{base}/revoke",
        "MICROSOFT_AUTHORITY": base,
        "GOOGLE_SMTP": f"smtp://127.0.0.1:{smtp_port}",
        "MICROSOFT_SMTP": f"smtp+starttls://127.0.0.1:{smtp_port}",
    }
    for name in ("GOOGLE", "MICROSOFT"):
        values |= {f"{name}_CLIENT_ID": CLIENT_ID, f"{name}_CLIENT_SECRET": CLIENT_SECRET}
    for name, value in values.items():
        setattr(settings, name, value)
