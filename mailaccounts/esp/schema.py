"""What there is to say about a provider: the one schema that all of them are described by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise as Words

    from mailaccounts.models import SenderAccount


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the account's form.

    ``column`` is the column of ``SenderAccount`` that keeps it, ``option`` the keyword of the
    backend; an empty ``option`` is used by ours alone. ``choices`` are (stored value, label).
    """

    column: str
    option: str
    label: Words
    help: Words = ""
    secret: bool = False
    required: bool = True
    choices: tuple[tuple[str, Words], ...] = ()
    pattern: str = ""
    # What an empty, not required field stands for.
    default: str = ""

    def problem(self, value: str) -> str:
        """Why staff cannot have meant ``value``, or ""."""
        if not value:
            return _("Fill this in.") if self.required else ""
        if not (value.isascii() and value.isprintable()):
            return _("It may hold plain letters, digits and signs only: copy it once more.")
        if self.choices and value not in dict(self.choices):
            return _("Choose one of the list.")
        if self.pattern and not re.fullmatch(self.pattern, value):
            return _("This does not look right: copy it once more.")
        return ""


@dataclass(frozen=True, slots=True)
class Probe:
    """A harmless call that needs the key: GET ``path``, with the key as ``header``.

    ``scheme`` is what stands before the key; with ``basic_user`` it is HTTP Basic instead, and
    "{username}" there is the account's user name. ``but`` are words of a refusal that proves the
    key nevertheless (one that may send and look at nothing). ``path`` may name columns.
    """

    path: str
    header: str = "Authorization"
    scheme: str = "Bearer "
    basic_user: str = ""
    but: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """A line of the table. What is left out is as with most of them."""

    slug: str
    name: str
    backend: str  # the anymail backend's import path
    fields: tuple[Field, ...]
    # Where the API is, by region ("" where there is only one). ``{region}`` is filled in.
    api: Mapping[str, str]
    limits: Words = ""
    website: str = ""  # where the key is made
    options: Mapping[str, str] = field(default_factory=dict)  # further keywords of the backend
    reply_to: bool = True
    headers: bool = True  # False: on some plans only, so ours are left out and others refused
    attachments: bool = True
    inline_images: bool = True
    message_id: bool = False  # True: ours reaches the reader
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    # Where the Delivery's id goes, so that a repeat is not sent twice.
    idempotency_http: str = ""  # an HTTP header
    idempotency_header: str = ""  # a name among the message's headers
    probe: Probe | None = None
    aws: bool = False  # spoken to through boto3, which signs

    def field_of(self, column: str) -> Field | None:
        return next((each for each in self.fields if each.column == column), None)

    def value(self, account: SenderAccount, column: str) -> str:
        """What the account says, or the field's default."""
        own = str(getattr(account, column) or "").strip()
        known = self.field_of(column)
        return own or (known.default if known else "")

    def region(self, account: SenderAccount) -> str:
        return self.value(account, "esp_region") if self.field_of("esp_region") else ""

    def api_url(self, account: SenderAccount) -> str:
        """Where the account's API is; always one of the addresses in the table."""
        region = self.region(account)
        url = self.api.get(region) or self.api.get("", "")
        return url.replace("{region}", region)

    def problems(self, account: SenderAccount) -> dict[str, str]:
        """Column → why it cannot be right. Secrets are never repeated in the words."""
        found = {
            each.column: each.problem(self.value(account, each.column)) for each in self.fields
        }
        return {column: words for column, words in found.items() if words}

    def keywords(self, account: SenderAccount) -> dict[str, str]:
        """The backend's keyword arguments from the form's fields; holds the key in clear."""
        own = {
            each.option: self.value(account, each.column)
            for each in self.fields
            if each.option and self.value(account, each.column)
        }
        return {**self.options, **own}
