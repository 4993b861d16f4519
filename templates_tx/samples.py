"""Sample data for previews and tests: exactly the context that the composer delivers."""

from __future__ import annotations

from templates_tx import message_types
from templates_tx.contract import Contract
from templates_tx.types import shared

type Context = dict[str, object]


def sample_of(code: str, language: str) -> Context:
    """A believable context for templates of this type; a new one each time.

    Raises ``UnknownMessageType``.
    """
    return message_types.get(code).contract.sample(language)


def base_sample(language: str) -> Context:
    """What every template has: the shop, the customer, how amounts and times are written."""
    return Contract(shared.BASE).sample(language)
