"""Macros of SPF records (RFC 7208, section 7): ``%{i}`` and its kin become text."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote

LONGEST_DOMAIN = 253

_EXPANDED = re.compile(r"%(?:\{([A-Za-z])(\d*)([rR]?)([-.+,/_=]*)\}|([%_-]))")
_PLAIN = {"%": "%", "_": " ", "-": "%20"}


@dataclass(frozen=True, slots=True)
class Sending:
    """Who sends: the address of the server, the envelope sender, the name it greeted with."""

    ip: IPv4Address | IPv6Address | None
    sender: str
    helo: str

    @property
    def local_part(self) -> str:
        return self.sender.rpartition("@")[0] or "postmaster"

    @property
    def sender_domain(self) -> str:
        return self.sender.rpartition("@")[2]

    def letter(self, letter: str, domain: str) -> str:
        """The value of one macro letter but "p"."""
        six = self.ip is not None and self.ip.version == 6
        values = {
            "s": f"{self.local_part}@{self.sender_domain}",
            "l": self.local_part,
            "o": self.sender_domain,
            "d": domain,
            "i": self._dotted(),
            "c": str(self.ip or ""),
            "v": "ip6" if six else "in-addr",
            "h": self.helo,
            "r": "unknown",
            "t": str(int(time.time())),
        }
        return values[letter]

    def _dotted(self) -> str:
        if self.ip is None:
            return ""
        if self.ip.version == 4:
            return str(self.ip)
        return ".".join(self.ip.exploded.replace(":", "").upper())


def expand(text: str, value_of: Callable[[str], str]) -> str:
    """``text`` with its macros replaced; ``value_of`` gives a lower-case letter's value."""

    def replaced(match: re.Match[str]) -> str:
        if match[5]:
            return _PLAIN[match[5]]
        value = _transformed(value_of(match[1].lower()), match[2], match[3], match[4])
        return quote(value, safe="~") if match[1].isupper() else value

    return _EXPANDED.sub(replaced, text)


def expand_domain(text: str, value_of: Callable[[str], str]) -> str:
    """A domain; one that came out too long loses labels on the left (section 7.3)."""
    domain = expand(text, value_of).removesuffix(".")
    while len(domain) > LONGEST_DOMAIN and "." in domain:
        domain = domain.partition(".")[2]
    return domain


def _transformed(value: str, digits: str, reverse: str, delimiters: str) -> str:
    parts = re.split(f"[{re.escape(delimiters or '.')}]", value)
    if reverse:
        parts.reverse()
    return ".".join(parts[-int(digits) :] if digits else parts)
