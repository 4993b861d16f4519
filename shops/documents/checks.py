"""Checks a file before it is kept as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from shops.conf import conf
from shops.file_size import in_words

if TYPE_CHECKING:
    from django.core.files.base import File

SIGNATURE = b"%PDF-"


def most() -> str:
    """The largest file that is taken, in words: one that could go along with a mail, too."""
    return in_words(conf.MAX_ATTACHMENT_BYTES)


def validate_pdf(file: File[bytes]) -> None:
    """Raises ``ValidationError`` for a file that is empty, too large or no PDF.

    Nothing parses it: it is kept and handed out as bytes, never opened here.
    """
    if not file.size:
        raise ValidationError(_("This file is empty."))
    if file.size > conf.MAX_ATTACHMENT_BYTES:
        raise ValidationError(_too_large(file.size))
    file.seek(0)
    begins = file.read(len(SIGNATURE))
    file.seek(0)
    if begins != SIGNATURE:
        raise ValidationError(_("This is not a PDF file."))


def _too_large(size: int) -> str:
    words = {"size": in_words(size), "limit": most()}
    if words["size"] == words["limit"]:
        words = {
            name: _("%(count)d bytes") % {"count": count}
            for name, count in (("size", size), ("limit", conf.MAX_ATTACHMENT_BYTES))
        }
    return _("This file has %(size)s; at most %(limit)s are possible.") % words
