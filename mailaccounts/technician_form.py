"""Whom to ask for records or server data."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mailaccounts.fields import one_address


class AskForm(forms.Form):
    """``address`` may be empty only where a link is wanted instead of a mail."""

    address = forms.CharField(
        label=_("Technician’s e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )

    def clean_address(self) -> Any:
        return one_address(self.cleaned_data["address"])
