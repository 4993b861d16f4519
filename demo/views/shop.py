"""A tiny storefront for each shop, and the page that shows an order's mail on its way."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views import View

from demo import storefront
from demo.catalogue import BICYCLES, STOCKS, ShopStock, stock_of
from demo.forms import StorefrontForm
from demo.loopback import FromThisComputer
from demo.progress import Progress, progress_of
from shops.models import Order, Shop

NOT_CHANGED = 204  # htmx leaves the page as it is


class ShopPage(FromThisComputer, View):
    """Base of both pages: ``self.shop`` and ``self.stock``."""

    shop: Shop
    stock: ShopStock

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        stock = stock_of(kwargs.get("shop", BICYCLES.slug))
        if stock is None:
            raise Http404
        self.stock = stock
        self.shop = get_object_or_404(Shop, slug=stock.slug)

    def context(self, **more: Any) -> dict[str, Any]:
        return {"shop": self.shop, "stock": self.stock, "stocks": STOCKS, "here": "shop", **more}


class Storefront(ShopPage):
    """Goods, a basket and a customer. ``?customer=`` proposes the next one."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        turn = self._turn()
        return self._page(StorefrontForm(self.stock, self.stock.people[turn]), turn)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        turn = self._turn()
        form = StorefrontForm(self.stock, self.stock.people[turn], request.POST)
        if not form.is_valid():
            return self._page(form, turn, status=422)
        order = storefront.place(self.shop, self.stock, form.customer(), form.articles())
        return redirect("demo:order", shop=self.shop.slug, number=order.number)

    def _turn(self) -> int:
        """Whose turn it is to be the customer: a place among the stock's people."""
        asked = self.request.GET.get("customer", "")
        known = len(self.stock.people)
        if asked.isdecimal() and len(asked) < 4:
            return int(asked) % known
        # Somebody else for each order, so that the mailbox fills with different names.
        return Order.objects.for_shop(self.shop).count() % known

    def _page(self, form: StorefrontForm, turn: int, status: int = 200) -> HttpResponse:
        context = self.context(form=form, next_customer=(turn + 1) % len(self.stock.people))
        return render(self.request, "demo/storefront.html", context, status=status)


class OrderPage(ShopPage):
    """What the customer's browser and the customer's mailbox show, side by side."""

    order: Order

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        orders = Order.objects.for_shop(self.shop).select_related("customer")
        self.order = get_object_or_404(orders, number=kwargs["number"])

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        found = progress_of(self.order)
        if request.headers.get("HX-Target") != "way":
            return render(request, "demo/order.html", self._context(found))
        context = self._context(found)
        if request.GET.get("seen") == context["seen"]:
            return HttpResponse(status=NOT_CHANGED)
        # The frame is changed only for a new letter: it would flicker.
        context["new_letter"] = request.GET.get("letter", "") != context["letter_name"]
        return render(request, "demo/order.html#live", context)

    def _context(self, found: list[Progress]) -> dict[str, Any]:
        arrived = [each.letter for each in found if each.letter]
        newest = max(arrived, key=lambda letter: letter.at, default=None)
        seen = "|".join(f"{each.delivery.state}.{bool(each.letter)}" for each in found)
        return self.context(
            order=self.order,
            found=found[::-1],
            seen=f"{seen}|{self.order.payment_state}",
            letter=newest,
            letter_name=newest.name if newest else "",
            look_again="500ms" if any(each.is_moving for each in found) else "2s",
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        deed = request.POST.get("deed")
        if deed == "pay":
            if not self.order.mark_paid():
                messages.info(request, _("This order is paid already."))
        elif deed == "forgot":
            storefront.forget_password(self.shop, self.order.customer)
        else:
            return HttpResponse(_("Unknown deed."), status=422)
        return redirect("demo:order", shop=self.shop.slug, number=self.order.number)
