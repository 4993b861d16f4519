"""How large a file is, in words."""

from __future__ import annotations

import math

from django.utils.formats import number_format
from django.utils.translation import gettext as _

MEGABYTE = 1024 * 1024


def in_words(size: int) -> str:
    """“2 MB”, “2.01 MB”, “340 kB”: rounded up, for what is too large is not to look like enough."""
    if size < MEGABYTE:
        return _("%(size)d kB") % {"size": math.ceil(size / 1024)}
    hundredths = math.ceil(size * 100 / MEGABYTE)
    places = 2 if hundredths % 10 else 1 if hundredths % 100 else 0
    return _("%(size)s MB") % {"size": number_format(hundredths / 100, places)}
