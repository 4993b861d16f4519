"""What the editor sends: the words as they were typed, and what the writer had seen."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from shops.storable import storable
from templates_tx.problems import Sources

MOST = 200_000  # characters of one part: far more than any mail program shows


class Words(forms.CharField):
    """Source text exactly as typed, with the line ends that everything else here counts by."""

    def __init__(self, label: Any, most: int = MOST) -> None:
        super().__init__(label=label, max_length=most, required=False, strip=False)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return storable(text.replace("\r\n", "\n").replace("\r", "\n"))


class WordsForm(forms.Form):
    """Nothing is required: a draft is kept with its faults. ``began_from``: the version that the
    writer started with; ``seen``: when the draft had last been kept, as far as they know;
    ``page``: which of their windows it is."""

    subject = Words(_("Subject"), 2_000)
    preheader = Words(_("First line"), 2_000)
    html = Words(_("HTML"))
    text = Words(_("Text"))
    sms = Words(_("SMS"), 5_000)
    began_from = forms.IntegerField(min_value=0, max_value=1_000_000, required=False)
    seen = forms.CharField(max_length=40, required=False)
    page = forms.CharField(max_length=40, required=False)
    order = forms.CharField(max_length=60, required=False)

    @classmethod
    def of(cls, sources: Sources, **more: Any) -> WordsForm:
        """Filled with ``sources``."""
        words = {
            "subject": sources.subject,
            "preheader": sources.preheader,
            "html": sources.html_source,
            "text": sources.text,
            "sms": sources.sms,
        }
        return cls(initial=words | {"page": get_random_string(12)} | more)

    @property
    def trouble(self) -> str:
        """Each fault, after the name of its part."""
        return " ".join(f"{each.label}: {error}" for each in self for error in each.errors)

    @property
    def sources(self) -> Sources:
        given = self.cleaned_data
        return Sources(
            subject=given["subject"],
            html_source=given["html"],
            text=given["text"],
            preheader=given["preheader"],
            sms=given["sms"],
        )
