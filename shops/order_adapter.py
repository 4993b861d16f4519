"""Reads orders of a model that is not ours: which of its fields is what.

An attribute of an adapter is the dotted path to a value ("customer.address.city"; methods without
arguments are called), or a method that gets the object and returns the value. What is empty or
not mapped has the default that the class names.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import models
from django.utils import timezone

from shops.facts import Line, OrderFacts, Party
from shops.models import Shop
from shops.models.order_states import DeliveryState, OrderState, PaymentState

Source = Any
"""A dotted path (str), a method of the adapter, or None: not mapped."""

STATES: dict[str, type[models.TextChoices]] = {
    "state": OrderState,
    "payment_state": PaymentState,
    "delivery_state": DeliveryState,
}


class AdapterError(ValueError):
    """An adapter cannot read an order; the text names the adapter's attribute."""


class Adapter:
    """What orders and their lines have in common: reading one attribute of one object."""

    # Attributes that are no path to a value.
    not_paths: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def refuse(cls, attribute: str, problem: str) -> AdapterError:
        return AdapterError(f"{cls.__name__}.{attribute}: {problem}")

    def get(self, instance: Any, attribute: str, default: Any = None) -> Any:
        """The value of ``attribute``; ``default`` if it is not mapped, None or empty text.

        Raises ``AdapterError``.
        """
        source = getattr(self, attribute)
        if source is None:
            return default
        try:
            value = source(instance) if callable(source) else follow(instance, source)
        except AdapterError:
            raise
        except Exception as error:
            how = source if isinstance(source, str) else "its method"
            raise self.refuse(
                attribute, f"{how} failed: {type(error).__name__}: {error}"
            ) from error
        return default if value is None or value == "" else value

    def text(self, instance: Any, attribute: str, default: str = "") -> str:
        return str(self.get(instance, attribute, default))

    def amount(self, instance: Any, attribute: str, default: Any = 0) -> Decimal:
        """A number as ``Decimal``; floats are read as they print. Raises ``AdapterError``."""
        value = self.get(instance, attribute, default)
        try:
            number = Decimal(str(value))
        except InvalidOperation as error:
            raise self.refuse(attribute, f"“{value}” is not a number") from error
        if not number.is_finite():
            raise self.refuse(attribute, f"“{value}” is not a number")
        return number

    @classmethod
    def check(cls, model: type[models.Model]) -> None:
        """Raises ``AdapterError`` for the first attribute that cannot be right for ``model``."""
        for attribute in (name for name in dir(cls) if not name.startswith("_")):
            source = getattr(cls, attribute)
            if not isinstance(source, str) or attribute in cls.not_paths:
                continue
            if not any(attribute in vars(base) for base in (LineAdapter, OrderAdapter)):
                raise cls.refuse(attribute, "adapters know no such attribute")
            cls._check_path(model, attribute, source)

    @classmethod
    def _check_path(cls, model: type[models.Model], attribute: str, path: str) -> None:
        at: type[models.Model] = model
        for part in path.split("."):
            try:
                field = at._meta.get_field(part)
            except FieldDoesNotExist:
                if not hasattr(at, part):
                    raise cls.refuse(attribute, f"{at.__name__} has no “{part}”") from None
                return  # a property or a method: what it returns is seen when it is read
            related = field.related_model
            if not isinstance(related, type):
                return
            at = related


def follow(instance: Any, path: str) -> Any:
    """The value at the end of ``path``; None where a relation or a key on the way is empty."""
    value = instance
    for part in path.split("."):
        if value is None:
            return None
        try:
            value = value.get(part) if isinstance(value, dict) else getattr(value, part)
        except ObjectDoesNotExist:
            return None
        if inspect.ismethod(value):
            value = value()
    return value


class LineAdapter(Adapter):
    """One line of a foreign order. ``total`` defaults to quantity × unit price."""

    name: Source = "name"
    quantity: Source = "quantity"
    unit_price: Source = "unit_price"
    total: Source = None
    variant: Source = None
    sku: Source = None
    image_url: Source = None

    def read(self, instance: Any) -> Line:
        """Raises ``AdapterError``."""
        quantity = self.amount(instance, "quantity", 1)
        price = self.amount(instance, "unit_price")
        return Line(
            name=self.text(instance, "name"),
            quantity=quantity.normalize(),
            unit_price=price,
            total=self.amount(instance, "total", (quantity * price).quantize(Decimal("0.01"))),
            variant=self.text(instance, "variant"),
            sku=self.text(instance, "sku"),
            image_url=self.text(instance, "image_url"),
        )


