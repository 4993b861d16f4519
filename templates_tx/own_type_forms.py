"""The form of a message type that a shop makes for itself, and its lines of values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mailaccounts.fields import one_address
from shops.models import Shop
from shops.search_text import fold
from templates_tx.contract import Kind
from templates_tx.message_types import RECIPIENT_NAMES, SECTION_NAMES, To
from templates_tx.models import OwnMessageType
from templates_tx.own_types import PREFIX, YES, row_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_FIELDS = 40
LONGEST_SAMPLE = 500  # characters
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}")
# What every template has already, and words of the template language.
RESERVED = frozenset(
    {"shop", "customer", "order", "locale", "currency", "time_zone", "change"}
    | {"forloop", "tablerowloop", "block", "with", "as"}
    | {"true", "false", "nil", "null", "none", "empty", "blank"}
    | {"and", "or", "not", "contains", "in", "if", "else", "for", "limit", "offset", "reversed"}
    | {"continue", "cols"}
)
KIND_NAMES: dict[Kind, Promise] = {
    Kind.TEXT: _("Text"),
    Kind.MULTILINE: _("Text of several lines"),
    Kind.LINES: _("List of lines"),
    Kind.MONEY: _("Amount"),
    Kind.NUMBER: _("Number"),
    Kind.DATE: _("Date"),
    Kind.MOMENT: _("Date and time"),
    Kind.LINK: _("Link"),
    Kind.EMAIL: _("E-mail address"),
    Kind.COLOUR: _("Colour"),
    Kind.FLAG: _("Yes or no"),
}


class OwnTypeForm(forms.Form):
    """``row`` None: a new type, whose code is made of its name."""

    name = forms.CharField(label=_("Name"), max_length=80)
    section = forms.ChoiceField(
        label=_("Section"),
        choices=[(code, name) for code, (name, _polish) in SECTION_NAMES.items()],
    )
    description = forms.CharField(
        label=_("When it is sent"),
        required=False,
        max_length=200,
        help_text=_("For your colleagues, for instance: “Once a month, to customers with points.”"),
    )
    to = forms.ChoiceField(
        label=_("Who gets it"),
        choices=[(to.value, name) for to, name in RECIPIENT_NAMES.items()],
        initial=To.GIVEN.value,
        widget=forms.RadioSelect,
    )
    sensitive = forms.BooleanField(
        label=_("It holds a personal link"),
        required=False,
        help_text=_("Then nobody gets a copy and its text is not shown in the log."),
    )
    critical = forms.BooleanField(
        label=_("It goes first"),
        required=False,
        help_text=_("Before other messages that wait, as for a password that somebody asked for."),
    )

    def __init__(self, *args: Any, shop: Shop, row: OwnMessageType | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shop, self.row = shop, row

    def clean_name(self) -> str:
        """The code is for ever: two types may not share it, nor one take over another's past."""
        name = str(self.cleaned_data["name"])
        if self.row is None and (taken := _taken(name, self.shop)):
            raise ValidationError(
                _("There is a message with this name, %(code)s. Please choose another one.")
                % {"code": taken}
            )
        return name


def code_for(name: str) -> str:
    """“Punkty lojalnościowe” → ``own.punkty_lojalnosciowe``."""
    slug = re.sub(r"[^a-z0-9]+", "_", fold(name)).strip("_")[:60].strip("_") or "message"
    return PREFIX + (slug if slug[0].isalpha() else f"m_{slug}")


def free_code(name: str, shop: Shop) -> str:
    """As ``code_for``, with a number behind it where another script left too little of a name."""
    code = code_for(name)
    if not _is_lossy(name):
        return code
    rows = OwnMessageType.objects.for_shop(shop).filter(code__startswith=code)
    taken = set(rows.values_list("code", flat=True))
    numbered = (f"{code}_{number}" for number in count(2))
    return next(each for each in chain([code], numbered) if each not in taken)


def _taken(name: str, shop: Shop) -> str:
    """The code of the type that has this name; empty where none has."""
    if not _is_lossy(name):
        row = row_of(code_for(name), shop)
        return row.code if row else ""
    own = OwnMessageType.objects.for_shop(shop).values_list("code", "name")
    return next((code for code, each in own if fold(each) == fold(name)), "")


