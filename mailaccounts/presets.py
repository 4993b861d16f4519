"""What is known of a hoster: found by its name, by a domain's mail exchangers, put into an account.

Nothing here asks the network; who calls ``recognise`` has looked up the exchangers before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailaccounts.hosters import PRESETS, Login, Preset, Source
from mailaccounts.models import SenderAccount

__all__ = ["OTHER", "PRESETS", "Login", "Preset", "Source", "TIP_OWN_MAILBOX"]

# Not in the table: the answer is in the hoster's documentation.
OTHER = "other"
OTHER_HINT = gettext_lazy(
    "Look in your hoster’s documentation for “SMTP” or “settings for mail programs”: you need the "
    "server’s name, the port (465 or 587 mostly) and the encryption. The user name is usually the "
    "address."
)
TIP_OWN_MAILBOX = gettext_lazy(
    "Make a mailbox just for automatic mail, such as shop@ or orders@. Then it does not clutter "
    "the mailbox you read, and its volume does not make your own mail look like spam."
)
_GOOGLE_HOSTS = ("gmail.com", "googlemail.com", "google.com")
_APP_PASSWORD = re.compile(r"[A-Za-z]{16}")
_SPACES = re.compile(r"\s+")
# What one mailbox is known to be allowed at most, in 24 hours.
_MOST_A_DAY = {"gmail": 500, "google_workspace": 2000}

FREEMAIL = frozenset(
    {
        *(domain for each in PRESETS for domain in each.domains if domain != "onmicrosoft.com"),
        *("aol.com", "gmx.com", "gmx.fr", "gmx.pl", "mail.com", "mail.ru", "yandex.ru", "zoho.com"),
        *("proton.me", "protonmail.com", "pm.me", "tutanota.com", "tuta.com", "hey.com"),
        *("gazeta.pl", "poczta.pl", "spoko.pl", "wp.eu", "int.pl", "10g.pl", "neostrada.pl"),
        *("centrum.cz", "volny.cz", "atlas.cz", "tiscali.cz", "centrum.sk", "azet.sk", "zoznam.sk"),
        *("online.no", "frisurf.no", "broadpark.no", "getmail.no"),
        *("bbox.fr", "numericable.fr", "aliceadsl.fr", "freenet.de", "arcor.de", "posteo.de"),
        *("mailbox.org", "bluewin.ch", "libero.it", "virgilio.it", "alice.it", "rocketmail.com"),
    }
)
_BY_SLUG = {each.slug: each for each in PRESETS}


def by_slug(slug: str) -> Preset | None:
    """The hoster called ``slug``; None for ``OTHER`` and what the table does not hold."""
    return _BY_SLUG.get(slug)


def choices() -> list[tuple[str, str]]:
    """For a select: every hoster by name, "another one" last."""
    named = sorted(((each.slug, each.name) for each in PRESETS), key=lambda pair: pair[1].lower())
    return [*named, (OTHER, _("Another one"))]


def recognise(mx_hosts: Iterable[str], domain: str) -> str | None:
    """Whose mailbox an address under ``domain`` is; ``mx_hosts`` are the domain's mail exchangers,
    the preferred one first. None: nobody we know."""
    name = _normal(domain)
    for preset in PRESETS:
        if any(_under(name, each) for each in preset.domains):
            return preset.slug
    for host in map(_normal, mx_hosts):
        # The longest suffix wins: olc.protection.outlook.com is no Microsoft 365.
        known = [(len(mx), each.slug) for each in PRESETS for mx in each.mx if _under(host, mx)]
        if known:
            return max(known)[1]
    return None


def fields_of(preset: Preset, address: str) -> dict[str, Any]:
    """Columns of an account with this hoster; ``address`` is the sender's (or the mailbox's)."""
    login = _login(preset, address)
    fields: dict[str, Any] = {
        "preset": preset.slug,
        "host": preset.host,
        "port": preset.port,
        "tls_mode": preset.tls,
        "username": login,
        "per_minute": preset.per_minute,
        "per_day": preset.per_day,
        "concurrency": preset.concurrency,
    }
    if preset.imap_host:
        fields |= {
            "imap_host": preset.imap_host,
            "imap_port": preset.imap_port,
            "imap_tls": "implicit",
            "imap_username": login,
        }
    return fields


def apply(preset: Preset, account: SenderAccount) -> None:
    """Fills in ``account``, unsaved. A secret that was stored for another server goes on saving."""
    for name, value in fields_of(preset, account.from_address or account.username).items():
        setattr(account, name, value)


def _login(preset: Preset, address: str) -> str:
    if preset.login is Login.OTHER:
        return ""
    return address.partition("@")[0] if preset.login is Login.LOCAL_PART else address


def is_google_host(host: str) -> bool:
    """True for a server of Google, by whichever of its names."""
    return any(_under(_normal(host), each) for each in _GOOGLE_HOSTS)


def clean_app_password(host: str, text: str) -> str:
    """Google shows an app password as four groups; with the spaces it would be refused.

    Everything but Google's 16 letters is returned as typed: elsewhere a space may be meant.
    """
    squeezed = _SPACES.sub("", text)
    return squeezed if is_google_host(host) and _APP_PASSWORD.fullmatch(squeezed) else text


def is_freemail(address: str) -> bool:
    """True if ``address`` (or a bare domain) lies under a domain that gives mailboxes to all."""
    return _normal(address.rpartition("@")[2]) in FREEMAIL


def freemail_warning(address: str) -> str:
    """What to say to somebody who sends from there; empty for a domain of one's own."""
    if not is_freemail(address):
        return ""
    return _(
        "%(domain)s is open to everybody. Customers trust an address on your shop’s own domain "
        "more, and mailbox providers too: mail in the name of a free mailbox is often taken for "
        "spam."
    ) % {"domain": address.rpartition("@")[2].lower()}


def limit_warning(slug: str, per_day: int | None) -> str:
    """What to say about a daily limit that the hoster may not allow; empty if it does."""
    preset, most = by_slug(slug), _MOST_A_DAY.get(slug)
    if preset is None or preset.per_day is None:
        return ""
    if most and (per_day is None or per_day > most):
        return _("%(name)s allows at most %(most)s messages in 24 hours; above it blocks.") % {
            "name": preset.name,
            "most": most,
        }
    if per_day is None or per_day > preset.per_day:
        return _(
            "%(name)s may block the mailbox for a day above %(limit)s messages. Raise the limit in "
            "steps and watch the e-mail log."
        ) % {"name": preset.name, "limit": preset.per_day}
    return ""


def _normal(name: str) -> str:
    return name.strip().rstrip(".").lower()


def _under(name: str, parent: str) -> bool:
    return name == parent or name.endswith("." + parent)
