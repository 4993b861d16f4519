"""HTTP to a provider: through the outbound guard, with one time limit for all of it, verified TLS.

Authlib's ``OAuth2Session`` is a ``requests`` session; this mounts the only adapter it may use.
"""

from __future__ import annotations

import socket
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from mailaccounts.oauth.clients import Client
from shops import outbound
from shops.conf import conf

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0  # for one request, however slowly the answer drips in
LONGEST_ANSWER = 256 * 1024  # bytes
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def session_for(client: Client, **options: Any) -> OAuth2Session:
    """A session that reaches the provider's own addresses and nothing else. Use it in a ``with``.

    No proxy of the environment, no ``.netrc``, no redirects: tokens go where the settings say.
    """
    session = OAuth2Session(
        client.client_id,
        client.secret,
        token_endpoint_auth_method="client_secret_post",
        revocation_endpoint_auth_method="client_secret_post",
        code_challenge_method="S256",
        default_timeout=TOTAL_SECONDS,
        **options,
    )
    session.trust_env = False
    session.max_redirects = 0
    for scheme in ("https://", "http://"):
        session.mount(scheme, _GuardedAdapter())
    return session


class _Guarded:
    """A connection that the guard opens. The operator's settings name the host, so it may be
    anywhere and on any port; what staff typed (a directory's name) is only in the path."""

    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        allow = [*conf.OUTBOUND_ALLOW, f"{self.host}:{self.port}"]
        return outbound.connect(self.host, self.port, timeout=CONNECT_SECONDS, allow=allow)


class _GuardedHttp(_Guarded, HTTPConnection):
    pass


class _GuardedHttps(_Guarded, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHttps


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """Send, and read the whole answer within ``TOTAL_SECONDS``; raises ``requests`` errors."""
        url = urlsplit(request.url or "")
        if url.scheme != "https" and url.hostname not in _LOOPBACK:
            raise requests.exceptions.InvalidURL("a provider is asked over https only")
        ends = time.monotonic() + TOTAL_SECONDS
        response = super().send(request, **{**kwargs, "stream": True})
        response._content = _read(response, ends)
        return response


def _read(response: requests.Response, ends: float) -> bytes:
    """The body, in whatever pieces it comes; raises ``requests`` errors."""
    read = bytearray()
    try:
        while piece := response.raw.read1(8192, decode_content=True):
            read += piece
            if len(read) > LONGEST_ANSWER:
                raise requests.exceptions.ContentDecodingError("the answer has no end")
            if time.monotonic() > ends:
                raise requests.exceptions.ReadTimeout("the answer took too long")
    except HTTPError as error:
        raise requests.exceptions.ConnectionError("the answer broke off") from error
    finally:
        response.close()
    return bytes(read)
