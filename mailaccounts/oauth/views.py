"""Screens of signing in at Google or Microsoft: start, come back, wait, sign out, own client."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import FormView, TemplateView

from mailaccounts.models import Kind, OAuthClient, OAuthProvider, SenderAccount, SignInAttempt
from mailaccounts.models.sign_in import SignInState
from mailaccounts.oauth import flow, giving_back, words
from mailaccounts.oauth.clients import client_for, client_of
from mailaccounts.oauth.forms import ShopClientForm, store_client
from mailaccounts.oauth.health import ending_of, warnings_for
from mailaccounts.views import AccountScoped

UNDER_WAY = (SignInState.RETURNED, SignInState.EXCHANGING)


class SignedInElsewhere(AccountScoped):
    """Pages of accounts at Google and Microsoft; any other account has none."""

    def account(self, pk: int) -> SenderAccount:
        account = super().account(pk)
        if not Kind(account.kind).logs_in_elsewhere:
            raise Http404
        return account


@method_decorator(never_cache, "dispatch")
class SignIn(SignedInElsewhere, TemplateView):
    """How the sign-in of an account stands; a POST begins a new one."""

    template_name = "mailaccounts/oauth/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        account = self.account(self.kwargs["pk"])
        return {
            **super().get_context_data(**kwargs),
            "account": account,
            "provider": account.get_kind_display(),
            "client": client_for(account.kind, account.shop),
            "signed_in_through": client_of(account),
            "ending": ending_of(account),
            "warnings": warnings_for(account),
        }

    def post(self, request: HttpRequest, shop: str, pk: int) -> HttpResponse:
        account = self.account(pk)
        try:
            address = flow.start(account, request.user, request.session)
        except flow.SignInRefusal as refusal:
            messages.error(request, str(refusal))
            return redirect("mailaccounts:oauth_client", shop=self.shop.slug, provider=account.kind)
        # A page, not a redirect: our content policy lets forms lead nowhere but to ourselves, and
        # browsers apply that to redirects after a form too.
        context = {"address": address, "provider": account.get_kind_display(), "account": account}
        return render(request, "mailaccounts/oauth/leaving.html", context)


@method_decorator(never_cache, "dispatch")
class OAuthCallback(View):
    """Where providers send the browser back to. The shop is known by the state.

    A GET that changes something, because OAuth has it so: the state, good once, in one browser and
    for ten minutes, takes the place of the CSRF token. The answer is a redirect at once, so that
    the address with the code is on no page and in no referrer.
    """

    http_method_names = ["get"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            # Without ``next``: the code must not get into another address.
            return _closed(redirect("account_login"))
        return _closed(super().dispatch(request, *args, **kwargs))

    def get(self, request: HttpRequest) -> HttpResponseBase:
        try:
            attempt = flow.take_back(request.user, request.session, request.GET)
        except flow.BadReturn:
            return render(request, "mailaccounts/oauth/bad_return.html", status=400)
        account = attempt.account
        return redirect(
            "mailaccounts:account_sign_in_progress",
            shop=account.shop.slug if account.shop else "",
            pk=account.pk,
            attempt=attempt.pk,
        )


def _closed(response: HttpResponseBase) -> HttpResponseBase:
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@method_decorator(never_cache, "dispatch")
class SignInProgress(SignedInElsewhere, TemplateView):
    """Waits for the task that fetches the permission, and says how it ended."""

    def get_template_names(self) -> list[str]:
        is_part = self.request.headers.get("HX-Request") == "true"
        name = "progress_part" if is_part else "progress"
        return [f"mailaccounts/oauth/{name}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        account = self.account(self.kwargs["pk"])
        attempt = self._attempt(account, self.kwargs["attempt"])
        is_under_way = attempt.step in UNDER_WAY
        is_stuck = is_under_way and attempt.created_at < timezone.now() - flow.STUCK_AFTER
        code = "stuck" if is_stuck else attempt.failure
        return {
            **super().get_context_data(**kwargs),
            "account": account,
            "attempt": attempt,
            "provider": attempt.get_provider_display(),
            "is_under_way": is_under_way and not is_stuck,
            "is_done": attempt.step == SignInState.DONE,
            "failure": words.failure(code, attempt.get_provider_display()),
            "warnings": warnings_for(account),
        }

    def _attempt(self, account: SenderAccount, pk: UUID) -> SignInAttempt:
        rows = account.sign_ins.defer("code", "verifier")
        return get_object_or_404(rows, pk=pk)


class SignOut(SignedInElsewhere, View):
    """Gives the permission back. The account stays; its mail waits for the next sign-in."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str, pk: int) -> HttpResponse:
        account = self.account(pk)
        giving_back.disconnect(account, request.user)
        names = {"address": account.from_address, "provider": account.get_kind_display()}
        messages.success(request, _("%(address)s is signed out of %(provider)s.") % names)
        return redirect("mailaccounts:account_sign_in", shop=self.shop.slug, pk=pk)


class ClientEdit(AccountScoped, FormView):
    """The shop's own OAuth client at one provider, with the guide to make it."""

    template_name = "mailaccounts/oauth/client.html"
    form_class = ShopClientForm

    def get_form_kwargs(self) -> dict[str, Any]:
        key = self.kwargs["provider"]
        if key not in OAuthProvider.values:
            raise Http404
        row = OAuthClient.objects.filter(shop=self.shop, provider=key).first()
        instance = row or OAuthClient(shop=self.shop, provider=key)
        return {**super().get_form_kwargs(), "instance": instance}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        row: OAuthClient = context["form"].instance
        return {
            **context,
            "provider": row.get_provider_display(),
            "key": row.provider,
            "redirect_uri": flow.redirect_uri(),
            "has_other": row.pk is None and client_for(row.provider, self.shop) is not None,
            "accounts_url": self.list_url,
        }

    def form_valid(self, form: ShopClientForm) -> HttpResponse:
        row = store_client(form, self.request.user)
        text = _("The client for %(provider)s was saved.")
        messages.success(self.request, text % {"provider": row.get_provider_display()})
        if form.changes_identity:
            messages.info(self.request, _("Accounts that use it have to be signed in again."))
        waiting = self.accounts().filter(kind=row.provider, oauth_signed_in_at=None).first()
        if waiting is not None:
            return redirect("mailaccounts:account_sign_in", shop=self.shop.slug, pk=waiting.pk)
        return redirect(reverse("mailaccounts:accounts", kwargs={"shop": self.shop.slug}))
