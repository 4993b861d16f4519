"""What Google and Microsoft expect: addresses, scopes, their mail servers and limits.

Every address is a setting, so that a stand-in can be asked in tests and demos.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from mailaccounts.server_url import endpoint_at
from mailaccounts.transports.base import Endpoint
from shops.conf import conf

FREE_GMAIL = ("gmail.com", "googlemail.com")
FREE_GMAIL_PER_DAY = 100


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. ``send_scope`` is the one without which it takes no mail from us.

    ``extra`` go along with the request for consent. ``revoke_url`` is empty where a provider has
    none. Limits are in messages; the panel fills them in and staff may lower them.
    """

    key: str
    name: str
    authorize_url: str
    token_url: str
    revoke_url: str
    scopes: tuple[str, ...]
    send_scope: str
    smtp_url: str
    smtp_setting: str
    per_minute: int | None
    per_day: int
    concurrency: int
    extra: dict[str, str] = field(default_factory=dict)

    def endpoint(self) -> Endpoint:
        """The provider's mail server. Its certificate is always checked."""
        return endpoint_at(self.smtp_url, self.smtp_setting)

    def may_send(self, granted: str) -> bool:
        """True if the scopes that were granted, a list with spaces, hold the one for sending."""
        return self.send_scope.lower() in granted.lower().split()

    def daily_limit(self, mailbox: str) -> int:
        """Messages that ``mailbox`` may send in 24 hours."""
        is_free = self.key == "google" and mailbox.rpartition("@")[2].lower() in FREE_GMAIL
        return FREE_GMAIL_PER_DAY if is_free else self.per_day


def provider(key: str, tenant: str = "") -> Provider:
    """Google or Microsoft; ``tenant`` is a directory at Microsoft, empty for the setting's."""
    return _microsoft(tenant) if key == "microsoft" else _google()


def _google() -> Provider:
    return Provider(
        key="google",
        name="Google",
        authorize_url=conf.GOOGLE_AUTH_URL,
        token_url=conf.GOOGLE_TOKEN_URL,
        revoke_url=conf.GOOGLE_REVOKE_URL,
        scopes=("https://mail.google.com/", "openid", "email"),
        send_scope="https://mail.google.com/",
        smtp_url=conf.GOOGLE_SMTP,
        smtp_setting="GOOGLE_SMTP",
        per_minute=None,
        per_day=2000,
        concurrency=3,
        # A refresh token comes only with offline access, and again only with a new consent.
        extra={"access_type": "offline", "prompt": "consent"},
    )


def _microsoft(tenant: str) -> Provider:
    directory = quote(tenant or conf.MICROSOFT_TENANT or "common", safe="")
    base = f"{conf.MICROSOFT_AUTHORITY.rstrip('/')}/{directory}/oauth2/v2.0"
    send = "https://outlook.office.com/SMTP.Send"
    return Provider(
        key="microsoft",
        name="Microsoft",
        authorize_url=f"{base}/authorize",
        token_url=f"{base}/token",
        revoke_url="",
        scopes=(send, "offline_access", "openid", "email"),
        send_scope=send,
        smtp_url=conf.MICROSOFT_SMTP,
        smtp_setting="MICROSOFT_SMTP",
        per_minute=30,
        per_day=10_000,
        concurrency=3,  # a fourth connection is answered with 432
        extra={"prompt": "consent"},
    )
