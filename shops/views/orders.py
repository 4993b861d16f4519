"""Orders: the list, one order's page, and what staff do there."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.generic import TemplateView, View

from shops import previews
from shops.documents.form import DocumentForm
from shops.documents.listing import listed
from shops.filters import CHOICES, OrderFilter, Place, page_of
from shops.forms import CARRIERS, NoteForm, TrackingForm
from shops.models import AuditEntry, Order, Role
from shops.models.order_states import PaymentState
from shops.previews import Deed, Preview, SentMessage
from shops.scope import ShopScoped

LONGEST_TYPED = 500  # characters
# Money that is on its way or was asked for; after a refund "paid" would be a mistake.
PAYABLE = (PaymentState.UNPAID, PaymentState.PENDING, PaymentState.FAILED)


class OrderList(ShopScoped, TemplateView):
    """Newest first; with each order what was last sent for it."""

    template_name = "shops/orders.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = OrderFilter.from_query(self.request.GET.dict())
        orders = asked.apply(Order.objects.for_shop(self.shop)).select_related("customer")
        page = page_of(
            orders,
            before=Place.parse(self.request.GET.get("before", "")),
            after=Place.parse(self.request.GET.get("after", "")),
        )
        newest = previews.newest_by_order(self.shop, [order.number for order in page.orders])
        chosen = dict(asked.chosen)
        return super().get_context_data(
            asked=asked,
            choices=[(choice, chosen.get(choice.name, "")) for choice in CHOICES],
            page=page,
            page_is_inner=bool({"before", "after"} & set(self.request.GET)),
            rows=[(order, newest.get(order.number)) for order in page.orders],
            **kwargs,
        )


class OnOrder(ShopScoped):
    """A view of one order of the shop; foreign ones are 404."""

    needed_to_post = Role.SENDER
    kwargs: dict[str, Any]

    def get_order(self) -> Order:
        orders = Order.objects.for_shop(self.shop).select_related("customer", "shop")
        return get_object_or_404(orders, pk=self.kwargs["pk"])


class OrderPage(OnOrder, TemplateView):
    """Customer, goods, states and mail of one order, and what can be done with it."""

    template_name = "shops/order.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        order = self.get_order()
        forms = {
            "ship_form": TrackingForm(instance=order),
            "note_form": NoteForm(),
            "document_form": DocumentForm(),
            **kwargs,
        }
        return super().get_context_data(
            order=order,
            lines=order.lines.all(),
            carriers=CARRIERS,
            documents=listed(order),
            may_act=self.may(Role.SENDER),
            may_be_paid=order.payment_state in PAYABLE,
            ship_previews=ship_previews(order, forms["ship_form"]),
            paid_previews=previews.preview(Deed.PAID, order),
            note_previews=previews.preview(Deed.NOTE, order),
            **mail_context(order),
            **forms,
        )


def ship_previews(order: Order, form: BaseForm) -> list[Preview]:
    """What saving the form would send; it has not been checked yet."""
    link, number = typed(form, "tracking_url"), typed(form, "tracking_number")
    if link and link == order.tracking_url:
        text = gettext("This link was entered already: nothing more will be sent.")
        return [Preview(False, text)]
    replaces = "replaces" in form.fields and bool(form["replaces"].value())
    # As ``Order.ship`` names the parcel.
    return previews.preview(Deed.TRACKING if replaces else Deed.SHIPPED, order, number or link)


def typed(form: BaseForm, field: str) -> str:
    # PostgreSQL refuses NUL in text.
    return str(form[field].value() or "").replace("\0", "").strip()[:LONGEST_TYPED]


def mail_context(order: Order) -> dict[str, Any]:
    sent = previews.order_messages(order.shop, order.number)
    return {
        "sent": sent,
        "seen": fingerprint(sent),
        "look_again": previews.seconds_to_next_look(sent),
    }


def fingerprint(sent: list[SentMessage]) -> str:
    """Changes with whatever a reader could see; a page that asks again says what it shows."""
    shown = "|".join(f"{message.id}{message.state}{message.reason}" for message in sent)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]


class OrderMail(OnOrder, View):
    """The messages of an order, for a page that waits for news: 204 while there are none."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        order = self.get_order()
        context = {"shop": self.shop, "order": order, **mail_context(order)}
        if context["look_again"] and request.GET.get("seen") == context["seen"]:
            return HttpResponse(status=204)
        return render(request, "shops/order.html#mail", context)


class OrderPreview(OnOrder, View):
    """What saving the parcel would send, while it is being typed."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        order = self.get_order()
        found = ship_previews(order, TrackingForm(request.GET, instance=order))
        return render(request, "shops/order.html#previews", {"previews": found})


class OrderDeed(OrderPage):
    """Something staff do to an order: done, told in a toast, and back to the page."""

    nothing_new = gettext_lazy("Saved. No message is sent.")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Somebody has loaded again the address that a refused form was shown under."""
        return redirect("shops:order", shop=self.shop.slug, pk=self.get_order().pk)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        order = self.get_order()
        known = {message.id for message in previews.order_messages(self.shop, order.number)}
        refused = self.act(order)
        if refused is not None:
            return self.render_to_response(self.get_context_data(**refused), status=422)
        sent = previews.order_messages(self.shop, order.number)
        new = [message for message in sent if message.id not in known]
        messages.success(request, told(new) if new else self.nothing_new)
        return redirect("shops:order", shop=self.shop.slug, pk=order.pk)

    def act(self, order: Order) -> dict[str, BaseForm] | None:
        """Does it and returns None, or the form with its errors under its template's name."""
        raise NotImplementedError

    def note_down(self, action: str, order: Order, **details: Any) -> None:
        AuditEntry.note(
            action, shop=self.shop, user=self.request.user, target=order.number, **details
        )


def told(new: list[SentMessage]) -> str:
    """The toast's text: what was queued, and what was only logged, each a link to the log."""
    links = format_html_join(
        ", ",
        '<a href="{}">{}</a>{}',
        (
            (message.url, message.name, "" if message.is_moving else f" ({message.state})")
            for message in new
        ),
    )
    if all(message.is_moving for message in new):
        lead = ngettext("Saved. A message is queued:", "Saved. Messages are queued:", len(new))
    else:
        lead = gettext("Saved. See in the log:")
    return format_html("{} {}", lead, links)


class Ship(OrderDeed):
    """Staff have typed the tracking link."""

    def act(self, order: Order) -> dict[str, BaseForm] | None:
        # The form writes what was typed into its instance, so it gets one of its own.
        form = TrackingForm(self.request.POST, instance=self.get_order())
        if not form.is_valid():
            return {"ship_form": form}
        order.ship(**form.cleaned_data)
        self.note_down("order.shipped", order, link=order.tracking_url)
        return None


class MarkPaid(OrderDeed):
    """The money has come."""

    nothing_new = gettext_lazy("The order is marked as paid. No message is sent.")

    def act(self, order: Order) -> dict[str, BaseForm] | None:
        if order.payment_state in PAYABLE and order.mark_paid():
            self.note_down("order.paid", order)
        return None


class WriteNote(OrderDeed):
    """Staff write to the customer."""

    nothing_new = gettext_lazy("This note was sent already.")

    def act(self, order: Order) -> dict[str, BaseForm] | None:
        form = NoteForm(self.request.POST)
        if not form.is_valid():
            return {"note_form": form}
        text, token = form.cleaned_data["text"], form.cleaned_data["token"]
        order.write_note(text, occurrence=token, author=str(self.request.user))
        self.note_down("order.note", order)
        return None
