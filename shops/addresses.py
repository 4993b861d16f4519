"""E-mail addresses as people type them, read strictly: one address in is one address out.

Quoted local parts, comments, routes and lists are refused rather than understood. Two programs
that read them differently send a mail somewhere else than the log shows (CVE-2025-13033,
CVE-2023-27043). Domains come out as lower-case A-labels (IDNA 2008), local parts as typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import normalize

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3 less the angle brackets
LONGEST_LOCAL = 64  # RFC 5321 §4.5.3.1.1, in octets
LONGEST_INPUT = 1000
LONGEST_LIST = 4000

# U+FFFD stands where a character was lost: with it this would be somebody else's address.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffd]")
_NAMED = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*"\s*|[^"<>]*)<(?P<address>[^<>]*)>')
_ESCAPED = re.compile(r"\\(.)")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# RFC 6531 §3.3 adds every character beyond ASCII; blanks and invisible ones would only deceive.
_UTF8_LOCAL = re.compile(
    r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f\s])+"
    r"(?:\.(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f\s])+)*"
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,58}}[a-z0-9])")
_LIST_ITEM = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,;\r\n])+')
# What a copy from a web page brings along and nobody sees.
_INVISIBLE = "\u200b\u200e\u200f\u2060\ufeff"


class EmailAddressInvalid(ValueError):
    """An address that cannot be used; `text` is what was typed, `reason` is fit to show."""

    def __init__(self, text: str, reason: str | _StrPromise) -> None:
        super().__init__(text, reason)
        self.text = text[:100]
        self.reason = reason

    def __str__(self) -> str:
        shown = "".join(char if char.isprintable() else "\ufffd" for char in self.text)
        return gettext("“%(address)s” is not an e-mail address we can use: %(reason)s") % {
            "address": shown,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Address:
    """One address; `domain` is a lower-case A-label, `name` the name beside it or empty."""

    local: str
    domain: str
    name: str = ""

    @property
    def address(self) -> str:
        """Return `local@domain`."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Return whether the receiving server must offer SMTPUTF8 (RFC 6531)."""
        return not self.local.isascii()


def parse_address(text: str, *, allow_utf8_local: bool = False) -> Address:
    """Return the ONE address in `text`: `anna@shop.example` or `Anna <anna@shop.example>`.

    Raises EmailAddressInvalid. A local part with letters beyond ASCII is refused unless
    `allow_utf8_local`: most servers cannot take it.
    """
    return _parsed(text, allow_utf8_local)


@lru_cache(maxsize=1024)  # one message asks for its few addresses again and again
def _parsed(text: str, allow_utf8_local: bool) -> Address:
    stripped = text.strip().strip(_INVISIBLE).strip()
    if not stripped:
        raise EmailAddressInvalid(text, _("it is empty."))
    if len(stripped) > LONGEST_INPUT:
        raise EmailAddressInvalid(text, _("it is too long."))
    if _CONTROLS.search(stripped):
        raise EmailAddressInvalid(text, _("it contains a line break or a control character."))
    name, bare = _split_name(stripped)
    local, at, domain = bare.rpartition("@")
    if not at:
        raise EmailAddressInvalid(text, _("the @ is missing."))
    _check_local(text, local, allow_utf8_local)
    try:
        address = Address(normalize("NFC", local), domain_to_ascii(domain), name)
    except EmailAddressInvalid as refusal:
        raise EmailAddressInvalid(text, refusal.reason) from refusal
    if len(address.address.encode()) > LONGEST_ADDRESS:
        raise EmailAddressInvalid(text, _("it is longer than 254 characters."))
    return address


def _split_name(text: str) -> tuple[str, str]:
    if not (match := _NAMED.fullmatch(text)):
        return "", text
    name = match["name"].strip()
    if name.startswith('"'):
        name = _ESCAPED.sub(r"\1", name[1:-1])
    elif re.search(r"[,;:@()\\]", name):
        return "", text
    return " ".join(name.split()), match["address"].strip()


