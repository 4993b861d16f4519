"""One article of an order, so many times."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, cast

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from shops.facts import Line


class OrderLine(models.Model):
    order = models.ForeignKey("shops.Order", on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    sku = models.CharField(_("article number"), max_length=60, blank=True)
    name = models.CharField(_("name"), max_length=200)
    variant = models.CharField(_("variant"), max_length=120, blank=True)
    quantity = models.DecimalField(
        _("quantity"), max_digits=10, decimal_places=3, validators=[MinValueValidator(0)]
    )
    unit_price = models.DecimalField(_("price with tax"), max_digits=12, decimal_places=2)
    tax_rate = models.DecimalField(_("tax, %"), max_digits=5, decimal_places=2, default=0)
    image_url = models.CharField(_("picture"), max_length=500, blank=True)

    class Meta:
        ordering = ["position"]
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")

    def __str__(self) -> str:
        return f"{self.quantity:g} × {self.name}"

    def take_stored_form(self) -> None:
        """Numbers as they come out of the database: decimals with the places of their columns.

        Raises ``ValidationError`` for what is no number.
        """
        for name in ("quantity", "unit_price", "tax_rate"):
            field = cast("models.DecimalField[Any, Any]", self._meta.get_field(name))
            value = field.to_python(getattr(self, name))
            if value is not None:
                places = Decimal(1).scaleb(-field.decimal_places)
                setattr(self, name, value.quantize(places, ROUND_HALF_UP))

    @property
    def total(self) -> Decimal:
        return (self.quantity * self.unit_price).quantize(Decimal("0.01"))

    def facts(self) -> Line:
        return Line(
            name=self.name,
            quantity=self.quantity.normalize(),
            unit_price=self.unit_price,
            total=self.total,
            variant=self.variant,
            sku=self.sku,
            image_url=self.image_url,
        )
