"""Everything that DNS says of one domain that mail is sent from, within ten seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailaccounts.dns import wording
from mailaccounts.dns.dkim_record import DkimReport, KeyToFind, check_dkim
from mailaccounts.dns.dmarc import DmarcReport, check_dmarc
from mailaccounts.dns.mx import MxReport, check_mx
from mailaccounts.dns.operators import name_servers, operator_of, place_words
from mailaccounts.dns.resolver import DnsTrouble, Resolver
from mailaccounts.dns.spf_check import SpfReport, check_spf
from shops.conf import conf


@dataclass(frozen=True, slots=True)
class DomainReport:
    """``operator`` is a slug of ``operators``, "" if unknown."""

    domain: str
    spf: SpfReport
    dkim: tuple[DkimReport, ...]
    dmarc: DmarcReport
    mx: MxReport
    name_servers: tuple[str, ...] = ()
    operator: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As ``check_domain --json`` prints it; hints are in the language of the moment."""
        place = place_words(self.operator, self.domain, self.name_servers)
        spf, dmarc, mx = self.spf.as_dict(), self.dmarc.as_dict(), self.mx.as_dict()
        keys = [key.as_dict() for key in self.dkim]
        return {
            "domain": self.domain,
            "spf": {
                **spf,
                "hint": wording.spf_hint(self.domain, spf, place),
                "notes": wording.spf_notes(spf),
            },
            "dkim": [{**key, "hint": wording.dkim_hint(key)} for key in keys],
            "dmarc": {**dmarc, "hint": wording.dmarc_hint(dmarc)},
            "mx": {**mx, "hint": wording.mx_hint(self.domain, mx)},
            "dns": {
                "operator": self.operator or None,
                "servers": list(self.name_servers),
                "place": place,
            },
        }


def our_include() -> str:
    """The domain of the SPF record that names our servers: ``SPF_INCLUDE``.

    Where it is not set, ``spf.`` before the domain of ``SYSTEM_SENDER_ADDRESS``.
    """
    named = str(conf.SPF_INCLUDE).strip().removeprefix("include:").rstrip(".").lower()
    return named or f"spf.{conf.SYSTEM_SENDER_ADDRESS.rpartition('@')[2]}".lower()


def domain_report(
    domain: str,
    *,
    resolver: Resolver | None = None,
    keys: Sequence[KeyToFind] = (),
    our_ip: str | None = None,
    include: str = "",
) -> DomainReport:
    """Asks for SPF, DKIM, DMARC, mail exchangers and name servers of ``domain`` (A-labels).

    ``include`` "" stands for ``our_include()``. Never raises for what DNS does: what was not
    answered within the resolver's time for a report is ``temperror``.
    """
    resolver = resolver or Resolver()
    with resolver.one_report():
        spf = check_spf(domain, resolver, include=include or our_include(), our_ip=our_ip)
        dkim = tuple(check_dkim(domain, key, resolver) for key in keys)
        dmarc = check_dmarc(domain, resolver)
        mx = check_mx(domain, resolver)
        servers = _servers(domain, resolver)
    operator = operator_of(servers)
    return DomainReport(
        domain, spf, dkim, dmarc, mx, tuple(servers), operator.slug if operator else ""
    )


def _servers(domain: str, resolver: Resolver) -> list[str]:
    try:
        return name_servers(domain, resolver)[1]
    except DnsTrouble:
        return []
