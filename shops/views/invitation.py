"""Taking up an invitation, by its link."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import View

from shops import membership
from shops.forms import JoinForm
from shops.membership import CannotChange
from shops.models import Invitation, Role


@method_decorator(never_cache, name="dispatch")
class AcceptInvitation(View):
    """Whoever holds the link reads the invited address's mail, and so may know its account.

    Somebody new chooses name and password; somebody known signs in first; somebody else who is
    signed in is told to sign out. A link that is wrong, used or too old says only that.
    """

    template_name = "shops/invitation.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        found = Invitation.open_for(kwargs["token"])
        if found is None:
            return render(request, "shops/invitation_ended.html", status=404)
        self.invitation = found
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.page(JoinForm(email=self.invitation.email))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        if isinstance(request.user, AbstractUser):
            return (
                self.join(request.user)
                if self.is_invited(request.user)
                else self.get(request, token)
            )
        form = JoinForm(request.POST, email=self.invitation.email)
        if self.is_known() or not form.is_valid():
            return self.page(form)
        try:
            user = membership.sign_up(self.invitation, **form.cleaned_data)
        except CannotChange as error:
            form.add_error(None, str(error))
            return self.page(form)
        login(request, user, backend=membership.login_backend())
        return self.welcome()

    def join(self, user: AbstractUser) -> HttpResponse:
        try:
            membership.join(self.invitation, user)
        except CannotChange:
            return render(self.request, "shops/invitation_ended.html", status=404)
        return self.welcome()

    def welcome(self) -> HttpResponse:
        shop = self.invitation.shop
        self.request.session["shop"] = shop.slug
        messages.success(self.request, _("Welcome to %(shop)s.") % {"shop": shop})
        return redirect("panel:overview", shop=shop.slug)

    def page(self, form: JoinForm) -> HttpResponse:
        user = self.request.user
        context = {
            "invitation": self.invitation,
            "role_label": Role(self.invitation.role).label,
            "form": form,
            "is_known": self.is_known(),
            "is_invited": self.is_invited(user),
        }
        return render(self.request, self.template_name, context)

    def is_known(self) -> bool:
        return membership.account_of(self.invitation.email) is not None

    def is_invited(self, user: Any) -> bool:
        return bool(user.is_authenticated and user.email.lower() == self.invitation.email.lower())
