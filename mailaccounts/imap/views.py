"""The folder picker of an account's form: read the folders, and look whether they have come."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from mailaccounts.imap.form import folder_choices
from mailaccounts.imap.tasks import ask_for_folders, reading_of
from mailaccounts.models import SenderAccount
from mailaccounts.views import AccountScoped


class ImapFolders(AccountScoped, View):
    """GET: the picker as it is now; it asks again by itself while the server is being read.
    POST: begins to read. Uses what is stored, so the form says to save first."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, shop: str, pk: int) -> HttpResponse:
        return self._picker(request, self.account(pk))

    def post(self, request: HttpRequest, shop: str, pk: int) -> HttpResponse:
        account = self.account(pk)
        if account.imap_host:
            ask_for_folders(account)
        return self._picker(request, account)

    def _picker(self, request: HttpRequest, account: SenderAccount) -> HttpResponse:
        chosen = request.GET.get("imap_folder", request.POST.get("imap_folder"))
        return render(
            request,
            "mailaccounts/parts/imap_folder.html",
            {"shop": self.shop, "account": account, **picker(account, chosen)},
        )


def picker(account: SenderAccount, chosen: str | None = None) -> dict[str, Any]:
    """What ``mailaccounts/parts/imap_folder.html`` shows; ``chosen`` is what the page has set."""
    selected = account.imap_folder if chosen is None else chosen
    return {
        "folders": [(name, words, name == selected) for name, words in folder_choices(account)],
        "reading": reading_of(account) if account.pk else {},
    }
