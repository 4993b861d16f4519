"""Taking over the set-up of another shop: choose it, see what would change, do it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View

from shops.models import Membership, Role, Shop
from shops.scope import ShopScoped
from templates_tx import assignments
from templates_tx.copying import SetUp, Take, preview, take_over

PAGE = "templates_tx/copy_setup.html"
NAMES: dict[Take, tuple[Promise, Promise]] = {
    Take.OPTIONS: (
        gettext_lazy("Switches and options"),
        gettext_lazy("On or off, account, copy to the owner, answers, delay, conditions"),
    ),
    Take.TEMPLATES: (
        gettext_lazy("Own templates"),
        gettext_lazy("Each becomes a new version here and is used; older versions stay"),
    ),
    Take.NOTES: (
        gettext_lazy("Notes"),
        gettext_lazy("What the shop adds to the built-in words"),
    ),
    Take.OWN_TYPES: (
        gettext_lazy("Own message types"),
        gettext_lazy("Those that this shop does not have yet"),
    ),
}


class CopySetUp(ShopScoped, View):
    """Needs the same role in both shops."""

    needed = Role.EDITOR

    def get(self, request: HttpRequest, shop: str) -> HttpResponse:
        source = self._source(request.GET.get("from", ""))
        if source is None:
            return self._show()
        return self._preview(preview(source, self.shop), self._allowed)

    def post(self, request: HttpRequest, shop: str) -> HttpResponse:
        source = self._source(request.POST.get("from", ""))
        if source is None:
            return self._show(status=422, problem=_("Choose a shop."))
        set_up = preview(source, self.shop)
        takes = set(request.POST.getlist("take")) & self._allowed
        if not takes:
            problem = _("Tick what is to be taken over.")
            return self._preview(set_up, takes, status=422, problem=problem)
        done = take_over(set_up, takes, request.user)
        undo_url = ""
        if done.changed:
            token = assignments.undo_token(self.shop, done.changed.values())
            undo_url = reverse("templates_tx:undo", args=[self.shop.slug, token])
        return self._show(source=source, done=done, undo_url=undo_url)

    @property
    def _allowed(self) -> set[str]:
        """Message types are made by admins only."""
        admins = set() if self.may(Role.ADMIN) else {Take.OWN_TYPES.value}
        return {each.value for each in Take} - admins

    def _source(self, slug: str) -> Shop | None:
        """None where no shop is named; one that the reader may not set up does not exist."""
        if not slug:
            return None
        found = next((each for each in self._shops() if each.slug == slug), None)
        if found is None:
            raise Http404
        return found

    def _shops(self) -> list[Shop]:
        """The other shops whose messages the reader may set up."""
        user = self.request.user
        others = Shop.objects.exclude(pk=self.shop.pk)
        if not user.is_superuser:
            roles = [role for role in Role if role.covers(Role.EDITOR)]
            mine = Membership.objects.filter(user=user.pk, role__in=roles)
            others = others.filter(pk__in=mine.values("shop"))
        return list(others.order_by("name", "slug"))

    def _preview(self, set_up: SetUp, takes: set[str], **more: Any) -> HttpResponse:
        parts = [
            {
                "code": take.value,
                "name": name,
                "says": says,
                "count": set_up.count(take),
                "is_ticked": take.value in takes,
                "is_allowed": take.value in self._allowed,
                "items": getattr(set_up, take),
            }
            for take, (name, says) in NAMES.items()
        ]
        return self._show(source=set_up.source, set_up=set_up, parts=parts, **more)

    def _show(self, *, status: int = 200, **more: Any) -> HttpResponse:
        context = {"shop": self.shop, "role": self.role, "shops": self._shops(), **more}
        return render(self.request, PAGE, context, status=status)
