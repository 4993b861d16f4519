"""The form by which a file is added to all messages of a type."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from maillog.sizes import FileTooLarge, check_file
from shops.conf import conf
from shops.file_size import in_words
from shops.models.shop import Language
from templates_tx.catalogue import MessageRow
from templates_tx.files import KINDS, FileRefused, Upload, clean_name, content_type_of


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # refused below, by its name
        widget=forms.FileInput(attrs={"accept": ",".join(f".{ending}" for ending in KINDS)}),
        error_messages={"required": _("Choose a file first.")},
    )
    language = forms.ChoiceField(
        label=_("With messages in"),
        required=False,
        choices=[("", _("every language")), *Language.choices],
    )

    def __init__(self, *args: Any, row: MessageRow, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"file-{row.key}-%s", **kwargs})
        self.fields["file"].help_text = _("%(kinds)s; at most %(most)s.") % {
            "kinds": ", ".join(ending.upper() for ending in KINDS if ending != "jpeg"),
            "most": in_words(conf.MAX_ATTACHMENT_BYTES),
        }

    def clean_file(self) -> UploadedFile[Any]:
        """Judged by its size before it is read."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        name = clean_name(file.name or "")
        try:
            check_file(name, file.size or 0)
            content_type_of(name, file.read(16))
        except (FileRefused, FileTooLarge) as refusal:
            raise ValidationError(str(refusal)) from refusal
        file.seek(0)
        return file

    @property
    def upload(self) -> Upload:
        file = self.cleaned_data["file"]
        return Upload(file.name or "", file.read(), self.cleaned_data["language"])
