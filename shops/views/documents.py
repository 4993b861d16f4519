"""What staff do with the documents of an order."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View

from shops.documents import keeping
from shops.documents.form import DocumentForm
from shops.models import Order, SalesDocument
from shops.sealed import download
from shops.views.orders import OnOrder, OrderDeed


class HandIn(OrderDeed):
    """A finished PDF for the customer."""

    nothing_new = gettext_lazy("The document is there, and its link is ready. No message is sent.")
    works_again = gettext_lazy(
        "This document was there already, and its link works again. No message is sent."
    )

    def act(self, order: Order) -> dict[str, BaseForm] | None:
        form = DocumentForm(self.request.POST, self.request.FILES)
        if not form.is_valid():
            return {"document_form": form}
        document = keeping.hand_in(order, form.handed(), self.request.user)
        if not document.opens:  # the same file as before, whose link was revoked or has ended
            keeping.allow(document, self.request.user)
            self.nothing_new = self.works_again
        return None


class OnDocument(OnOrder):
    """A view of one document of an order of the shop; foreign ones are 404."""

    def get_document(self) -> SalesDocument:
        documents = SalesDocument.objects.filter(order=self.get_order())
        return get_object_or_404(
            documents.select_related("shop", "order"), pk=self.kwargs["document"]
        )

    def url(self, name: str) -> str:
        return reverse(f"shops:{name}", kwargs=self.kwargs)

    def back(self, text: str, undo: str) -> HttpResponse:
        """Tells it in a toast that can be undone, on the order's page."""
        messages.success(self.request, text, extra_tags=f"undo:{self.url(undo)}")
        return redirect("shops:order", shop=self.shop.slug, pk=self.kwargs["pk"])


class File(OnDocument, View):
    """The file as it was handed in."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        document = self.get_document()
        return download(bytes(document.file.content), document.name, "application/pdf")


class Revoke(OnDocument, View):
    """The customer's link stops working."""

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        keeping.revoke(self.get_document(), request.user)
        return self.back(_("The link does not work any more."), "document_allow")


class Allow(OnDocument, View):
    """The customer's link works again."""

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        keeping.allow(self.get_document(), request.user)
        return self.back(_("The link works again."), "document_revoke")
