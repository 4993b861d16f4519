"""What a page showed of a decision: a form posts all of its fields, and staff changed only some.

The page carries a digest of each value along. What comes back as it was shown was not changed by
whoever posts it, so it must not take the place of what a colleague has stored meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Container
from hashlib import blake2s
from typing import Any

from templates_tx.assignments import Decision, Edit, values_of


def shown_of(decision: Decision, names: Container[str] | None = None) -> str:
    """For a hidden field of the page; ``names``: the values that it shows, None for all."""
    values = values_of(decision).items()
    return " ".join(
        f"{name}={_digest(value)}" for name, value in values if names is None or name in names
    )


def changed_since(shown: str, now: Decision, wanted: Decision) -> Edit:
    """What of ``wanted`` is otherwise than ``shown``; otherwise than ``now`` if it does not say."""
    seen = dict(part.partition("=")[::2] for part in shown.split())
    held = values_of(now)
    return Edit(
        {
            name: value
            for name, value in values_of(wanted).items()
            if _digest(value) != seen.get(name, _digest(held[name]))
        }
    )


def _digest(value: Any) -> str:
    return blake2s(json.dumps(value, sort_keys=True).encode(), digest_size=6).hexdigest()
