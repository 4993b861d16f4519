"""Lines of a form that are added without a script: the page comes back with one more."""

from __future__ import annotations

from typing import Any


def one_more(posted: Any, prefix: str) -> Any:
    """What was posted, with one more empty line in the formset called ``prefix``."""
    made = posted.copy()
    name = f"{prefix}-TOTAL_FORMS"
    count = str(posted.get(name, ""))
    is_number = count.isascii() and count.isdecimal() and len(count) < 4
    made[name] = str(int(count) + 1 if is_number else 1)
    return made
