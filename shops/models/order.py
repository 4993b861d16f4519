"""Customers and their orders. Every change of state is announced in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Self
from uuid import uuid4

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shops import signals
from shops.facts import OrderFacts, Party
from shops.models.document import invoice_address
from shops.models.order_line import OrderLine
from shops.models.order_states import DeliveryState, OrderState, PaymentState
from shops.models.shop import Currency, Language, Shop, ShopScopedQuerySet
from shops.models.web_link import check_link, web_address
from shops.search_text import fold
from shops.storable import clean_texts


def _known(field: str, choices: type[models.TextChoices]) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__in": choices.values}), name=f"order_{field}_known"
    )


class Customer(models.Model):
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="customers")
    email = models.EmailField(_("e-mail"))
    first_name = models.CharField(_("first name"), max_length=80, blank=True)
    last_name = models.CharField(_("last name"), max_length=80, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShopScopedQuerySet["Customer"].as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(fields=["shop", "email"], name="customer_one_per_address")
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        clean_texts(self)
        is_new = self._state.adding
        super().save(*args, **kwargs)
        if not is_new:
            self._rename_in_orders()

    def _rename_in_orders(self) -> None:
        """Orders are found under the name and address that their buyer has now."""
        orders = list(self.orders.all())
        for order in orders:
            order.customer = self
            order.search = order.search_text()
        Order.objects.bulk_update(orders, ["search"], batch_size=500)

    def party(self) -> Party:
        return Party(self.name, self.email, self.phone, self.first_name)


class OrderQuerySet(ShopScopedQuerySet["Order"]):
    def newest_first(self) -> Self:
        return self.order_by("-placed_at", "-id")


class Order(models.Model):
    """An order as the shop knows it. Changed only through its methods, which announce it."""

    _placed_lines: Sequence[OrderLine] = ()  # only while the order is announced

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="orders")
    number = models.CharField(_("number"), max_length=60)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    language = models.CharField(_("language"), max_length=5, choices=Language, blank=True)
    currency = models.CharField(_("currency"), max_length=3, choices=Currency)
    placed_at = models.DateTimeField(_("placed"), default=timezone.now)
    imported_at = models.DateTimeField(_("imported"), default=timezone.now)

    # The payer of the document and the recipient of the goods, where they are not the buyer.
    payer_name = models.CharField(_("payer"), max_length=160, blank=True)
    payer_email = models.EmailField(_("payer's e-mail"), blank=True)
    payer_phone = models.CharField(_("payer's phone"), max_length=40, blank=True)
    payer_address = models.TextField(_("payer's address"), max_length=400, blank=True)
    recipient_name = models.CharField(_("recipient"), max_length=160, blank=True)
    recipient_phone = models.CharField(_("recipient's phone"), max_length=40, blank=True)
    recipient_address = models.TextField(_("delivery address"), max_length=400, blank=True)

    state = models.CharField(
        _("order state"), max_length=20, choices=OrderState, default=OrderState.NEW
    )
    payment_state = models.CharField(
        _("payment state"), max_length=20, choices=PaymentState, default=PaymentState.UNPAID
    )
    delivery_state = models.CharField(
        _("delivery state"), max_length=20, choices=DeliveryState, default=DeliveryState.NONE
    )
    payment_method = models.CharField(_("payment method"), max_length=80, blank=True)
    shipping_method = models.CharField(_("shipping method"), max_length=80, blank=True)
    pickup_point = models.CharField(_("pick-up point"), max_length=200, blank=True)
    carrier = models.CharField(_("carrier"), max_length=60, blank=True)
    tracking_number = models.CharField(_("parcel number"), max_length=60, blank=True)
    tracking_url = models.URLField(
        _("tracking link"), max_length=500, blank=True, validators=[web_address]
    )

    subtotal = models.DecimalField(_("goods"), max_digits=12, decimal_places=2, default=0)
    shipping_cost = models.DecimalField(_("shipping"), max_digits=12, decimal_places=2, default=0)
    discount = models.DecimalField(_("discount"), max_digits=12, decimal_places=2, default=0)
    tax_total = models.DecimalField(_("of which tax"), max_digits=12, decimal_places=2, default=0)
    total = models.DecimalField(_("total"), max_digits=12, decimal_places=2, default=0)
    note = models.TextField(_("customer's note"), max_length=2000, blank=True)
    url = models.URLField(_("order page"), max_length=500, blank=True, validators=[web_address])
    invoice_url = models.URLField(
        _("invoice link"), max_length=500, blank=True, validators=[web_address]
    )
    # Spares orders without documents, which nearly all are when they are placed, a query.
    has_documents = models.BooleanField(default=False, editable=False)
    # Number, names, addresses and parcel, casefolded and without accents.
    search = models.TextField(blank=True, editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(fields=["shop", "number"], name="order_number_once_a_shop"),
            _known("state", OrderState),
            _known("payment_state", PaymentState),
            _known("delivery_state", DeliveryState),
        ]
        indexes = [
            # The list of orders, newest first, page by page.
            models.Index(fields=["shop", "-placed_at", "-id"], name="order_list"),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search = self.search_text()
        clean_texts(self)
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "search"}
        super().save(*args, **kwargs)

    def search_text(self) -> str:
        """What the list of orders is searched by."""
        words = (
            self.number,
            self.customer.name,
            self.customer.email,
            self.payer_name,
            self.payer_email,
            self.recipient_name,
            self.tracking_number,
        )
        return fold(" ".join(word for word in words if word))

    @property
    def email(self) -> str:
        """The buyer's address."""
        return self.customer.email

    @classmethod
    def place(cls, order: Order, lines: Iterable[OrderLine]) -> Order:
        """Saves a new order with its lines, adds up its totals and announces ``order_placed``.

        An order that arrives already paid or shipped announces that as well, once each. Who is told
        finds the lines as they were given here.
        Raises ``ValidationError`` for a tracking link that is not http or https.
        """
        if order.tracking_url:
            check_link(order.tracking_url)
        items = list(lines)
        for line in items:
            line.take_stored_form()
        order.add_up(items)
        if order.tracking_url and order.delivery_state == DeliveryState.NONE:
            order.delivery_state = DeliveryState.SHIPPED
        with transaction.atomic():
            order.save(force_insert=True)
            for position, line in enumerate(items, start=1):
                line.order, line.position = order, position
                clean_texts(line)
            OrderLine.objects.bulk_create(items)
            order._placed_lines = items
            try:
                _announce(order)
            finally:
                del order._placed_lines
        return order

    def add_up(self, items: list[OrderLine]) -> None:
        """Sets ``subtotal``, ``tax_total`` and ``total`` from the lines (prices include tax)."""
        cent = Decimal("0.01")
        self.subtotal = sum((line.total for line in items), Decimal(0))
        self.total = self.subtotal + self.shipping_cost - self.discount
        self.tax_total = sum(
            (line.total * line.tax_rate / (100 + line.tax_rate) for line in items), Decimal(0)
        ).quantize(cent)

    def change_state(self, field: str, after: str) -> bool:
        """Sets ``state``, ``payment_state`` or ``delivery_state``; False if it had that value.

        The row is locked, so that two people who click at once announce one change.
        Raises ``ValueError`` for a field or a state that does not exist.
        """
        choices = {
            "state": OrderState,
            "payment_state": PaymentState,
            "delivery_state": DeliveryState,
        }[field]
        after = choices(after).value
        with transaction.atomic():
            row = Order.objects.select_for_update().get(pk=self.pk)
            before = getattr(row, field)
            setattr(self, field, after)
            if before == after:
                return False
            self.save(update_fields=[field])
            signals.order_changed.send(Order, order=self, field=field, before=before, after=after)
            if field == "payment_state" and after == PaymentState.PAID:
                signals.order_paid.send(Order, order=self, before=before)
        return True

    def mark_paid(self) -> bool:
        """The money has come. False if the order was paid before."""
        return self.change_state("payment_state", PaymentState.PAID)

    def ship(
        self,
        tracking_url: str,
        tracking_number: str = "",
        carrier: str = "",
        *,
        replaces: bool = False,
    ) -> bool:
        """A parcel has left: keeps its tracking link and announces ``order_shipped``.

        ``replaces``: no other parcel, but the right link in place of the one that was there;
        announces ``tracking_changed``. Returns False if just this link was there already; its
        number and carrier are still corrected. Raises ``ValidationError`` for a link that is not
        http or https.
        """
        check_link(tracking_url)
        with transaction.atomic():
            row = Order.objects.select_for_update().get(pk=self.pk)
            self.tracking_url, self.tracking_number = tracking_url, tracking_number
            self.carrier = carrier
            self.save(update_fields=["tracking_url", "tracking_number", "carrier"])
            if row.tracking_url == tracking_url:
                return False
            parcel = tracking_number or tracking_url
            if replaces and row.tracking_url:
                # The same link may be put right twice, and back again: each time is told.
                signals.tracking_changed.send(
                    Order, order=self, parcel=parcel, occurrence=uuid4().hex
                )
                return True
            self.change_state("delivery_state", DeliveryState.SHIPPED)
            signals.order_shipped.send(Order, order=self, parcel=parcel, before=row.delivery_state)
        return True

    def write_note(self, text: str, *, occurrence: str, author: str = "") -> None:
        """Sends ``text`` to the customer; ``occurrence`` makes a double click send once."""
        with transaction.atomic():
            signals.note_written.send(
                Order, order=self, text=text, occurrence=occurrence, author=author
            )

    def payer(self) -> Party:
        """Who pays the document; the buyer where nobody else is named."""
        buyer = self.customer.party()
        return Party(
            self.payer_name or buyer.name,
            self.payer_email or buyer.email,
            self.payer_phone or buyer.phone,
            address=tuple(self.payer_address.splitlines()),
        )

    def recipient(self) -> Party:
        buyer = self.customer.party()
        return Party(
            self.recipient_name or buyer.name,
            buyer.email,
            self.recipient_phone or buyer.phone,
            address=tuple(self.recipient_address.splitlines()),
        )

    def _lines(self) -> Iterable[OrderLine]:
        """The lines, without asking the database for what has just been written there."""
        return self._placed_lines or self.lines.all()

    def facts(self) -> OrderFacts:
        return OrderFacts(
            number=self.number,
            placed_at=self.placed_at,
            imported_at=self.imported_at,
            currency=self.currency,
            language=self.language or self.customer.language,
            buyer=self.customer.party(),
            payer=self.payer(),
            recipient=self.recipient(),
            lines=tuple(line.facts() for line in self._lines()),
            total=self.total,
            subtotal=self.subtotal,
            shipping_cost=self.shipping_cost,
            discount=self.discount,
            tax_total=self.tax_total,
            state=self.state,
            payment_state=self.payment_state,
            delivery_state=self.delivery_state,
            payment_method=self.payment_method,
            shipping_method=self.shipping_method,
            pickup_point=self.pickup_point,
            note=self.note,
            url=self.url,
            invoice_url=invoice_address(self),
            carrier=self.carrier,
            tracking_number=self.tracking_number,
            tracking_url=self.tracking_url,
        )


def _announce(order: Order) -> None:
    """What an order that has just been placed is, and what it is already."""
    signals.order_placed.send(Order, order=order)
    if order.payment_state == PaymentState.PAID:
        signals.order_paid.send(Order, order=order)
    if order.tracking_url:
        parcel = order.tracking_number or order.tracking_url
        signals.order_shipped.send(Order, order=order, parcel=parcel)
