"""A message's content, which anybody may have written: it is shown, never trusted.

Each answer carries a policy of its own instead of the panel's: no script, no form, no frame, no
origin, nothing stored, and nothing from elsewhere until somebody asks for the pictures.
"""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views import View

from maillog.models import MailMessage, MessageBody
from maillog.views.message import NotMade, content_of, find
from shops.conf import conf
from shops.scope import ShopScoped
from shops.sealed import LOCKED, download, sealed

INLINE_IMAGE = re.compile(r"image/(png|jpeg|gif|webp)\Z")
MOST_INLINE = 3_000_000  # bytes of pictures inside a mail that the viewer shows


class MailFrame(ShopScoped, View):
    """The HTML exactly as sent, for a sandboxed frame. ``pictures`` lets those from outside in."""

    pictures = False

    def get(self, request: HttpRequest, message: UUID, **kwargs: Any) -> HttpResponse:
        found = find(self, message)
        body = MessageBody.objects.filter(message=found).only("html").first()
        if found.sensitive or body is None:
            raise Http404
        images = (
            "data: http: https:" if self.pictures else f"data: {' '.join(own_pictures(request))}"
        )
        response = HttpResponse(with_inline_images(found, body.html))
        response["Content-Security-Policy"] = (
            f"{LOCKED}; img-src {images}; style-src 'unsafe-inline'; frame-ancestors 'self'"
        )
        response["X-Frame-Options"] = "SAMEORIGIN"
        # A mail's <link rel="dns-prefetch"> would tell its author that it was opened.
        response["X-DNS-Prefetch-Control"] = "off"
        return sealed(response)


def own_pictures(request: HttpRequest) -> list[str]:
    """Where our own pictures lie, by the reader's address and by that of mail programs.

    Only folders of files: hostile mail must not make the reader's browser call other pages.
    """
    public = urlsplit(conf.PUBLIC_URL)
    origins = [f"{public.scheme}://{public.netloc}", f"{request.scheme}://{request.get_host()}"]
    folders = (settings.MEDIA_URL, settings.STATIC_URL)
    return [f"{origin}{folder}" for origin in dict.fromkeys(origins) for folder in folders]


def with_inline_images(message: MailMessage, html: str) -> str:
    """``cid:`` addresses, which only mail programs know, replaced by the pictures themselves."""
    spent = 0
    for each in message.attachments.exclude(content_id="").select_related("file"):
        spent += each.file.size
        if spent > MOST_INLINE or not INLINE_IMAGE.fullmatch(each.content_type):
            continue
        data = base64.b64encode(bytes(each.file.content)).decode()
        html = html.replace(f"cid:{each.content_id}", f"data:{each.content_type};base64,{data}")
    return html


class Eml(ShopScoped, View):
    """The mail as a file, byte for byte as the server got it."""

    def get(self, request: HttpRequest, message: UUID, **kwargs: Any) -> HttpResponse:
        found = find(self, message)
        try:
            content = content_of(found)
        except NotMade as reason:
            messages.warning(request, str(reason))
            return redirect("maillog:message", shop=self.shop.slug, message=found.pk)
        return download(content, f"{found.subject or _('message')}.eml", "message/rfc822")


class File(ShopScoped, View):
    """One attachment. Its type is not repeated: a browser could take it at its word."""

    def get(self, request: HttpRequest, message: UUID, file: int, **kwargs: Any) -> HttpResponse:
        found = find(self, message)
        attachment = found.attachments.select_related("file").filter(pk=file).first()
        if attachment is None or found.sensitive:
            raise Http404
        return download(bytes(attachment.file.content), attachment.name, "application/octet-stream")
