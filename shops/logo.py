"""Checks an uploaded logo before anything decodes its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    from django.core.files.base import File

MAX_BYTES = 300_000
MAX_PIXELS = 2_000  # a side


def validate_logo(file: File[bytes]) -> None:
    """Raises ``ValidationError`` for a file that is too large, too wide or no picture.

    Reads the header only: a picture of 50,000 × 50,000 pixels must not be unpacked to be refused.
    """
    if file.size and file.size > MAX_BYTES:
        raise ValidationError(
            _("The logo has %(size)d kB; at most %(limit)d kB are possible.")
            % {"size": file.size // 1000, "limit": MAX_BYTES // 1000}
        )
    try:
        with Image.open(file, formats=["PNG", "JPEG", "GIF", "WEBP"]) as picture:
            width, height = picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError(_("This is not a PNG, JPEG, GIF or WebP picture.")) from error
    finally:
        file.seek(0)
    if max(width, height) > MAX_PIXELS:
        raise ValidationError(
            _("The logo is %(width)d × %(height)d pixels; at most %(limit)d a side are possible.")
            % {"width": width, "height": height, "limit": MAX_PIXELS}
        )
