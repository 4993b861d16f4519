"""The way to the provider and back: who started, in which browser, and that it happens once.

No request is made here. The code that comes back is stored, encrypted, and a task exchanges it.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.apps import apps
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mailaccounts.models import AccountState, SenderAccount, SignInAttempt, SignInState
from mailaccounts.oauth.clients import Client, client_for
from mailaccounts.oauth.failures import said_back
from mailaccounts.oauth.providers import provider
from shops.conf import conf
from shops.models import Role
from shops.models.people import role_in

GOOD_FOR = timedelta(minutes=10)
STUCK_AFTER = timedelta(seconds=60)
_BROWSER = "oauth_browser"  # in the session: what ties a sign-in to this browser


class SignInRefusal(Exception):
    """A sign-in cannot begin; ``str()`` says to staff why not."""


class BadReturn(Exception):
    """Somebody came back with a state that is not theirs, not ours, or used up."""


def redirect_uri() -> str:
    """The one address that providers send people back to; it is registered with the client."""
    return conf.PUBLIC_URL.rstrip("/") + reverse("oauth_callback")


def start(account: SenderAccount, user: Any, session: SessionBase) -> str:
    """Begin a sign-in; returns the provider's address that the browser is to open.

    Raises ``SignInRefusal`` where no client id is known.
    """
    client = client_for(account.kind, account.shop)
    if client is None:
        name = provider(account.kind).name
        raise SignInRefusal(_("First enter the client id and secret for %s.") % name)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    SignInAttempt.objects.create(
        account=account,
        user=user,
        client=client.row,
        provider=account.kind,
        state_digest=_digest(state),
        browser_digest=_digest(_browser(session)),
        verifier=verifier,
    )
    return _address(client, account, state, verifier)


def take_back(user: Any, session: SessionBase, query: Any) -> SignInAttempt:
    """What the provider sent the browser back with. Each state is taken once.

    ``query`` holds state and code, or an error (RFC 6749 section 4.1.2). Raises ``BadReturn``;
    for what went wrong at the provider the attempt that is returned has ended.
    """
    attempt = _mine(user, session, query.get("state", ""))
    if attempt.created_at < timezone.now() - GOOD_FOR:
        _leave(attempt, SignInState.STARTED, failure="expired")
    elif query.get("error") or not query.get("code"):
        failure = "denied" if query.get("error") == "access_denied" else "grant"
        words = said_back(query.get("error", ""), query.get("error_description", ""))
        _leave(attempt, SignInState.STARTED, failure=failure, detail=words)
    else:
        _keep_code(attempt, query["code"])
    return attempt


def fail(attempt: SignInAttempt, step: SignInState, failure: str, detail: str = "") -> None:
    """End it where it stands at ``step``; its secrets are emptied."""
    _leave(attempt, step, failure=failure, detail=detail)


def _mine(user: Any, session: SessionBase, state: str) -> SignInAttempt:
    found = SignInAttempt.objects.select_related("account__shop").filter(
        state_digest=_digest(state), step=SignInState.STARTED, user=user
    )
    attempt = found.first()
    known = session.get(_BROWSER, "")
    if attempt is None or not known or attempt.browser_digest != _digest(known):
        raise BadReturn
    account = attempt.account
    role = role_in(user, account.shop) if account.shop else None
    if account.state == AccountState.DELETED or role is None or not role.covers(Role.ACCOUNTS):
        raise BadReturn
    return attempt


def _keep_code(attempt: SignInAttempt, code: str) -> None:
    started = SignInAttempt.objects.filter(pk=attempt.pk, step=SignInState.STARTED)
    with transaction.atomic():
        if not started.update(step=SignInState.RETURNED, code=code[:4000]):
            raise BadReturn
        transaction.on_commit(lambda: _exchange_soon(attempt), robust=True)
    attempt.step = SignInState.RETURNED


def _exchange_soon(attempt: SignInAttempt) -> None:
    if apps.is_installed("django_q"):
        from django_q.tasks import async_task

        async_task("mailaccounts.oauth.tasks.exchange", str(attempt.pk))


def _leave(attempt: SignInAttempt, step: SignInState, *, failure: str, detail: str = "") -> None:
    """From ``step`` to failed; raises ``BadReturn`` if somebody else has left it already."""
    values = {
        "step": SignInState.FAILED,
        "failure": failure,
        "detail": detail,
        "ended_at": timezone.now(),
    }
    values |= {"code": "", "verifier": ""}
    if not SignInAttempt.objects.filter(pk=attempt.pk, step=step).update(**values):
        raise BadReturn
    for name, value in values.items():
        setattr(attempt, name, value)


def _address(client: Client, account: SenderAccount, state: str, verifier: str) -> str:
    there = client.provider
    hint = account.username or account.from_address
    address: str = prepare_grant_uri(
        there.authorize_url,
        client_id=client.client_id,
        response_type="code",
        redirect_uri=redirect_uri(),
        scope=" ".join(there.scopes),
        state=state,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
        **there.extra,
        **({"login_hint": hint} if hint else {}),
    )
    return address


def _browser(session: SessionBase) -> str:
    """A secret of this session; the session's own key is no use, it changes with each log-in."""
    known: str = session.setdefault(_BROWSER, secrets.token_urlsafe(32))
    return known


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
