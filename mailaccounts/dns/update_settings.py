"""The operator's settings for dynamic updates, read and checked.

``DNS_UPDATE_SERVER`` is ``host:port``, ``DNS_UPDATE_KEY`` is ``name:algorithm:base64``, and
``DNS_UPDATE_ZONES`` lists zones: ``shop.example``, or ``shop.example=slug`` to let that shop's
staff publish in it. A zone without a shop is for operators, and for the staff of an installation
that has only one shop: else any shop could publish keys for another one's domain.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field

import dns.exception
import dns.name
import dns.tsig
from django.core.exceptions import ImproperlyConfigured

from shops.conf import conf
from shops.models import Shop

ALGORITHMS = ("hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")


@dataclass(frozen=True, slots=True)
class Where:
    """The server. ``zones`` maps each zone to the slug of the shop it belongs to, or ""."""

    host: str
    port: int
    zones: dict[str, str]
    key: dns.tsig.Key = field(repr=False)


def where() -> Where | None:
    """None if the settings are empty; raises ``ImproperlyConfigured``, without the secret."""
    if not conf.DNS_UPDATE_SERVER:
        return None
    host, _colon, port = conf.DNS_UPDATE_SERVER.rpartition(":")
    if not host.strip("[]") or not port.isdecimal():
        raise ImproperlyConfigured("DNS_UPDATE_SERVER must look like host:port")
    return Where(host.strip("[]"), int(port), _zones(), _key())


def staff_may_publish(zone: str, shop: Shop) -> bool:
    """True if the shop's own people may change this zone; operators always may."""
    at = where()
    if at is None or zone not in at.zones:
        return False
    slug = at.zones[zone]
    if slug:
        return slug == shop.slug
    return not Shop.objects.exclude(pk=shop.pk).exists()


def _zones() -> dict[str, str]:
    zones = {}
    for entry in conf.DNS_UPDATE_ZONES:
        zone, _equals, slug = entry.strip().partition("=")
        if zone:
            zones[zone.strip().rstrip(".").lower()] = slug.strip()
    return zones


def _key() -> dns.tsig.Key:
    parts = conf.DNS_UPDATE_KEY.split(":")
    if len(parts) != 3 or parts[1].lower() not in ALGORITHMS:
        raise ImproperlyConfigured(
            f"DNS_UPDATE_KEY must look like name:algorithm:base64, algorithm one of {ALGORITHMS}"
        )
    name, algorithm, secret = parts
    try:
        binascii.a2b_base64(secret, strict_mode=True)
        return dns.tsig.Key(dns.name.from_text(name), secret, algorithm.lower())
    except (binascii.Error, ValueError, dns.exception.DNSException):
        # Not chained: the cause quotes what it could not read.
        raise ImproperlyConfigured("The secret in DNS_UPDATE_KEY is not base64") from None
