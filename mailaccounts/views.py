"""The panel's screens of sender accounts: the list, the form, and what one click does."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import FormView, TemplateView

from mailaccounts import presets
from mailaccounts.condition import condition_of
from mailaccounts.deeds import do
from mailaccounts.domain_pages import tabs_of
from mailaccounts.esp import PROVIDERS
from mailaccounts.figures import cost_reports
from mailaccounts.models import (
    AccountRefusal,
    AccountState,
    Kind,
    SenderAccount,
    SenderAccountQuerySet,
)
from mailaccounts.oauth.health import warnings_for
from mailaccounts.panel_form import PanelAccountForm
from mailaccounts.panel_rows import rows_of
from mailaccounts.storing import store
from mailaccounts.suggestion import suggestion_for
from mailaccounts.type_picker import TILES, tile_of
from shops.audit import entries_for
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


class AccountList(AccountScoped, TemplateView):
    template_name = "mailaccounts/accounts.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        accounts = self.accounts().order_by("-is_main", "is_default", "pk")
        return {
            **super().get_context_data(**kwargs),
            "rows": rows_of(list(accounts)),
            "spare_default": self._spare_default(),
            "tabs": tabs_of(self.shop),
            "costs": [line for report in cost_reports for line in report(self.shop)],
        }

    def _spare_default(self) -> SenderAccount | None:
        """The default account once an own one is main: it is not needed any more."""
        if self.accounts().filter(is_main=True, is_default=False).exists():
            return self.accounts().usable().filter(is_default=True).first()
        return None


class AccountPick(AccountScoped, TemplateView):
    """The first step of adding an account: its type, and which address it is for."""

    template_name = "mailaccounts/account_pick.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kind = request.GET.get("kind", "")
        if kind in Kind.values:
            given = {name: request.GET.get(name, "")[:254] for name in ("address", "preset")}
            given = {name: value for name, value in given.items() if value}
            at = {"shop": self.shop.slug, "kind": kind}
            path = reverse("mailaccounts:account_add", kwargs=at)
            return redirect(f"{path}?{urlencode(given)}" if given else path)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "tiles": TILES,
            "address": self.request.GET.get("address", "")[:254],
        }


class AccountSuggest(AccountScoped, View):
    """What fits the address that is being typed; the page asks again while it is looked up."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str) -> HttpResponse:
        try:
            found = suggestion_for(request.POST.get("address", ""))
        except ValidationError:
            found = None
        tries = request.POST.get("tries", "0")
        context = {
            "found": found,
            "shop": self.shop,
            "tries": int(tries) + 1 if tries.isdecimal() and len(tries) < 4 else 1,
        }
        return render(request, "mailaccounts/parts/suggestion.html", context)


class AccountFormView(AccountScoped, FormView):
    """What the adding and the changing of an account have in common."""

    template_name = "mailaccounts/account_form.html"
    form_class = PanelAccountForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        account = context["form"].instance
        return {
            **context,
            "account": account,
            "condition": condition_of(account),
            "warnings": warnings_for(account) if account.pk else [],
            "history": entries_for(account) if account.pk else [],
            "tile": tile_of(account.kind),
        }

    def form_valid(self, form: PanelAccountForm) -> HttpResponse:
        account = store(form, self.request.user)
        messages.success(self.request, self.said(account) % {"address": account.from_address})
        if form.name_was_cleaned:
            messages.info(
                self.request,
                _("The sender's name was cleaned: customers see “%(name)s”.")
                % {"name": account.from_name},
            )
        for warning in form.warnings:
            messages.warning(self.request, warning)
        if form.asks_technician:
            at = {"shop": self.shop.slug, "pk": account.pk}
            return redirect(reverse("mailaccounts:account_technician", kwargs=at))
        return redirect(self.next_url(account))

    def next_url(self, account: SenderAccount) -> str:
        return self.list_url

    def said(self, account: SenderAccount) -> str:
        raise NotImplementedError


class AccountAdd(AccountFormView):
    """The second step: the details of the chosen type."""

    def get_form_kwargs(self) -> dict[str, Any]:
        kind = self.kwargs["kind"]
        if kind not in Kind.values:
            raise Http404
        account = SenderAccount(shop=self.shop, kind=kind, from_name=self.shop.name[:78])
        if kind == Kind.ESP:
            if not self.service:
                raise Http404
            account.esp = self.service
        return {**super().get_form_kwargs(), "instance": account}

    @property
    def service(self) -> str:
        """The provider that was chosen, "" for none yet."""
        slug = self.request.GET.get("service", "")
        return slug if slug in PROVIDERS else ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.kwargs["kind"] == Kind.ESP and not self.service:
            context = {"providers": PROVIDERS.values(), "shop": self.shop, "tile": tile_of("esp")}
            context |= {"address": request.GET.get("address", "")[:254]}
            return render(request, "mailaccounts/account_services.html", context)
        return super().get(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        address = self.request.GET.get("address", "")[:254]
        initial = {"from_address": address, "username": address}
        hoster = presets.by_slug(self.request.GET.get("preset", ""))
        return initial | (presets.fields_of(hoster, address) if hoster else {})

    def next_url(self, account: SenderAccount) -> str:
        """The third step: sign in where the type wants it, else the test."""
        step = "account_sign_in" if Kind(account.kind).logs_in_elsewhere else "account_test"
        at = {"shop": self.shop.slug, "pk": account.pk}
        return reverse(f"mailaccounts:{step}", kwargs=at)

    def said(self, account: SenderAccount) -> str:
        if account.is_main:
            return _("%(address)s was added and is now the main account.")
        if account.state == AccountState.DRAFT:
            return _("%(address)s was saved as a draft.")
        return _("%(address)s was added.")


class AccountEdit(AccountFormView):
    """Changes an account, within its type."""

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "instance": self.account(self.kwargs["pk"])}

    def said(self, account: SenderAccount) -> str:
        return _("%(address)s was saved.")


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
