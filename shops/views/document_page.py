"""What a customer's link to a document opens: a page in the shop's name, and the file.

Nobody signs in; the token in the address is the key. It has 160 bits, so that guessing is hopeless
at any speed and no counter of tries is kept, which strangers could fill. A look changes nothing:
programs that open every link of a mail do no harm.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import override
from django.views.decorators.http import require_safe

from shops.models import SalesDocument, Shop
from shops.models.shop import validate_colour
from shops.sealed import download, unlisted

COLOURS = ("#1f3d36", "#ffffff")  # where a shop's own are none
TOO_OLD, UNKNOWN = 410, 404

type Opened = Callable[[SalesDocument], HttpResponse]


@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Which document of which shop it is, with the button that fetches it."""

    def show(link: SalesDocument) -> HttpResponse:
        document = link.newest()
        context = {
            "link": link,
            "document": document,
            "token": token,
            "made": date_format(link.shop.local(document.created_at)),
            "ends": date_format(link.shop.local(link.expires_at)),
            **_look(link.shop),
        }
        return render(request, "shops/document.html", context)

    return _answer(request, token, show)


@require_safe
def file(request: HttpRequest, token: str) -> HttpResponse:
    """The newest version, to be saved."""

    def hand_out(link: SalesDocument) -> HttpResponse:
        document = link.newest()
        return download(bytes(document.file.content), document.name, "application/pdf")

    return _answer(request, token, hand_out)


def _answer(request: HttpRequest, token: str, opened: Opened) -> HttpResponse:
    """Unknown tokens name no shop; one that has ended says whom to ask."""
    rows = SalesDocument.objects.select_related("shop", "order__customer")
    link = rows.opened_by(token).first()
    if link is None:
        return unlisted(render(request, "shops/document_ended.html", status=UNKNOWN))
    with override(_language(link)):
        if link.opens:
            return unlisted(opened(link))
        context = {"link": link, **_look(link.shop)}
        return unlisted(render(request, "shops/document_ended.html", context, status=TOO_OLD))


def _language(link: SalesDocument) -> str:
    """The customer's, where the pages have been translated into it."""
    order = link.order
    wanted = order.language or order.customer.language or link.shop.language
    return wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _look(shop: Shop) -> dict[str, object]:
    """The shop's logo, from this very site, and its colours, which go into a style sheet."""
    colours = (shop.accent, shop.accent_text)
    try:
        for colour in colours:
            validate_colour(colour)
    except ValidationError:
        colours = COLOURS
    return {
        "shop": shop,
        "logo": f"{settings.MEDIA_URL}{shop.logo.name}" if shop.logo else "",
        "accent": colours[0],
        "accent_text": colours[1],
    }
