"""Who keeps a domain's mailboxes, told by its mail exchangers (RFC 5321, section 5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailaccounts import presets
from mailaccounts.dns.resolver import DnsTrouble, Resolver


@dataclass(frozen=True, slots=True)
class MxReport:
    """``status``: pass, missing, refuses-mail (RFC 7505) or temperror. ``hoster`` is a preset."""

    status: str
    hosts: tuple[tuple[int, str], ...] = ()
    hoster: str | None = None

    def as_dict(self) -> dict[str, Any]:
        hosts = [{"preference": preference, "host": host} for preference, host in self.hosts]
        return {"status": self.status, "hosts": hosts, "hoster": self.hoster}


def check_mx(domain: str, resolver: Resolver) -> MxReport:
    """The domain's mail exchangers, the preferred first, and the hoster they belong to."""
    try:
        hosts = tuple(resolver.mx(domain))
    except DnsTrouble:
        return MxReport("temperror", hoster=presets.recognise([], domain))
    hoster = presets.recognise([host for _preference, host in hosts], domain)
    if not hosts:
        return MxReport("missing", hoster=hoster)
    if [host for _preference, host in hosts] == [""]:
        return MxReport("refuses-mail", hoster=hoster)
    return MxReport("pass", hosts, hoster)
