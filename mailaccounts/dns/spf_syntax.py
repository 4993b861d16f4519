"""The grammar of an SPF record (RFC 7208, section 12): a whole record is read or none of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError

VERSION = "v=spf1"
# Far more than fits into an answer (section 3.4 advises 450); who writes more wants to do harm.
LONGEST_RECORD = 4000  # characters
ASKING = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})  # section 4.6.4


class Fault(StrEnum):
    """Why an SPF record does not work; the words are in ``wording``."""

    SYNTAX = "syntax"
    TOO_LONG = "too-long"
    SEVERAL = "several-records"
    LOOKUPS = "too-many-lookups"
    VOIDS = "too-many-voids"
    LOOP = "loop"
    NO_RECORD = "no-record-there"
    MANY_HOSTS = "too-many-mail-servers"
    TEMPORARY = "temporary"


class SpfError(Exception):
    """``term`` is what is wrong, in the record of ``domain``."""

    def __init__(self, fault: Fault, term: str = "", domain: str = "") -> None:
        super().__init__(f"{fault.value}: {term} ({domain})")
        self.fault = fault
        self.term = term
        self.domain = domain


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a record. ``text`` is as written; ``qualifier`` is "" where none is written.

    ``value`` is the domain or network behind the colon, or what stands behind a modifier's "=".
    """

    text: str
    name: str
    qualifier: str = ""
    value: str = ""
    modifier: bool = False
    prefix4: int = 32
    prefix6: int = 128
    network: IPv4Network | IPv6Network | None = None

    @property
    def passes(self) -> bool:
        return self.qualifier in ("", "+")

    @property
    def asks(self) -> bool:
        """True if it counts as a look-up."""
        return self.name in ASKING


# Sections 7.1 and 12. The letters c, r and t belong to explanations only.
_MACRO = r"%(?:\{[slodiphvSLODIPHV](?:0*[1-9]\d*)?[rR]?[-.+,/_=]*\}|[%_-])"
_MACRO_TEXT = re.compile(rf"(?:[!-$&-~]|{_MACRO})*+")
_ENDS_IN_MACRO = re.compile(rf"{_MACRO}$")
_TOP_LABEL = re.compile(r"(?!\d+$)(?!-)[0-9A-Za-z-]+(?<!-)")
_MACRO_EXP = _MACRO.replace("slodiphvSLODIPHV", "slodiphcrtvSLODIPHCRTV")
_ANY_TEXT = re.compile(rf"(?:[!-$&-~]|{_MACRO_EXP})*+")
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_MECHANISM = re.compile(r"([-+?~]?)([A-Za-z0-9]+)(.*)", re.DOTALL)
_PREFIXES = re.compile(r"(?::(?P<domain>.+?))?(?:/(?P<four>0|[1-9]\d?))?(?://(?P<six>0|[1-9]\d*))?")


def is_spf(text: str) -> bool:
    """Section 4.5: "v=spf10" is none, and neither is one that begins with a blank."""
    return text.lower() == VERSION or text.lower().startswith(f"{VERSION} ")


def parse(record: str, domain: str = "") -> tuple[Term, ...]:
    """The terms behind the version. Raises ``SpfError`` with the first one that is wrong."""
    if len(record) > LONGEST_RECORD:
        raise SpfError(Fault.TOO_LONG, f"{record[:40]}…", domain)
    terms: list[Term] = []
    for word in record.split(" ")[1:]:
        if not word:
            continue
        term = _term(word)
        once = term is not None and term.modifier and term.name in ("redirect", "exp")
        if term is None or once and any(term.name == known.name for known in terms):
            raise SpfError(Fault.SYNTAX, word, domain)
        terms.append(term)
    return tuple(terms)


def _term(word: str) -> Term | None:
    modifier = _MODIFIER.fullmatch(word)
    if modifier:
        return _modifier(word, modifier[1].lower(), modifier[2])
    parts = _MECHANISM.fullmatch(word)
    if parts is None:
        return None
    qualifier, name, rest = parts[1], parts[2].lower(), parts[3]
    if name == "all":
        return None if rest else Term(word, name, qualifier)
    if name in ("ip4", "ip6"):
        return _network(word, name, qualifier, rest)
    if name in ("include", "exists"):
        return _at_domain(word, name, qualifier, rest) if rest else None
    if name == "ptr":
        return _at_domain(word, name, qualifier, rest)
    return _with_prefixes(word, name, qualifier, rest) if name in ("a", "mx") else None


def _is_domain(text: str) -> bool:
    """A "domain-spec": macros and characters, at the end a top label or a macro."""
    if _MACRO_TEXT.fullmatch(text) is None:
        return False
    rest, dot, label = text.removesuffix(".").rpartition(".")
    named = dot and _TOP_LABEL.fullmatch(label)
    return bool(named or _ENDS_IN_MACRO.search(text[-100:]))


def _modifier(word: str, name: str, value: str) -> Term | None:
    known = name in ("redirect", "exp")
    if not (_is_domain(value) if known else _ANY_TEXT.fullmatch(value)):
        return None
    return Term(word, name, value=value, modifier=True)


def _at_domain(word: str, name: str, qualifier: str, rest: str) -> Term | None:
    if rest and not (rest[0] == ":" and _is_domain(rest[1:])):
        return None
    return Term(word, name, qualifier, rest[1:])


def _with_prefixes(word: str, name: str, qualifier: str, rest: str) -> Term | None:
    parts = _PREFIXES.fullmatch(rest)
    if parts is None or parts["domain"] and not _is_domain(parts["domain"]):
        return None
    four, six = int(parts["four"] or 32), int(parts["six"] or 128)
    four = 0 if parts["four"] == "0" else four
    six = 0 if parts["six"] == "0" else six
    if four > 32 or six > 128:
        return None
    return Term(word, name, qualifier, parts["domain"] or "", prefix4=four, prefix6=six)


def _network(word: str, name: str, qualifier: str, rest: str) -> Term | None:
    parts = re.fullmatch(r":([0-9A-Fa-f:.]+)(/(?:0|[1-9]\d*))?", rest)
    if parts is None:
        return None
    kind: type[IPv4Network] | type[IPv6Network] = IPv4Network if name == "ip4" else IPv6Network
    try:
        network = kind(parts[1] + (parts[2] or ""), strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return None
    return Term(word, name, qualifier, rest[1:], network=network)
