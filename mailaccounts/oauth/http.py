"""HTTP to a provider: through the outbound guard, with a time limit for all of it, verified TLS.

Authlib's ``OAuth2Session`` is a ``requests`` session; the guarded adapter is the only one it has.
"""

from __future__ import annotations

from typing import Any

from authlib.integrations.requests_client import OAuth2Session

from mailaccounts.esp.guarded import GuardedAdapter, Patience, Wires
from mailaccounts.oauth.clients import Client

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0  # for the whole answer, however slowly it drips in
PATIENCE = Patience(connect=CONNECT_SECONDS, write=CONNECT_SECONDS, answer=ANSWER_SECONDS)
LONGEST_SECONDS = 2 * CONNECT_SECONDS + ANSWER_SECONDS


def session_for(client: Client, **options: Any) -> OAuth2Session:
    """A session for the provider of ``client``. Use it in a ``with``.

    No proxy of the environment, no ``.netrc``, no redirects: tokens go where the settings say.
    """
    session = OAuth2Session(
        client.client_id,
        client.secret,
        token_endpoint_auth_method="client_secret_post",
        revocation_endpoint_auth_method="client_secret_post",
        code_challenge_method="S256",
        **options,
    )
    session.trust_env = False
    session.max_redirects = 0
    session.headers["Accept-Encoding"] = "identity"  # the adapter hands the body on as it came
    adapter = GuardedAdapter(Wires(PATIENCE))
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session
