"""The storefront's order form: how many of what, and for whom."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from demo.catalogue import Article, Person, ShopStock
from shops.models.shop import Language

MOST = 9  # of one article


class StorefrontForm(forms.Form):
    """``person`` fills in the customer, who may be changed."""

    name = forms.CharField(label=_("Name"), max_length=100)
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    language = forms.ChoiceField(label=_("Language of the mail"), choices=Language.choices)

    def __init__(self, stock: ShopStock, person: Person, data: QueryDict | None = None) -> None:
        initial = {"name": person.name, "email": person.email, "language": person.language}
        super().__init__(data, initial=initial)
        self.stock, self.person = stock, person
        for place, article in enumerate(stock.articles):
            self.fields[article.sku] = forms.IntegerField(
                label=article.name,
                min_value=0,
                max_value=MOST,
                initial=int(place == 1),
                required=False,
            )

    def shelf(self) -> list[tuple[Article, BoundField]]:
        return [(article, self[article.sku]) for article in self.stock.articles]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not self.articles():
            raise forms.ValidationError(_("Put at least one article into the basket."))
        return cleaned

    def articles(self) -> list[int]:
        """Places of the chosen articles in the stock, as often as they are wanted."""
        return [
            place
            for place, article in enumerate(self.stock.articles)
            for _time in range(self.cleaned_data.get(article.sku) or 0)
        ]

    def customer(self) -> Person:
        """Who was typed; the postal address stays that of the person who was proposed."""
        data = self.cleaned_data
        first, _space, last = data["name"].partition(" ")
        return Person(
            first_name=first[:80],
            last_name=last[:80],
            email=data["email"],
            phone=self.person.phone,
            street=self.person.street,
            town=self.person.town,
            language=data["language"],
        )
