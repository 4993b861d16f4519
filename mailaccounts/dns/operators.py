"""Who runs a domain's DNS, told by its name servers, and where its records are edited there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailaccounts.dns.resolver import Resolver

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Operator:
    """``marks`` are endings of name servers' names, or parts of them where they begin with "*".

    ``place`` is the way through its panel; "%(domain)s" stands for the domain.
    """

    slug: str
    name: str
    marks: tuple[str, ...]
    place: StrOrPromise

    def path(self, domain: str) -> str:
        """Like "OVH › Web Cloud › Domain names › shop.example › DNS zone"."""
        return f"{self.name} › {self.place % {'domain': domain}}"


_DNS = gettext_lazy("%(domain)s › DNS")
_DOMAINS_DNS = gettext_lazy("Domains › %(domain)s › DNS")
_RECORDS = gettext_lazy("%(domain)s › DNS › Records")
_DOMAINS_RECORDS = gettext_lazy("Domains › %(domain)s › DNS records")
_DOMAINS_ZONE = gettext_lazy("Domains › %(domain)s › DNS zone")
_CPANEL = gettext_lazy("cPanel › Zone Editor › %(domain)s")

OPERATORS = (
    Operator(
        "ovh",
        "OVH",
        ("ovh.net", "ovh.ca", "anycast.me"),
        gettext_lazy("Web Cloud › Domain names › %(domain)s › DNS zone"),
    ),
    Operator("home.pl", "home.pl", ("home.pl",), _DOMAINS_DNS),
    Operator("nazwa", "nazwa.pl", ("nazwa.pl",), _DOMAINS_ZONE),
    Operator("cyberfolks", "cyber_Folks", ("cyberfolks.pl", "linuxpl.com"), _DOMAINS_ZONE),
    Operator("az", "AZ.pl", ("az.pl",), _DOMAINS_ZONE),
    Operator("lh", "LH.pl", ("lh.pl",), _DOMAINS_ZONE),
    Operator("dhosting", "dhosting", ("dhosting.pl", "dhosting.com"), _DOMAINS_ZONE),
    Operator("seohost", "SeoHost", ("seohost.pl",), _DOMAINS_ZONE),
    Operator("zenbox", "Zenbox", ("zenbox.pl",), _DOMAINS_ZONE),
    Operator("cloudflare", "Cloudflare", ("cloudflare.com",), _RECORDS),
    Operator("godaddy", "GoDaddy", ("domaincontrol.com",), _DOMAINS_DNS),
    Operator(
        "ionos",
        "IONOS",
        ("*ui-dns.", "1and1.com", "1and1.fr", "schlund.de"),
        gettext_lazy("Domains & SSL › %(domain)s › DNS"),
    ),
    Operator("gandi", "Gandi", ("gandi.net",), gettext_lazy("Domain › %(domain)s › DNS Records")),
    Operator("infomaniak", "Infomaniak", ("infomaniak.ch", "infomaniak.com"), _DOMAINS_ZONE),
    Operator("one.com", "one.com", ("one.com",), gettext_lazy("%(domain)s › DNS settings")),
    Operator("domeneshop", "Domeneshop", ("hyp.net", "domeneshop.no"), _DOMAINS_RECORDS),
    Operator("webhuset", "Webhuset", ("webhuset.no",), _DOMAINS_RECORDS),
    Operator("uniweb", "Uniweb", ("uniweb.no",), _DOMAINS_RECORDS),
    Operator("loopia", "Loopia", ("loopia.se",), _DOMAINS_RECORDS),
    Operator("simply", "Simply.com", ("simply.com", "unoeuro.com"), _DNS),
    Operator(
        "active24",
        "Active24",
        ("active24.cz", "active24.sk", "active24.com", "active24.eu"),
        _DOMAINS_RECORDS,
    ),
    Operator("forpsi", "Forpsi", ("forpsi.net", "forpsi.cz", "forpsi.it"), _DOMAINS_DNS),
    Operator(
        "wedos", "WEDOS", ("wedos.net", "wedos.eu", "wedos.cz", "wedos.com"), _DOMAINS_RECORDS
    ),
    Operator(
        "websupport",
        "Websupport",
        ("websupport.sk", "websupport.cz", "websupport.eu"),
        _DOMAINS_DNS,
    ),
    Operator("subreg", "Subreg", ("subreg.cz", "gransy.com"), _DOMAINS_DNS),
    Operator(
        "aws",
        "Amazon Route 53",
        ("*.awsdns-",),
        gettext_lazy("Hosted zones › %(domain)s › Records"),
    ),
    Operator(
        "google",
        "Google Cloud DNS",
        ("googledomains.com", "google.com"),
        gettext_lazy("Network services › Cloud DNS › %(domain)s"),
    ),
    Operator("squarespace", "Squarespace", ("squarespacedns.com",), _DOMAINS_DNS),
    Operator(
        "azure",
        "Microsoft Azure",
        ("*.azure-dns.",),
        gettext_lazy("DNS zones › %(domain)s › Record sets"),
    ),
    Operator("microsoft", "Microsoft 365", ("bdm.microsoftonline.com",), _DOMAINS_RECORDS),
    Operator("o2switch", "o2switch", ("o2switch.net",), _CPANEL),
    Operator("hetzner", "Hetzner", ("ns.hetzner.com", "first-ns.de", "your-server.de"), _DNS),
    Operator("strato", "STRATO", ("rzone.de", "strato.de"), _DOMAINS_DNS),
    Operator("all-inkl", "ALL-INKL.COM", ("kasserver.com",), _DOMAINS_DNS),
    Operator("hostinger", "Hostinger", ("dns-parking.com", "hostinger.com"), _DOMAINS_DNS),
    Operator("namecheap", "Namecheap", ("registrar-servers.com",), _DOMAINS_DNS),
    Operator("digitalocean", "DigitalOcean", ("digitalocean.com",), _DOMAINS_RECORDS),
)
_BY_SLUG = {operator.slug: operator for operator in OPERATORS}


def by_slug(slug: str) -> Operator | None:
    return _BY_SLUG.get(slug)


def operator_of(name_servers: Iterable[str]) -> Operator | None:
    """The first operator known by any of these names."""
    for host in name_servers:
        name = f".{host.lower().rstrip('.')}"
        for operator in OPERATORS:
            if any(_marked(name, mark) for mark in operator.marks):
                return operator
    return None


def name_servers(domain: str, resolver: Resolver) -> tuple[str, list[str]]:
    """The domain whose zone holds ``domain``, and its name servers. Raises ``DnsTrouble``."""
    zone = domain
    while "." in zone:
        found = resolver.ns(zone)
        if found:
            return zone, found
        zone = zone.partition(".")[2]
    return domain, []


def place_words(slug: str, domain: str, servers: Iterable[str]) -> str:
    """One sentence: who runs the DNS of ``domain`` and where to click; "" if nobody knows."""
    operator = by_slug(slug)
    if operator is not None:
        return _("The DNS of %(domain)s is run by %(name)s: open %(path)s.") % {
            "domain": domain,
            "name": operator.name,
            "path": operator.path(domain),
        }
    listed = ", ".join(servers)
    if not listed:
        return ""
    return _("The DNS of %(domain)s is run by whoever owns the name servers %(servers)s.") % {
        "domain": domain,
        "servers": listed,
    }


def _marked(name: str, mark: str) -> bool:
    return mark[1:] in name if mark.startswith("*") else name.endswith(f".{mark}")
