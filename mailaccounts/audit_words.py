"""How the audit calls what is done to accounts and domains."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from shops import audit
from shops.models import AuditEntry

TOPICS = {
    "account": (_("E-mail accounts"), "mailaccounts.SenderAccount"),
    "domain": (_("Domains"), "mailaccounts.SenderDomain"),
    "technician": (_("Links for technicians"), "mailaccounts.TechnicianLink"),
    "oauth_client": (_("Sign-in at Google and Microsoft"), "mailaccounts.OAuthClient"),
}
WORDS = {
    "account.added": _("Account added"),
    "account.changed": _("Account changed"),
    "account.made_main": _("Made the main account"),
    "account.switched_on": _("Account switched on"),
    "account.switched_off": _("Account switched off"),
    "account.retried": _("Tried again at once"),
    "account.tested": _("Account tested"),
    "account.duplicated": _("Account duplicated"),
    "account.removed": _("Account deleted"),
    "account.signed_in": _("Signed in at the provider"),
    "account.signed_out": _("Signed out at the provider"),
    "account.sent_folder_synchronised": _("Sent folder synchronised at once"),
    "domain.key_made": _("DKIM key made"),
    "domain.key_dropped": _("DKIM key dropped"),
    "domain.records_published": _("DNS records entered"),
    "domain.added": _("Domain added"),
    "domain.changed": _("Domain changed"),
    "domain.deleted": _("Domain deleted"),
    "technician.link_made": _("Link for a technician made"),
    "technician.link_revoked": _("Link for a technician revoked"),
    "technician.mailed": _("Records mailed to a technician"),
    "oauth_client.saved": _("Client id and secret saved"),
    "oauth_client.added": _("Client id and secret added"),
    "oauth_client.changed": _("Client id and secret changed"),
}


def page_of(entry: AuditEntry) -> str:
    """The account's form; empty for entries that are not about one row."""
    kind, _colon, pk = str(entry.details.get("about", "")).partition(":")
    if entry.shop is None or kind != "mailaccounts.senderaccount":
        return ""
    try:
        return reverse("mailaccounts:account_edit", args=[entry.shop.slug, pk])
    except NoReverseMatch:
        return ""


def register() -> None:
    audit.topics.update(TOPICS)
    audit.words.update(WORDS)
    audit.links["account"] = page_of
