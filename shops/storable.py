"""Text that every database can keep: hostile input is cleaned once, before it is stored.

PostgreSQL refuses NUL in text and half a surrogate pair in JSON, and no encoding has room for
the latter. SQLite takes both, and the mail breaks later, in the worker.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import Model

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def storable(text: object) -> str:
    """``text`` as a plain ``str`` without NUL and lone surrogates.

    Joining gives an exact ``str`` even for subclasses such as Django's ``SafeString``.
    """
    if type(text) is str and "\x00" not in text:
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:  # nearly always, and much quicker than to look for each character
            return text
    return "".join((_UNSTORABLE.sub("\ufffd", str(text)),))


def one_line(text: object) -> str:
    """``text`` for a header: line breaks and other control characters become blanks."""
    return _BREAKS.sub(" ", storable(text)).strip()


def clean_texts(row: Model) -> None:
    """Makes every text of ``row`` ``storable``; called before it is saved."""
    # What was not loaded is not in ``__dict__``, and needs no cleaning.
    for name, value in list(vars(row).items()):
        if isinstance(value, str) and _UNSTORABLE.search(value):
            setattr(row, name, storable(value))


def storable_data(value: Any) -> Any:
    """Plain data of any depth as JSON can keep it: texts ``storable``, numbers and times as text.

    ``date`` stands for ``datetime`` too; floats and whole numbers stay what they are.
    """
    if type(value) is str:
        return storable(value)
    if type(value) is dict:
        return {storable_data(key): storable_data(each) for key, each in value.items()}
    if type(value) is list:
        return [storable_data(each) for each in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return value
