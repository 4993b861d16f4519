"""“Send this to my technician”: what is wanted of somebody else, by mail or behind a link.

The link opens without a sign-in, so its page says only what the technician must do, and nothing
else of the shop. Its token has 160 random bits, only their hash is kept, it lives a fortnight.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from mailaccounts.models import AccountState, SenderAccount, SenderDomain, TechnicianLink
from mailaccounts.records import RecordToSet, by_hand, to_set
from shops.addresses import readable
from shops.conf import conf
from shops.models import AuditEntry, Shop

LASTS = timedelta(days=14)
TOKEN_BYTES = 20
# Each mail goes to an address that staff type: the shop is no machine for sending to strangers.
MOST_AN_HOUR = 20


class TooMany(Exception):
    """More links in an hour than anybody needs; ``str()`` says so."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What a link or a mail is about: a domain's records, or an account's missing server data."""

    shop: Shop
    domain: SenderDomain | None = None
    account: SenderAccount | None = None

    @property
    def target(self) -> str:
        if self.domain is not None:
            return self.domain.domain
        assert self.account is not None
        return self.account.from_address

    @property
    def shown(self) -> str:
        """``target`` as people write it, with Polish letters."""
        return readable(self.target)

    @property
    def records(self) -> list[RecordToSet]:
        return to_set(self.domain) if self.domain is not None else []

    @property
    def by_hand(self) -> list[str]:
        return by_hand(self.domain) if self.domain is not None else []

    @property
    def has_wishes(self) -> bool:
        """False for a domain at which nothing is missing: there is nothing to send."""
        return self.account is not None or bool(self.records or self.by_hand)


def issue(matter: Matter, user: Any) -> tuple[TechnicianLink, str]:
    """A new link and its address, which is not kept. Raises ``TooMany``."""
    hour_ago = timezone.now() - timedelta(hours=1)
    recent = TechnicianLink.objects.filter(shop=matter.shop, created_at__gt=hour_ago)
    if recent.count() >= MOST_AN_HOUR:
        raise TooMany(_("That were many links within an hour. Try again later."))
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = TechnicianLink.objects.create(
        token_hash=digest(token),
        shop=matter.shop,
        domain=matter.domain,
        account=matter.account,
        language=get_language() or "",
        created_by=str(user)[:254],
        expires_at=timezone.now() + LASTS,
    )
    AuditEntry.note("technician.link_made", shop=matter.shop, user=user, target=matter.target)
    return link, f"{conf.PUBLIC_URL.rstrip('/')}{reverse('technician:page', args=[token])}"


def send(matter: Matter, address: str, user: Any) -> TechnicianLink:
    """Mails what is wanted, in plain words, with the link. Raises ``TooMany``."""
    link, url = issue(matter, user)
    with override(link.language or None):
        subject = (
            _("DNS records for %s") if matter.domain is not None else _("Mail server data for %s")
        ) % matter.shown
        text = render_to_string(
            "mailaccounts/mail/technician.txt",
            {"matter": matter, "records": matter.records, "url": url, "link": link},
        )
    asker = [user.email] if getattr(user, "email", "") else []
    EmailMessage(subject, text, None, [address], reply_to=asker).send()
    AuditEntry.note(
        "technician.mailed", shop=matter.shop, user=user, target=matter.target, to=address
    )
    return link


def open_for(token: str) -> TechnicianLink | None:
    """The link that ``token`` opens, unless it was revoked, has ended or its account is deleted."""
    return (
        TechnicianLink.objects.select_related("shop", "domain", "account")
        .defer("account__password")
        .filter(token_hash=digest(token), revoked_at=None, expires_at__gt=timezone.now())
        .exclude(account__state=AccountState.DELETED)
        .first()
    )


def matter_of(link: TechnicianLink) -> Matter:
    return Matter(link.shop, link.domain, link.account)


def open_links(matter: Matter) -> list[TechnicianLink]:
    return list(
        TechnicianLink.objects.filter(
            shop=matter.shop,
            domain=matter.domain,
            account=matter.account,
            revoked_at=None,
            expires_at__gt=timezone.now(),
        ).order_by("-id")
    )


def end_links_of(account: SenderAccount) -> None:
    """Nothing is wanted for it any more: its links stop working."""
    links = TechnicianLink.objects.filter(account=account, revoked_at=None)
    links.update(revoked_at=timezone.now())


def revoke(link: TechnicianLink, user: Any) -> None:
    changed = TechnicianLink.objects.filter(pk=link.pk, revoked_at=None)
    if changed.update(revoked_at=timezone.now()):
        target = matter_of(link).target
        AuditEntry.note("technician.link_revoked", shop=link.shop, user=user, target=target)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
