"""The panel's screens of sender accounts: the list, the form, and what one click does."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import FormView, TemplateView

from mailaccounts.condition import condition_of
from mailaccounts.deeds import do
from mailaccounts.forms import AccountForm, store
from mailaccounts.models import AccountRefusal, Kind, SenderAccount, SenderAccountQuerySet
from shops.addresses import parse_list
from shops.models import Role
from shops.scope import ShopScoped


class AccountScoped(ShopScoped):
    """Screens for those who may work on accounts; a deleted account is gone from all of them."""

    needed = Role.ACCOUNTS

    def accounts(self) -> SenderAccountQuerySet:
        # Without the password: a list needs none, and one that cannot be read spoils no page.
        return SenderAccount.objects.for_shop(self.shop).present().defer("password")

    def account(self, pk: int) -> SenderAccount:
        return get_object_or_404(self.accounts(), pk=pk)

    @property
    def list_url(self) -> str:
        return reverse("mailaccounts:accounts", kwargs={"shop": self.shop.slug})


def copies_of(account: SenderAccount) -> list[str]:
    """The copy addresses; what an import left unreadable is shown as it stands."""
    try:
        return [each.address for each in parse_list(account.copy_to)]
    except ValueError:
        return [account.copy_to]


class AccountList(AccountScoped, TemplateView):
    template_name = "mailaccounts/accounts.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = [
            {"account": each, "condition": condition_of(each), "copies": copies_of(each)}
            for each in self.accounts().order_by("-is_main", "is_default", "pk")
        ]
        return {
            **super().get_context_data(**kwargs),
            "rows": rows,
            "spare_default": self._spare_default(),
        }

    def _spare_default(self) -> SenderAccount | None:
        """The default account once an own one is main: it is not needed any more."""
        if self.accounts().filter(is_main=True, is_default=False).exists():
            return self.accounts().usable().filter(is_default=True).first()
        return None


class AccountEdit(AccountScoped, FormView):
    """Adds an account, or with ``pk`` changes one."""

    template_name = "mailaccounts/account_form.html"
    form_class = AccountForm

    def get_form_kwargs(self) -> dict[str, Any]:
        pk = self.kwargs.get("pk")
        account = (
            self.account(pk)
            if pk
            else SenderAccount(shop=self.shop, kind=Kind.SMTP, from_name=self.shop.name[:78])
        )
        return {**super().get_form_kwargs(), "instance": account}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        account = context["form"].instance
        return {**context, "account": account, "condition": condition_of(account)}

    def form_valid(self, form: AccountForm) -> HttpResponse:
        is_new = form.instance.pk is None
        account = store(form, self.request.user)
        if is_new and account.is_main:
            text = _("%(address)s was added and is now the main account.")
        elif is_new:
            text = _("%(address)s was added.")
        else:
            text = _("%(address)s was saved.")
        messages.success(self.request, text % {"address": account.from_address})
        if form.name_was_cleaned:
            messages.info(
                self.request,
                _("The sender's name was cleaned: customers see “%(name)s”.")
                % {"name": account.from_name},
            )
        return redirect(self.list_url)


class AccountDeed(AccountScoped, View):
    """One click on one account, told by ``deed``; the audit keeps who did it."""

    http_method_names = ["post"]
    deed = ""

    def post(self, request: HttpRequest, shop: str, pk: int) -> HttpResponse:
        account = self.account(pk)
        try:
            text = do(self.deed, account, request.user)
        except AccountRefusal as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, text)
        return redirect(self.list_url)
