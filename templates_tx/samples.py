"""Sample data for previews and tests: exactly the context that the composer delivers."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static

from shops.conf import conf
from templates_tx import message_types
from templates_tx.contract import Contract
from templates_tx.types import shared

type Context = dict[str, object]

# Where the samples' pictures would lie; the ones that can be seen lie here.
ELSEWHERE = "https://rowerownia.pl/img/"
HERE = "postroom/samples/"


def sample_of(code: str, language: str) -> Context:
    """A believable context for templates of this type; a new one each time.

    Raises ``UnknownMessageType``.
    """
    return message_types.get(code).contract.sample(language)


def base_sample(language: str) -> Context:
    """What every template has: the shop, the customer, how amounts and times are written."""
    return Contract(shared.BASE).sample(language)


def with_pictures(context: Any) -> Any:
    """``context`` with pictures that a browser and a mailbox can fetch from this installation."""
    if isinstance(context, dict):
        return {name: with_pictures(value) for name, value in context.items()}
    if isinstance(context, list):
        return [with_pictures(value) for value in context]
    if isinstance(context, str) and context.startswith(ELSEWHERE):
        name = context.removeprefix(ELSEWHERE).removesuffix(".jpg")
        return f"{conf.PUBLIC_URL}{static(f'{HERE}{name}.png')}"
    return context
