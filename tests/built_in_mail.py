"""Built-in messages as tests want them: rendered with a sample, and as a reader sees them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from templates_tx import defaults
from templates_tx.rendering import Rendered, render_all
from templates_tx.samples import sample_of


def mail(code: str, language: str, **changes: Any) -> Rendered:
    """Render a default with its sample; `order={...}` and the like change single values."""
    context: dict[str, Any] = sample_of(code, language)
    for key, change in changes.items():
        if isinstance(change, dict):
            context[key] |= change
        else:
            context[key] = change
    return render_all(defaults.load(code, language).parts, context)


def shown(html: str) -> str:
    """Return what a reader sees of a page, and what mail programs show beside the subject."""
    body = re.sub(r"<head>.*?</head>|<!--.*?-->", "", html, flags=re.DOTALL)
    return unbroken(unescape(re.sub(r"<[^>]*>", " ", body)))


def unbroken(text: str) -> str:
    """Return the text with plain single blanks, whatever kind they were."""
    return " ".join(text.split())