def _check_local(text: str, local: str, allow_utf8: bool) -> None:
    if "@" in local or "," in local or ";" in local:
        raise EmailAddressInvalid(text, _("please give one address only."))
    if not local:
        raise EmailAddressInvalid(text, _("nothing stands before the @."))
    if not local.isascii() and not allow_utf8:
        raise EmailAddressInvalid(
            text, _("before the @ only unaccented letters can be delivered everywhere.")
        )
    if not (_UTF8_LOCAL if allow_utf8 else _LOCAL).fullmatch(local) or _has_hidden(local):
        raise EmailAddressInvalid(
            text, _("the part before the @ contains a space, quote, bracket or misplaced dot.")
        )
    if len(local.encode()) > LONGEST_LOCAL:
        raise EmailAddressInvalid(text, _("the part before the @ is longer than 64 characters."))


def _has_hidden(local: str) -> bool:
    return not local.isascii() and not local.isprintable()


def domain_to_ascii(domain: str) -> str:
    """Return the domain as lower-case A-labels; raises EmailAddressInvalid.

    A dot is required, so `localhost` is no address a customer could have; `.test` and `.example`
    are domains like others.
    """
    lowered = domain.lower()
    if not _DOMAIN.fullmatch(lowered) or "--" in lowered:
        lowered = _from_idn(domain)
    if len(lowered) > 253 or not _DOMAIN.fullmatch(lowered):
        raise EmailAddressInvalid(domain, _("the domain after the @ is incomplete or misspelt."))
    return lowered


def domain_to_unicode(domain: str) -> str:
    """Return the domain as people write it; as it stands where that is not possible (IDNA 2008)."""
    try:
        return idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain


def readable(address: str) -> str:
    """Return the address with its domain as people write it, to be shown and not to be sent to."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain_to_unicode(domain)}"


def _from_idn(domain: str) -> str:
    """Return A-labels of what people type; a domain beyond repair comes back for the refusal."""
    if domain.isascii() and "xn--" not in domain.lower():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError, IndexError):
        return ""


def parse_list(text: str) -> list[Address]:
    """Return the addresses of a copy field, in their order, without repeats.

    Separated by commas; semicolons and line breaks, as pasted from mail programs, do as well.
    Raises EmailAddressInvalid that names the address which is wrong.
    """
    if len(text) > LONGEST_LIST:
        raise EmailAddressInvalid(text, _("the list is longer than 4,000 characters."))
    found: dict[str, Address] = {}
    for match in _LIST_ITEM.finditer(text):
        if item := match[0].strip().strip(_INVISIBLE):
            address = parse_address(item)
            found.setdefault(normalise(address.address), address)
    return list(found.values())


def normalise(address: str) -> str:
    """Return the form under which two spellings of one address are equal (suppression, repeats).

    Raises EmailAddressInvalid. Case is dropped before the @ too: no provider tells them apart,
    and mail to a customer who asked for none is worse than the theoretical twin.
    """
    parsed = parse_address(address, allow_utf8_local=True)
    return f"{normalize('NFC', parsed.local.lower())}@{parsed.domain}"


def is_usable(address: str) -> bool:
    """True if mail can be addressed to it."""
    try:
        parse_address(address, allow_utf8_local=True)
    except EmailAddressInvalid:
        return False
    return True


def validate_address(value: str) -> None:
    """Raise ValidationError unless `value` is one bare address."""
    try:
        parsed = parse_address(value)
    except EmailAddressInvalid as refusal:
        raise ValidationError(str(refusal), code="invalid_address") from refusal
    if parsed.name:
        raise ValidationError(
            gettext("Please give the address alone, without a name."), code="invalid_address"
        )


def validate_email_list(value: str) -> None:
    """Raise ValidationError that names the first address of the list which is wrong."""
    try:
        parse_list(value)
    except EmailAddressInvalid as refusal:
        raise ValidationError(str(refusal), code="invalid_address") from refusal
