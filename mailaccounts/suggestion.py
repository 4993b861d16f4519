"""Which type of account fits an address: by the domain itself, or by who keeps its mailboxes.

The look-up of the domain's mail exchangers is a task; the page asks again until it is there.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from mailaccounts import presets
from mailaccounts.fields import one_address
from mailaccounts.models import Kind

KEPT = 3600  # seconds
KIND_OF = {
    "gmail": Kind.GOOGLE,
    "google_workspace": Kind.GOOGLE,
    "office365": Kind.MICROSOFT,
    "outlook": Kind.MICROSOFT,
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to say about an address. ``is_pending``: the answer is on its way."""

    text: str
    kind: str = ""
    preset: str = ""
    warning: str = ""
    is_pending: bool = False


def suggestion_for(typed: str) -> Suggestion:
    """What fits ``typed``; raises ``ValidationError`` if it is no address yet.

    Starts the look-up where one is needed.
    """
    address = one_address(typed)
    domain = address.rpartition("@")[2]
    slug = presets.recognise([], domain)
    if slug is None:
        found = cache.get(_key(domain))
        if found is None:
            cache.set(_key(domain), "asked", 30)
            async_task("mailaccounts.tasks.look_up_mailbox", domain)
        if found in (None, "asked"):
            return Suggestion(_("Looking up who keeps the mail of %s …") % domain, is_pending=True)
        slug = found
    return _worded(domain, str(slug), presets.freemail_warning(address))


def remember(domain: str, slug: str | None) -> None:
    """The look-up's result: the hoster's slug, or that nobody known keeps this domain's mail."""
    cache.set(_key(domain), slug or presets.OTHER, KEPT)


def _worded(domain: str, slug: str, warning: str) -> Suggestion:
    hoster = presets.by_slug(slug)
    kind = KIND_OF.get(slug, Kind.SMTP)
    if hoster is None:
        text = _("“Another server (SMTP)” fits: the data come from whoever keeps the mailbox.")
        return Suggestion(text, kind, warning=warning)
    words = {"domain": domain, "name": hoster.name, "type": kind.label}
    if kind == Kind.SMTP:
        text = _(
            "The mail of %(domain)s is kept at %(name)s, so “Another server (SMTP)” fits. Server "
            "and port will be filled in for you."
        )
    else:
        text = _("The mail of %(domain)s is kept at %(name)s, so “%(type)s” fits.")
    return Suggestion(text % words, kind, slug, warning)


def _key(domain: str) -> str:
    return f"mailbox-of:{domain}"
