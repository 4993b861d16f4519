"""Files that go along with all messages of a type: added, looked at, removed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import View

from maillog.sizes import FileTooLarge
from shops.sealed import download
from templates_tx import files
from templates_tx.file_forms import FileForm
from templates_tx.models import TypeAttachment
from templates_tx.settings_views import OneType

ANCHOR = "#files"


class AddFile(OneType, View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str, code: str) -> HttpResponse:
        form = FileForm(request.POST, request.FILES, row=self.row)
        if form.is_valid():
            try:
                made = files.attach(self.shop, self.row.type.code, form.upload, request.user)
            except (files.FileRefused, FileTooLarge) as refusal:
                form.add_error("file", str(refusal))
            else:
                text = _("“%(name)s” goes along from now on.") % {"name": made.name}
                messages.success(request, text)
                return redirect(self.url + ANCHOR)
        return self.page(file_form=form, status=422)


class OneFile(OneType, View):
    def get(self, request: HttpRequest, shop: str, code: str, pk: int) -> HttpResponse:
        """The file as customers get it; it is saved and never opened in the panel's own pages."""
        found = self._file(pk)
        return download(bytes(found.file.content), found.name, found.content_type)

    def _file(self, pk: int) -> TypeAttachment:
        mine = TypeAttachment.objects.for_shop(self.shop).filter(message_type=self.row.type.code)
        return get_object_or_404(mine.select_related("file", "shop"), pk=pk)


class RemoveFile(OneFile):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str, code: str, pk: int) -> HttpResponse:
        found = self._file(pk)
        files.detach(found, request.user)
        text = _("“%(name)s” does not go along any more.") % {"name": found.name}
        messages.success(request, text)
        return redirect(self.url + ANCHOR)
