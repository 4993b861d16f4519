"""Form fields of accounts: addresses, server names, ports, secrets that are only ever written."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from shops.addresses import EmailAddressInvalid, domain_to_ascii, parse_address

PORTS = (25, 465, 587, 2525)
_ONE_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# What would break a header line or hide in it; the name is cleaned of it and staff are told.
_NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def one_address(text: str) -> str:
    """``text`` as one bare address with its domain in A-labels; raises ``ValidationError``."""
    try:
        parsed = parse_address(text)
    except EmailAddressInvalid as refusal:
        raise ValidationError(str(refusal)) from refusal
    if parsed.name:
        raise ValidationError(_("Please give the address alone, without a name."))
    return parsed.address


def host_name(text: str) -> str:
    """A server's name in A-labels, or an IP address; raises ``ValidationError``."""
    name = text.strip().rstrip(".").lower()
    try:
        return str(ip_address(name.strip("[]")))
    except ValueError:
        pass
    if _ONE_LABEL.fullmatch(name):
        return name
    try:
        return domain_to_ascii(name)
    except EmailAddressInvalid as refusal:
        raise ValidationError(
            _("Enter only the server's name, e.g. smtp.example.com, without http:// and port.")
        ) from refusal


def clean_name(typed: str) -> str:
    """A sender's name on one line, without what hides in text or breaks a header."""
    return " ".join(_NOT_IN_NAMES.sub(" ", typed).split())


class PortInput(forms.NumberInput):
    """A number with the usual ports offered; every other one may be typed."""

    def __init__(self, ports: tuple[int, ...] = PORTS, list_id: str = "mail-ports") -> None:
        super().__init__()
        self.ports = ports
        self.list_id = list_id

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        number = super().render(name, value, {**(attrs or {}), "list": self.list_id}, renderer)
        ports = format_html_join("", '<option value="{}">', ((port,) for port in self.ports))
        return format_html('{}<datalist id="{}">{}</datalist>', number, self.list_id, ports)


class PriceField(forms.DecimalField):
    """An amount of money; a comma is taken as well as a point, as people write it."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)


def secret_field(label: Any) -> forms.CharField:
    """A secret that is typed and never shown again."""
    return forms.CharField(
        label=label,
        required=False,
        strip=False,
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
