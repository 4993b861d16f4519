"""Which OAuth client (the application registered at the provider) stands behind a sign-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from mailaccounts.models import OAuthClient, SenderAccount
from mailaccounts.oauth.providers import Provider, provider
from shops.conf import conf
from shops.models import Shop
from shops.secrets import UnreadableSecret


@dataclass(frozen=True, slots=True)
class Client:
    """``row`` is None for the client of the settings. ``repr`` leaves the secret out."""

    provider: Provider
    client_id: str
    secret: str = field(repr=False)
    row: OAuthClient | None = None
    secret_expires_on: date | None = None
    in_testing: bool = False


def client_for(key: str, shop: Shop | None) -> Client | None:
    """The client for a new sign-in: the shop's own, else the installation's row, else settings."""
    rows = OAuthClient.objects.filter(provider=key)
    row = rows.filter(shop=shop).first() if shop else None
    row = row or rows.filter(shop=None).first()
    return of_row(row) if row else _of_settings(key)


def client_of(account: SenderAccount) -> Client | None:
    """The client that the account's tokens belong to: no other one can renew them."""
    row = account.oauth_client
    return of_row(row) if row else _of_settings(account.kind)


def client_of_row(key: str, row: OAuthClient | None) -> Client | None:
    """``row``, or the client of the settings where a sign-in was started without one."""
    return of_row(row) if row else _of_settings(key)


def of_row(row: OAuthClient) -> Client | None:
    """None where the stored secret can no longer be read."""
    if isinstance(row.client_secret, UnreadableSecret):
        return None
    return Client(
        provider=provider(row.provider, row.tenant),
        client_id=row.client_id,
        secret=row.client_secret,
        row=row,
        secret_expires_on=row.secret_expires_on,
        in_testing=row.in_testing,
    )


def _of_settings(key: str) -> Client | None:
    if key == "google":
        known = conf.GOOGLE_CLIENT_ID, conf.GOOGLE_CLIENT_SECRET
        ends, in_testing = None, conf.GOOGLE_IN_TESTING
    else:
        known = conf.MICROSOFT_CLIENT_ID, conf.MICROSOFT_CLIENT_SECRET
        ends, in_testing = _date(conf.MICROSOFT_SECRET_EXPIRES_ON), False
    if not known[0]:
        return None
    return Client(provider(key), *known, secret_expires_on=ends, in_testing=in_testing)


def _date(text: str) -> date | None:
    """A date of the settings; one that cannot be read must not stop mail (a check names it)."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
