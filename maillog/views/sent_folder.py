"""How far the copies in an account's mailbox are, and “Synchronise now”."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views import View

from mailaccounts.models import SenderAccount
from maillog import sent_folder
from maillog.tasks import enqueue_sync
from shops.models import AuditEntry, Role
from shops.scope import ShopScoped


class SentFolderView(ShopScoped, View):
    """A part of the account's page, which looks again while something waits."""

    needed = Role.ACCOUNTS
    http_method_names = ["get"]

    def get(self, request: HttpRequest, shop: str, account: int) -> HttpResponse:
        return self.show(self.find(account))

    def find(self, pk: int) -> SenderAccount:
        rows = SenderAccount.objects.for_shop(self.shop).present()
        return get_object_or_404(rows.defer("password", "imap_password"), pk=pk)

    def show(self, account: SenderAccount) -> HttpResponse:
        facts = {"shop": self.shop, "account": account, "status": sent_folder.status(account)}
        return render(self.request, "maillog/parts/sent_folder.html", facts)


class SyncSentFolder(SentFolderView):
    """Starts the task; the part shows what comes of it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str, account: int) -> HttpResponse:
        row = self.find(account)
        if not row.imap_enabled:
            text = _("IMAP synchronisation is off for %(address)s.")
            messages.error(request, text % {"address": row.from_address})
        else:
            sent_folder.hurry(row)
            enqueue_sync(row.pk)
            AuditEntry.note(
                "account.sent_folder_synchronised", shop=self.shop, user=request.user, target=row
            )
            text = _("The Sent folder of %(address)s is being synchronised.")
            messages.success(request, text % {"address": row.from_address})
        if request.headers.get("HX-Request"):
            row.refresh_from_db(fields=["imap_next_try_at"])
            return self.show(row)
        return redirect("mailaccounts:accounts", shop=self.shop.slug)
