"""The editor as its tests use it: an own template, a page's form, a check as the script asks."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from shops.models import Shop
from templates_tx.message_types import get
from templates_tx.models import MessageTemplate
from templates_tx.saving import own_template

CODE = "order.placed"
AS_SCRIPT = {"HTTP_ACCEPT": "application/json"}


def url(shop: Shop, name: str = "template", **more: Any) -> str:
    """Of a page about the Polish order confirmation, unless ``more`` says otherwise."""
    kwargs = {"shop": shop.slug, "code": CODE, "language": "pl", **more}
    return reverse(f"templates_tx:{name}", kwargs=kwargs)


def own(shop: Shop, user: Any, language: str = "pl", code: str = CODE) -> MessageTemplate:
    """A copy of the built-in words, not in use."""
    return own_template(shop, get(code), language, user)


def words(template: MessageTemplate, **typed: Any) -> dict[str, Any]:
    """What the page's form sends for the template's last version, with ``typed`` over it."""
    template.refresh_from_db()
    version = template.current
    assert version is not None
    return {
        "subject": version.subject,
        "preheader": version.preheader,
        "html": version.html_source,
        "text": version.text,
        "sms": version.sms,
        "began_from": version.number,
        "seen": "",
        "order": "",
        **typed,
    }


def wrong(template: MessageTemplate) -> str:
    """The HTML with one name that nobody knows."""
    return str(words(template)["html"]).replace("order.total |", "order.totl |")


def check(client: Client, shop: Shop, typed: dict[str, Any]) -> Any:
    return client.post(url(shop, "check"), typed, **AS_SCRIPT)
