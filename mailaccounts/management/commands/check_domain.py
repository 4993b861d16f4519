"""``check_domain DOMAIN [--json]``: SPF, DKIM, DMARC and mail servers, and what to publish."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from mailaccounts.dns.dkim_record import KeyToFind
from mailaccounts.dns.report import domain_report
from mailaccounts.dns.spf_record import LONGEST_STRING, zone_line
from mailaccounts.domains import keys_in_dns
from shops.addresses import EmailAddressInvalid, domain_to_ascii

# Tried where no key of ours is known; DNS cannot be asked which selectors there are.
USUAL_SELECTORS = ("postroom", "default", "dkim", "mail", "google", "selector1", "selector2", "s1")


class Command(BaseCommand):
    """Exit code 1 only for bad arguments: what DNS says is in the output."""

    help = "Reads what DNS says about a domain that mail is sent from, and what it should say."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("domain", metavar="DOMAIN")
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument(
            "--selector", action="append", default=[], help="of a DKIM key; may be repeated"
        )
        parser.add_argument("--ip", default=None, help="also: may this address send?")
        parser.add_argument("--include", default="", help="instead of SPF_INCLUDE")

    def handle(self, *args: Any, **options: Any) -> None:
        name = _domain(options["domain"])
        known = [KeyToFind(selector) for selector in options["selector"]] or _known_keys(name)
        usual = [KeyToFind(selector) for selector in USUAL_SELECTORS]
        found = domain_report(
            name, keys=known or usual, our_ip=_ip(options["ip"]), include=options["include"]
        ).as_dict()
        if not known:
            found["dkim"] = [key for key in found["dkim"] if key["status"] != "missing"]
        if options["json"]:
            self.stdout.write(json.dumps(found, ensure_ascii=False))
        else:
            self._tell(found)

    def _tell(self, found: dict[str, Any]) -> None:
        self.stdout.write(found["domain"])
        self._spf(found["domain"], found["spf"])
        for key in found["dkim"]:
            self._part("DKIM", key, key["name"])
        if not found["dkim"]:
            self._line("DKIM", "no key found under the usual names; name one with --selector")
        self._part("DMARC", found["dmarc"], found["dmarc"]["name"])
        self._line("MX", found["mx"]["status"])
        self._line("", found["mx"]["hint"])

    def _spf(self, domain: str, spf: dict[str, Any]) -> None:
        self._part("SPF", spf, domain)
        for note in spf["notes"]:
            if note not in spf["hint"]:
                self._line("", note)
        after = spf["lookups_after"]
        more = f", {after} with the new record" if after is not None else ""
        self._line("", f"look-ups: {spf['lookups']} of 10{more}")
        for record in spf["delete"]:
            self._line("delete", record)
        if spf["this_server"]:
            self._line("", f"from the address given: {spf['this_server']['verdict']}")

    def _part(self, title: str, part: dict[str, Any], name: str) -> None:
        self._line(title, part["status"])
        for record in part["found"]:
            self._line("found", record)
        if part["proposed"]:
            self._line("publish", part["proposed"])
            self._line("", f"as a TXT record at {name}")
            if len(part["proposed"]) > LONGEST_STRING:
                self._line("", zone_line(name, part["proposed"]))
        if part["hint"]:
            self._line("", part["hint"])

    def _line(self, title: str, text: str) -> None:
        # What stands in DNS may hold sequences that a terminal obeys.
        shown = "".join(char if char.isprintable() else "\ufffd" for char in text)
        self.stdout.write(f"  {title:<9}{shown}".rstrip())


def _domain(typed: str) -> str:
    """As A-labels; labels that begin with "_" may lead, as in ``_spf.example.com``."""
    labels = typed.strip().rstrip(".").split(".")
    leading = [label.lower() for label in labels if label.startswith("_") and label.isascii()]
    try:
        rest = domain_to_ascii(".".join(labels[len(leading) :]))
    except EmailAddressInvalid as error:
        raise CommandError(f"“{error.text}” is not a domain such as shop.example") from error
    if any(not label.strip("_").isalnum() for label in leading):
        raise CommandError(f"“{typed[:100]}” is not a domain such as shop.example")
    return ".".join([*leading, rest])


def _ip(typed: str | None) -> str | None:
    try:
        return str(ip_address(typed)) if typed else None
    except ValueError as error:
        raise CommandError(f"--ip: {error}") from error


def _known_keys(name: str) -> list[KeyToFind]:
    try:
        return keys_in_dns(name)
    except DatabaseError:  # before the first migration the command is of use, too
        return []
