"""The types of account as the picker shows them: what each is, needs, allows and brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from mailaccounts.models import Kind

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Tile:
    """One card. ``facts`` are pairs of a word and what it says, in the order shown."""

    kind: Kind
    icon: str
    title: StrOrPromise
    text: StrOrPromise
    facts: tuple[tuple[StrOrPromise, StrOrPromise], ...]
    go_on: StrOrPromise


_NEED, _LIMITS, _EXTRAS, _PRICE = _("Need"), _("Limits"), _("Extras"), _("Price")

TILES = (
    Tile(
        Kind.SMTP,
        "server-2",
        _("Another server (SMTP)"),
        _("Mail leaves through the mailbox you already have at your hosting company."),
        (
            (_NEED, _("Address and password of the mailbox")),
            (_LIMITS, _("Those of your hosting company")),
            (_EXTRAS, _("Copies, IMAP synchronisation, DKIM")),
        ),
        _("Continue with SMTP"),
    ),
    Tile(
        Kind.SERVER,
        "server",
        _("From this server"),
        _("The simplest way. Nothing to log in to; Postroom hands the mail over itself."),
        (
            (_NEED, _("An SPF record; we write it")),
            (_LIMITS, _("Good up to about 1,000 a day")),
            (_EXTRAS, _("Copies, IMAP synchronisation, DKIM")),
        ),
        _("Continue with this server"),
    ),
    Tile(
        Kind.GOOGLE,
        "brand-google",
        _("Google"),
        _("Workspace or free Gmail, added with one click. Tick “send on your behalf” at Google."),
        (
            (_NEED, _("A Google login, no password here")),
            (_LIMITS, _("Workspace 2,000 a day; Gmail 100")),
            (_EXTRAS, _("Copies; Google files sent mail itself")),
        ),
        _("Continue with Google"),
    ),
    Tile(
        Kind.MICROSOFT,
        "brand-windows",
        _("Microsoft 365"),
        _(
            "Company mail at Microsoft, added with one click. Your administrator may have to "
            "allow it once."
        ),
        (
            (_NEED, _("A Microsoft login, no password here")),
            (_LIMITS, _("30 a minute, 10,000 a day")),
            (_EXTRAS, _("Copies; Microsoft files sent mail itself")),
        ),
        _("Continue with Microsoft"),
    ),
    Tile(
        Kind.FRESHMAIL,
        "send",
        _("FreshMail"),
        _("A sending service with the best delivery for large numbers. Paid by the message."),
        (
            (_NEED, _("API token from your FreshMail panel")),
            (_PRICE, _("3 grosze for 10 messages")),
            (_EXTRAS, _("No copies, no IMAP synchronisation")),
        ),
        _("Continue with FreshMail"),
    ),
    Tile(
        Kind.ESP,
        "plug-connected",
        _("Another sending service"),
        _("Brevo, Postmark, Mailgun, Resend, Amazon SES and others."),
        (
            (_NEED, _("API key and a verified domain")),
            (_LIMITS, _("Those of your plan")),
            (_EXTRAS, _("Copies, IMAP synchronisation")),
        ),
        _("Choose the service"),
    ),
)
_BY_KIND = {tile.kind: tile for tile in TILES}


def tile_of(kind: str) -> Tile:
    return _BY_KIND[Kind(kind)]


def icon_of(kind: str, *, is_default: bool = False) -> str:
    return "mail-cog" if is_default else tile_of(kind).icon
