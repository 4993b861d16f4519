"""A message's words as a file: download, and upload with every fault named."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from shops.sealed import download
from templates_tx.editor import exchange
from templates_tx.editor.exchange import Fault, NotTaken
from templates_tx.editor.scope import OnType


class Export(OnType, View):
    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        found = exchange.exported(self.shop, self.type)
        if found is None:
            text = _("There is nothing to export: customers get built-in words.")
            messages.warning(request, text)
            return redirect(
                "templates_tx:template", self.shop.slug, self.type.code, self.shop.language
            )
        content = json.dumps(found, ensure_ascii=False, indent=2).encode()
        return download(content, exchange.file_name(self.shop, self.type), "application/json")


class Import(OnType, View):
    """Takes a file whole or not at all."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return self._show()

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        upload = request.FILES.get("file")
        if upload is None:
            return self._show([Fault(_("Choose a file."))], status=422)
        try:
            versions = exchange.take(
                exchange.read(upload, self.type),
                self.shop,
                self.type,
                self.person,
                even_if_orders_fail="anyway" in request.POST,
            )
        except NotTaken as reason:
            return self._show(reason.faults, reason.only_orders, status=422)
        text = ngettext(
            "%(n)d language is taken over, as a new version.",
            "%(n)d languages are taken over, each as a new version.",
            len(versions),
        )
        messages.success(request, text % {"n": len(versions)})
        first = versions[0].template.language
        return redirect("templates_tx:template", self.shop.slug, self.type.code, first)

    def _show(
        self, faults: list[Fault] | None = None, only_orders: bool = False, status: int = 200
    ) -> HttpResponse:
        context = {
            "shop": self.shop,
            "role": self.role,
            "type": self.type,
            "faults": faults or [],
            "only_orders": only_orders,
        }
        return render(self.request, "templates_tx/editor/import.html", context, status=status)