def _is_lossy(name: str) -> bool:
    """Whether a code of its Latin letters says less than the name: “日本語”, “Розсилка”, “…”."""
    folded = fold(name)
    return any(each.isalnum() and not each.isascii() for each in folded) or not any(
        each.isalnum() for each in folded
    )


class ValueForm(forms.Form):
    """One value that a program hands in with the message."""

    name = forms.CharField(
        label=_("Name in the template"),
        max_length=40,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )
    label = forms.CharField(label=_("What it is"), max_length=80)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[(kind.value, name) for kind, name in KIND_NAMES.items()]
    )
    sample = forms.CharField(
        label=_("For instance"),
        max_length=LONGEST_SAMPLE,
        widget=forms.Textarea(attrs={"rows": 1}),
        help_text=_("Previews show it."),
    )
    may_be_empty = forms.BooleanField(label=_("may be empty"), required=False)
    must_appear = forms.BooleanField(label=_("must appear"), required=False)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if not _IDENTIFIER.fullmatch(name):
            raise ValidationError(
                _("Only small letters a–z, digits and _, a letter first, for instance points")
            )
        if name in RESERVED:
            raise ValidationError(
                _("“%(name)s” is there already in every template.") % {"name": name}
            )
        return name

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        kind, sample = values.get("kind"), values.get("sample")
        if kind and sample:
            check, told = SAMPLES.get(Kind(kind), (None, ""))
            try:
                if check is not None:
                    values["sample"] = check(sample)
            except (ValueError, ValidationError):
                self.add_error("sample", told)
        return values


class BaseValues(forms.BaseFormSet):  # type: ignore[type-arg]
    """All lines. ``stored()`` once it is valid."""

    def clean(self) -> None:
        names = [each["name"] for each in self.stored()]
        if len(names) > MOST_FIELDS:
            raise ValidationError(_("At most %(most)d values.") % {"most": MOST_FIELDS})
        for form in self.forms:
            name = form.cleaned_data.get("name") if hasattr(form, "cleaned_data") else None
            if name and names.count(name) > 1:
                form.add_error("name", _("Another value has this name."))

    def stored(self) -> list[dict[str, Any]]:
        kept = (getattr(form, "cleaned_data", {}) for form in self.forms)
        return [
            {name: value for name, value in each.items() if name != "DELETE"}
            for each in kept
            if each.get("name") and not each.get("DELETE")
        ]


ValuesFormSet = forms.formset_factory(
    ValueForm, formset=BaseValues, extra=0, can_delete=True, max_num=100, absolute_max=200
)


def _amount(typed: str) -> str:
    bare = re.sub(r"\s", "", typed).replace(",", ".")
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,2})?", bare):
        raise ValueError
    return bare


def _number(typed: str) -> str:
    bare = typed.replace(",", ".")
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", bare):
        raise ValueError
    return bare


def _day(typed: str) -> str:
    return date.fromisoformat(typed).isoformat()


def _moment(typed: str) -> str:
    found = datetime.fromisoformat(typed)
    if found.tzinfo is None:
        raise ValueError
    return found.isoformat()


def _link(typed: str) -> str:
    URLValidator(schemes=["http", "https"])(typed)
    return typed


def _colour(typed: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", typed):
        raise ValueError
    return typed


def _flag(typed: str) -> str:
    if typed not in (YES, "no"):
        raise ValueError
    return typed


SAMPLES: dict[Kind, tuple[Callable[[str], str], StrOrPromise]] = {
    Kind.MONEY: (_amount, _("An amount without its currency, for instance 129.00")),
    Kind.NUMBER: (_number, _("A number, for instance 120")),
    Kind.DATE: (_day, _("A date as 2026-11-30")),
    Kind.MOMENT: (_moment, _("Date and time with the zone, as 2026-11-30T10:02+01:00")),
    Kind.LINK: (_link, _("A link that begins with https://")),
    Kind.EMAIL: (one_address, _("An e-mail address")),
    Kind.COLOUR: (_colour, _("A colour as #1f3d37")),
    Kind.FLAG: (_flag, _("Type yes or no.")),
}


def initial_of(row: OwnMessageType) -> dict[str, Any]:
    names = ("name", "section", "description", "to", "sensitive", "critical")
    return {name: getattr(row, name) for name in names}
