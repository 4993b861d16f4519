"""What a provider's refusal means: for the queue, and in words for staff."""

from __future__ import annotations

import requests
from authlib.integrations.base_client import OAuthError
from django.utils.translation import gettext as _

from mailaccounts.esp.guarded import Lost, NotWritten
from mailaccounts.oauth.clients import Client
from mailaccounts.transports.answers import one_line
from mailaccounts.transports.base import AccountTrouble, AnswerClass, Phase
from shops.outbound import OutboundRefused

# RFC 6749 sections 4.1.2.1 and 5.2: the provider is busy, nobody has done anything wrong.
_BUSY = frozenset({"server_error", "temporarily_unavailable", "slow_down"})
_OF_THE_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
# What a request can fail with; ``ValueError`` is Authlib's for an answer that is no JSON object,
# ``AccountTrouble`` the guarded connection's.
ERRORS = (
    *(OAuthError, requests.RequestException, AccountTrouble, NotWritten, Lost),
    *(OSError, ValueError, KeyError),
)


def failure_of(error: Exception) -> str:
    """A key of ``words.FAILURES``: "client", "grant", "guard" or "net"."""
    if isinstance(error, OAuthError) and error.error not in _BUSY:
        return "client" if error.error in _OF_THE_CLIENT else "grant"
    return "guard" if isinstance(error.__cause__, OutboundRefused) else "net"


def said_back(error: str, description: str) -> str:
    """What the browser brought back from the provider, fit to store and show."""
    text = f"{error}: {description}" if description else error
    return one_line(text.encode("utf-8", "replace"))[:500]


def said(error: Exception, *secrets: str) -> str:
    """The provider's own words without any of ``secrets``, should it repeat them; "" if none.

    What ``requests`` says names the address with its path and is not shown.
    """
    if not isinstance(error, OAuthError):
        return ""
    text = said_back(str(error.error), str(error.description or ""))
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text


def trouble(client: Client, error: Exception, *secrets: str) -> AccountTrouble:
    """The renewal of a token failed: wait for the provider, or for staff."""
    failure, name = failure_of(error), client.provider.name
    if failure == "net":
        return _trouble(AnswerClass.NET, _("%s does not answer as it should just now.") % name)
    if failure == "guard":
        return _trouble(AnswerClass.AUTH, _("Connections to %s are not allowed here.") % name)
    words = said(error, *secrets)
    if failure == "client":
        return _trouble(
            AnswerClass.AUTH,
            _("%s does not take our client's secret any more. Enter a new one.") % name,
            words,
        )
    return sign_in_again(name, words)


def sign_in_again(name: str, words: str = "") -> AccountTrouble:
    """The permission was withdrawn or has ended."""
    text = _("%s does not let us send any more: sign in again.") % name
    return _trouble(AnswerClass.AUTH, text, words)


def _trouble(answer: AnswerClass, text: str, words: str = "") -> AccountTrouble:
    text = f"{text} ({words})" if words else text
    return AccountTrouble(answer, text, phase=Phase.LOGIN)
