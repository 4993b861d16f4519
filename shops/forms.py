"""Forms of the shop's own screens. Errors stand beside their field."""

from __future__ import annotations

import re
import zoneinfo
from functools import cache
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib.auth import get_user_model, password_validation
from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator
from django.utils.translation import gettext_lazy as _

from shops.addresses import EmailAddressInvalid, domain_to_ascii, parse_address, validate_address
from shops.logo import validate_logo
from shops.models import Order, Role, Shop
from shops.models.web_link import web_address

LONGEST_NOTE = 5000  # characters
# Suggestions only: staff may type any other.
CARRIERS = (
    "InPost",
    "DPD",
    "DHL",
    "GLS",
    "UPS",
    "FedEx",
    "Poczta Polska",
    "Posten",
    "PostNord",
    "Bring",
    "Colissimo",
    "Zásilkovna",
)
_TOKEN = re.compile(r"[0-9a-f]{32}")


@cache
def time_zones() -> list[str]:
    """Names such as Europe/Warsaw, for a list of suggestions."""
    return sorted(name for name in zoneinfo.available_timezones() if _is_place(name))


def _is_place(name: str) -> bool:
    return "/" in name and not name.startswith(("Etc/", "SystemV/", "US/", "posix/", "right/"))


class TrackingForm(forms.ModelForm):
    """The parcel that has just left."""

    tracking_url = forms.CharField(
        label=_("Tracking link"),
        max_length=500,
        validators=[web_address],
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
    )
    replaces = forms.BooleanField(
        label=_("It replaces the link that was sent; there is no further parcel"), required=False
    )

    class Meta:
        model = Order
        fields = ("tracking_url", "tracking_number", "carrier")
        widgets = {
            "tracking_number": forms.TextInput(attrs={"autocomplete": "off"}),
            "carrier": forms.TextInput(attrs={"list": "carriers", "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.tracking_url:
            del self.fields["replaces"]


def new_token() -> str:
    return uuid4().hex


class NoteForm(forms.Form):
    """A few lines to the customer. ``token`` makes a double click send once."""

    text = forms.CharField(
        label=_("Your message"),
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": _("Write your message first.")},
        help_text=_("Greeting and order number are added by the template."),
    )
    token = forms.CharField(widget=forms.HiddenInput, initial=new_token)

    def clean_token(self) -> str:
        token: str = self.cleaned_data["token"]
        if not _TOKEN.fullmatch(token):
            raise ValidationError(_("Please load the page again and write the note anew."))
        return token


class ShopSettingsForm(forms.ModelForm):
    """What customers and mail see of a shop."""

    # Not one of Meta's fields: a logo that stays is not to be read from the disk and checked again.
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        validators=[FileExtensionValidator(["png", "jpg", "jpeg", "gif", "webp"]), validate_logo],
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
        help_text=_("PNG, JPEG, GIF or WebP, up to 300 kB. It stands at the head of every mail."),
    )
    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)

    class Meta:
        model = Shop
        fields = (
            "name",
            "domain",
            "language",
            "currency",
            "time_zone",
            "contact_email",
            "contact_phone",
            "address",
            "accent",
            "accent_text",
        )
        widgets = {
            "time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
            "contact_phone": forms.TextInput(attrs={"type": "tel"}),
            "address": forms.Textarea(attrs={"rows": 3}),
            "accent": forms.TextInput(attrs={"type": "color", "data-shop-colour": "accent"}),
            "accent_text": forms.TextInput(
                attrs={"type": "color", "data-shop-colour": "accent_text"}
            ),
        }
        help_texts = {
            "domain": _("Without https:// and without www, e.g. rowerownia.pl"),
            "language": _("For customers whose own language is not known."),
            "time_zone": _("Times in the panel and in mail follow it."),
            "contact_email": _("Customers' answers go here, and copies for the owner."),
            "address": _("Stands at the foot of every mail."),
        }

    def clean_domain(self) -> str:
        """Takes what people paste: an address, capitals, letters beyond ASCII."""
        typed: str = self.cleaned_data["domain"].strip().lower()
        bare = re.sub(r"^https?://", "", typed).partition("/")[0]
        try:
            return domain_to_ascii(bare)
        except EmailAddressInvalid:
            return bare  # The model's validator says what is wrong with it.

    def clean_contact_email(self) -> str:
        address: str = self.cleaned_data["contact_email"]
        validate_address(address)
        return address

    def save(self, commit: bool = True) -> Shop:
        """A logo that is replaced stays on the disk: mail that was sent still shows it."""
        if self.cleaned_data.get("logo"):
            self.instance.logo = self.cleaned_data["logo"]
        elif self.cleaned_data.get("remove_logo"):
            self.instance.logo = ""
        shop: Shop = super().save(commit)
        return shop


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=Role.choices, initial=Role.SENDER, widget=forms.RadioSelect
    )

    def clean_email(self) -> str:
        """The bare address, its domain in lower case."""
        try:
            return parse_address(self.cleaned_data["email"]).address
        except EmailAddressInvalid as error:
            raise ValidationError(str(error)) from error


class JoinForm(forms.Form):
    """Somebody new takes up an invitation: name and password. The address is the invited one."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters; not a common word and not only digits."),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, _space, last = cleaned.get("name", "").partition(" ")
        person = get_user_model()(email=self.email, first_name=first, last_name=last)
        if password := cleaned.get("password"):
            try:
                password_validation.validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned
