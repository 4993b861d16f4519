"""The way in to every page of the editor: role, message type and language, or 404."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from shops.models import Role
from shops.models.shop import Language
from shops.scope import ShopScoped
from templates_tx.editor.desk import Desk, desk_of
from templates_tx.message_types import MessageType, UnknownMessageType
from templates_tx.own_types import find


class OnType(ShopScoped):
    """A page about the words of one message type. A type that arrives ready-made has none."""

    needed = Role.EDITOR
    kwargs: dict[str, Any]

    @cached_property
    def type(self) -> MessageType:
        try:
            found = find(self.kwargs["code"], self.shop)
        except UnknownMessageType:
            raise Http404 from None
        if found.is_handed_in:
            raise Http404
        return found

    @property
    def person(self) -> AbstractUser:
        assert not isinstance(self.request.user, AnonymousUser)  # ShopScoped let nobody else in
        return self.request.user


class OnTemplate(OnType):
    """A page about the words in one language."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Asked for by ShopScoped too; here so that a made-up language is 404 for strangers as well.
        if kwargs["language"] not in Language.values:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def desk(self) -> Desk:
        return desk_of(self.shop, self.type, self.kwargs["language"])

    def url(self, name: str, **more: Any) -> str:
        given = {"shop": self.shop.slug, "code": self.type.code, "language": self.desk.language}
        return reverse(f"templates_tx:{name}", kwargs=given | more)

    def back(self) -> HttpResponse:
        """To the editor's page, with the order that was chosen."""
        order = self.request.POST.get("order", "")
        query = {"order": order} if order else {}
        return redirect(reverse_with(self.url("template"), query))


def reverse_with(url: str, query: dict[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url