class OrderAdapter(Adapter):
    """One order of a foreign model. Only ``shop``, ``number`` and ``email`` are always needed.

    ``lines`` leads to the order's lines (each is read with ``line``); as a method it may also
    return ``facts.Line`` objects. States are our own words unless ``states``, ``payment_states``
    or ``delivery_states`` translate them; ``is_paid`` serves where there is only yes and no.
    """

    not_paths = frozenset({"shop"})

    # The shop's short name, or a method that returns it or the Shop.
    shop: Source = None
    number: Source = "number"
    email: Source = "email"
    name: Source = None
    first_name: Source = None
    phone: Source = None
    language: Source = None  # the shop's
    currency: Source = None  # the shop's
    placed_at: Source = None  # now
    imported_at: Source = None  # when it was placed

    lines: Source = None
    line: type[LineAdapter] = LineAdapter
    total: Source = None  # the lines + shipping − discount
    subtotal: Source = None  # the lines
    shipping_cost: Source = None
    discount: Source = None
    tax_total: Source = None

    # Payer and recipient: the buyer where nobody is named. Addresses are lines of text or a list.
    payer_name: Source = None
    payer_email: Source = None
    payer_phone: Source = None
    payer_address: Source = None
    recipient_name: Source = None
    recipient_email: Source = None
    recipient_phone: Source = None
    recipient_address: Source = None

    state: Source = None
    states: ClassVar[dict[Any, str] | None] = None
    is_paid: Source = None
    payment_state: Source = None
    payment_states: ClassVar[dict[Any, str] | None] = None
    delivery_state: Source = None  # shipped as soon as there is a tracking link
    delivery_states: ClassVar[dict[Any, str] | None] = None

    payment_method: Source = None
    shipping_method: Source = None
    pickup_point: Source = None
    carrier: Source = None
    tracking_number: Source = None
    tracking_url: Source = None
    note: Source = None
    url: Source = None
    invoice_url: Source = None

    @classmethod
    def check(cls, model: type[models.Model]) -> None:
        if cls.shop is None:
            raise cls.refuse("shop", "say which shop the orders belong to")
        super().check(model)
        for field, choices in STATES.items():
            for value in (getattr(cls, f"{field}s") or {}).values():
                if value not in choices.values:
                    raise cls.refuse(f"{field}s", _not_one_of(value, choices))

    def shop_of(self, instance: Any) -> Shop:
        """Raises ``AdapterError`` if there is no such shop."""
        given = self.shop(instance) if callable(self.shop) else self.shop
        if isinstance(given, Shop):
            return given
        shop = Shop.objects.filter(slug=str(given)).first()
        if shop is None:
            raise self.refuse("shop", f"there is no shop “{given}”")
        return shop

    def state_of(self, instance: Any, field: str) -> str:
        """``state``, ``payment_state`` or ``delivery_state`` in our words.

        Raises ``AdapterError`` for a value that has no translation.
        """
        choices, mapping = STATES[field], getattr(self, f"{field}s")
        value = self.get(instance, field)
        if value is None:
            return self._default_state(instance, field)
        word = mapping.get(value) if mapping is not None else value
        if word not in choices.values:
            raise self.refuse(
                field, _not_one_of(value, choices) + f". Say in {field}s what it stands for"
            )
        return str(choices(word).value)

    def _default_state(self, instance: Any, field: str) -> str:
        if field == "payment_state" and self.get(instance, "is_paid"):
            return PaymentState.PAID.value
        if field == "delivery_state" and self.text(instance, "tracking_url"):
            return DeliveryState.SHIPPED.value
        first = {
            "state": OrderState.NEW,
            "payment_state": PaymentState.UNPAID,
            "delivery_state": DeliveryState.NONE,
        }
        return str(first[field].value)

    def lines_of(self, instance: Any) -> Iterator[Line]:
        """Raises ``AdapterError``."""
        found = self.get(instance, "lines", ())
        if isinstance(found, models.Manager):
            found = found.all()
        if not isinstance(found, Iterable):
            raise self.refuse("lines", f"leads to {type(found).__name__}, not to lines")
        reader = self.line()
        for each in found:
            yield each if isinstance(each, Line) else reader.read(each)

    def moment(self, instance: Any, attribute: str, default: datetime) -> datetime:
        """A point in time; a naive one is in Django's time zone. Raises ``AdapterError``."""
        value = self.get(instance, attribute, default)
        if not isinstance(value, datetime):
            raise self.refuse(attribute, f"{value!r} is not a date with a time")
        return timezone.make_aware(value) if timezone.is_naive(value) else value

    def party(self, instance: Any, prefix: str, buyer: Party) -> Party:
        address = self.get(instance, f"{prefix}_address", ())
        lines = address.splitlines() if isinstance(address, str) else address
        return Party(
            name=self.text(instance, f"{prefix}_name", buyer.name),
            email=self.text(instance, f"{prefix}_email", buyer.email),
            phone=self.text(instance, f"{prefix}_phone", buyer.phone),
            address=tuple(str(line) for line in lines if line),
        )

    def read(self, instance: Any) -> OrderFacts:
        """The order as plain data. Raises ``AdapterError`` that names the attribute at fault."""
        shop, lines = self.shop_of(instance), tuple(self.lines_of(instance))
        buyer = Party(
            self.text(instance, "name"),
            self.text(instance, "email"),
            self.text(instance, "phone"),
            self.text(instance, "first_name"),
        )
        placed_at = self.moment(instance, "placed_at", timezone.now())
        return OrderFacts(
            placed_at=placed_at,
            imported_at=self.moment(instance, "imported_at", placed_at),
            currency=self.text(instance, "currency", shop.currency),
            buyer=buyer,
            payer=self.party(instance, "payer", buyer),
            recipient=self.party(instance, "recipient", buyer),
            lines=lines,
            **self._plain(instance, lines),
        )

    def _plain(self, instance: Any, lines: tuple[Line, ...]) -> dict[str, Any]:
        return {
            **self._amounts(instance, lines),
            **{field: self.state_of(instance, field) for field in STATES},
            **{name: self.text(instance, name) for name in TEXTS},
        }

    def _amounts(self, instance: Any, lines: tuple[Line, ...]) -> dict[str, Decimal]:
        goods = sum((line.total for line in lines), Decimal(0))
        made = {
            name: self.amount(instance, name) for name in ("shipping_cost", "discount", "tax_total")
        }
        made["subtotal"] = self.amount(instance, "subtotal", goods)
        usual = made["subtotal"] + made["shipping_cost"] - made["discount"]
        return {**made, "total": self.amount(instance, "total", usual)}


# Facts that are text under the same name.
TEXTS = (
    *("number", "language", "payment_method", "shipping_method", "pickup_point", "note"),
    *("url", "invoice_url", "carrier", "tracking_number", "tracking_url"),
)


def _not_one_of(value: Any, choices: type[models.TextChoices]) -> str:
    return f"“{value}” is not one of {', '.join(choices.values)}"
