"""Where people change the password of a mailbox, by the server that they log in to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hoster:
    """``place`` is the way through the hoster's own panel, in its own words."""

    name: str
    hosts: tuple[str, ...]
    place: str = ""


HOSTERS = (
    Hoster("OVH", ("ovh.net", "ovh.com", "ovhcloud.com"), "OVHcloud › Web Cloud › E-mails"),
    Hoster("home.pl", ("home.pl",), "home.pl › Poczta › Hasła"),
    Hoster("nazwa.pl", ("nazwa.pl",), "nazwa.pl › Active.admin › Poczta"),
    Hoster("Google", ("gmail.com", "googlemail.com", "google.com"), "myaccount.google.com"),
    Hoster("Microsoft", ("office365.com", "outlook.com", "hotmail.com"), "account.microsoft.com"),
    Hoster("Seznam", ("seznam.cz", "email.cz"), "Seznam Email › Nastavení › POP3, IMAP"),
    Hoster("WP", ("wp.pl",), "WP Poczta › Ustawienia › Programy pocztowe"),
    Hoster("o2", ("o2.pl",), "o2 Poczta › Ustawienia › Programy pocztowe"),
    Hoster("Onet", ("onet.pl", "op.pl"), "Onet Poczta › Ustawienia › Konto główne"),
    Hoster("Interia", ("interia.pl",), "Interia Poczta › Ustawienia"),
    Hoster("one.com", ("one.com",), "one.com › Email"),
    Hoster("Domeneshop", ("domeneshop.no", "domainname.shop"), "Domeneshop › E-post"),
    Hoster("Gandi", ("gandi.net",), "Gandi › Domaine › Boîtes & redirections"),
    Hoster("Infomaniak", ("infomaniak.com", "infomaniak.ch"), "Infomaniak › Service Mail"),
    Hoster("IONOS", ("ionos.fr", "ionos.com", "ionos.de", "1and1.com"), "IONOS › E-mail"),
    Hoster("Yahoo", ("yahoo.com",), "Yahoo › Account security"),
    Hoster("iCloud", ("me.com", "icloud.com"), "account.apple.com"),
)
# Mailboxes that let programs in only after it was switched on in their own settings.
SWITCHED_ON_FIRST = ("WP", "o2", "Onet", "Interia")


def place_of_password(host: str) -> Hoster | None:
    """The hoster behind a server's name; None for one that we do not know."""
    name = host.lower().rstrip(".")
    for hoster in HOSTERS:
        if any(name == each or name.endswith(f".{each}") for each in hoster.hosts):
            return hoster
    return None
