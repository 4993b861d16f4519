"""The form on an order's page that takes a finished document."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.documents.checks import most, validate_pdf
from shops.documents.keeping import Handed
from shops.models.document import DocumentKind


class DocumentForm(forms.Form):
    """A PDF that somebody else has made."""

    file = forms.FileField(
        label=_("PDF file"),
        allow_empty_file=True,  # the check of the file says it in our words
        validators=[validate_pdf],
        widget=forms.FileInput(attrs={"accept": "application/pdf,.pdf"}),
        error_messages={"required": _("Choose a file first.")},
    )
    kind = forms.ChoiceField(
        label=_("Kind"), choices=DocumentKind.choices, initial=DocumentKind.INVOICE
    )
    number = forms.CharField(
        label=_("Number"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("The same kind and number again makes a new version."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = gettext("Up to %(most)s. It is passed on as it is.") % {
            "most": most()
        }

    def handed(self) -> Handed:
        """What was handed in; only for a form that is valid."""
        values = self.cleaned_data
        return Handed(values["kind"], values["file"], values["file"].name, values["number"])
