"""The mailbox: two inboxes, a reading pane, and the mail itself in a sandboxed frame."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from demo.catalogue import BICYCLES
from demo.loopback import FromThisComputer
from demo.mailbox import Side, find, letter_of, letters
from demo.sink_store import Received
from maillog.mime import parse_parts
from shops.models import Shop

NOT_CHANGED = 204  # htmx leaves the page as it is
# Mail that was sent by an earlier run shows that run's port in the addresses of its pictures.
OWN_ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d{1,5}/")
HEAD = re.compile(r"<head[^<>]*>", re.IGNORECASE)
TABS = ("mail", "text", "source")


class Mailbox(FromThisComputer, View):
    """The page; for htmx only its list (``HX-Target``: ``letters``)."""

    def get(self, request: HttpRequest) -> HttpResponse:
        side = _side(request.GET.get("side"))
        found = letters(side)
        seen = found[0].name if found else ""
        part = request.headers.get("HX-Target") == "letters"
        if part and request.GET.get("seen") == seen:
            return HttpResponse(status=NOT_CHANGED)
        context = {"side": side, "sides": Side, "letters": found, "seen": seen, "here": "mailbox"}
        # The reader's clock: the mailbox belongs to no shop.
        context["shop"] = Shop.objects.filter(slug=BICYCLES.slug).first()
        context |= _reading(request.GET.get("open"), request.GET.get("tab"))
        template = "demo/mailbox.html#letters" if part else "demo/mailbox.html"
        return render(request, template, context)


def _side(value: str | None) -> Side:
    return Side(value) if value in Side.values else Side.CUSTOMERS


def _reading(name: str | None, tab: str | None) -> dict[str, Any]:
    received = find(name) if name else None
    if received is None:
        return {}
    context = {"letter": letter_of(received.name), "tab": tab if tab in TABS else TABS[0]}
    if context["tab"] == "text":
        context["text"] = parse_parts(received.content).text
    elif context["tab"] == "source":
        context["source"] = received.content.decode(errors="replace")
    return context


def _found(name: str) -> Received:
    received = find(name)
    if received is None:
        raise Http404
    return received


class LetterFrame(FromThisComputer, View):
    """The HTML as it came. Its links open in a new tab; scripts and forms do nothing."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        parts = parse_parts(_found(name).content)
        origin = request.build_absolute_uri("/")
        html = HEAD.sub(r'\g<0><base target="_blank">', parts.html, count=1)
        response = HttpResponse(OWN_ADDRESS.sub(origin, html))
        response["Content-Security-Policy"] = (
            "default-src 'none'; form-action 'none'; frame-ancestors 'self'; "
            f"style-src 'unsafe-inline'; img-src data: {origin}media/ {origin}static/demo/; "
            "sandbox allow-popups allow-popups-to-escape-sandbox"
        )
        response["X-Frame-Options"] = "SAMEORIGIN"
        response["X-Content-Type-Options"] = "nosniff"
        response["Referrer-Policy"] = "no-referrer"
        return response
