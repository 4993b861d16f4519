"""All messages that are on, tried with the shop's latest orders: nothing is queued by it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.generic import View

from templates_tx.catalogue import catalogue_of
from templates_tx.trying import try_all
from templates_tx.views import PAGE, OnMessages


class TryOnOrders(OnMessages, View):
    def get(self, request: HttpRequest, shop: str) -> HttpResponse:
        catalogue = catalogue_of(self.shop)
        context = self.context(catalogue, tried=try_all(self.shop, catalogue))
        return render(request, f"{PAGE}#tried" if self.is_htmx else PAGE, context)
