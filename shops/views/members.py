"""Users and roles of a shop."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View

from shops import membership
from shops.forms import InviteForm, RoleForm
from shops.membership import CannotChange, name_of
from shops.models import Invitation, Membership, Role
from shops.scope import ShopScoped


class Members(ShopScoped, TemplateView):
    """Who is in the shop, who is invited, and the form that invites."""

    needed = Role.ADMIN
    template_name = "shops/members.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        members = Membership.objects.for_shop(self.shop).select_related("user")
        invitations = Invitation.objects.for_shop(self.shop).filter(accepted_at=None)
        context = {
            "members": sorted(members, key=_rank),
            "invitations": invitations.select_related("invited_by"),
            "now": timezone.now(),
            "roles": Role.choices,
            "invite_form": InviteForm(),
        }
        return super().get_context_data(**{**context, **kwargs})


def _rank(member: Membership) -> tuple[int, str]:
    """Admins first, then by name."""
    return -list(Role).index(Role(member.role)), name_of(member.user).lower()


class Invite(Members):
    """Asks somebody in by e-mail. The answer is the same whether the address has an account."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Somebody has loaded again the address that a refused form was shown under."""
        return redirect("shops:members", shop=self.shop.slug)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = InviteForm(request.POST)
        if form.is_valid() and self.invite(form):
            return redirect("shops:members", shop=self.shop.slug)
        return self.render_to_response(self.get_context_data(invite_form=form))

    def invite(self, form: InviteForm) -> bool:
        email, role = form.cleaned_data["email"], form.cleaned_data["role"]
        try:
            membership.invite(self.shop, email, role, self.request.user)  # type: ignore[arg-type]
        except CannotChange as error:
            form.add_error("email", str(error))
            return False
        messages.success(
            self.request, _("An invitation is on its way to %(email)s.") % {"email": email}
        )
        return True


class MemberDeed(ShopScoped, View):
    """Something done to a member or an invitation of this shop."""

    needed = Role.ADMIN
    http_method_names = ["post", "options"]

    def back(self) -> HttpResponse:
        return redirect("shops:members", shop=self.shop.slug)


class ChangeRole(MemberDeed):
    """Saves at once; the toast's Undo posts here again with the role before in the address."""

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        member = get_object_or_404(Membership, shop=self.shop, pk=pk)
        form = RoleForm(request.POST if "role" in request.POST else request.GET)
        if not form.is_valid():
            return self.answer(member, " ".join(map(str, form.errors["role"])), "bad")
        try:
            before = membership.set_role(member, form.cleaned_data["role"], request.user)
        except CannotChange as error:
            return self.answer(member, str(error), "bad")
        text = _("%(person)s now has another role.") % {"person": name_of(member.user)}
        url = reverse("shops:member_role", args=[self.shop.slug, pk])
        return self.answer(member, text, "ok", undo=f"{url}?role={before}")

    def answer(self, member: Membership, text: str, level: str, *, undo: str = "") -> HttpResponse:
        """The row again with a toast, or for a browser without scripts the page with it."""
        if not self.request.headers.get("HX-Request"):
            tell = messages.success if level == "ok" else messages.error
            tell(self.request, text, extra_tags=f"undo:{undo}" if undo else "")
            return self.back()
        row = Membership.objects.select_related("user").filter(pk=member.pk).first()
        context = {"shop": self.shop, "member": row, "roles": Role.choices}
        answer = render(self.request, "shops/members.html#member", context)
        toast = {"text": text, "level": level, **({"undo": undo} if undo else {})}
        answer["HX-Trigger"] = json.dumps({"postroom:toast": toast})
        return answer


class RemoveMember(MemberDeed):
    """Out of the shop. Oneself only by the button that says so."""

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        member = get_object_or_404(Membership.objects.select_related("user"), shop=self.shop, pk=pk)
        leaving = request.POST.get("leave") == "yes"
        try:
            membership.remove(member, request.user, leaving=leaving)
        except CannotChange as error:
            messages.error(request, str(error))
            return self.back()
        if member.user_id == request.user.pk:
            messages.success(request, _("You have left %(shop)s.") % {"shop": self.shop})
            return redirect("home")
        messages.success(
            request, _("%(person)s is no longer in the shop.") % {"person": name_of(member.user)}
        )
        return self.back()


class WithdrawInvitation(MemberDeed):
    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        invitation = get_object_or_404(Invitation, shop=self.shop, pk=pk, accepted_at=None)
        membership.withdraw(invitation, request.user)
        messages.success(
            request,
            _("The invitation of %(email)s is withdrawn.") % {"email": invitation.email},
        )
        return self.back()


class InviteAgain(MemberDeed):
    """A new link by mail; the one before stops working."""

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        old = get_object_or_404(Invitation, shop=self.shop, pk=pk, accepted_at=None)
        try:
            membership.invite(self.shop, old.email, old.role, request.user)  # type: ignore[arg-type]
        except CannotChange as error:
            messages.error(request, str(error))
            return self.back()
        messages.success(
            request, _("A new invitation is on its way to %(email)s.") % {"email": old.email}
        )
        return self.back()
