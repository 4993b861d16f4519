"""Every screen belongs to one shop: the only way in is through these classes.

A stranger gets 404, not 403: whether a shop exists is none of their business.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

from shops.models import Role, Shop
from shops.models.people import role_in


class ShopScoped(LoginRequiredMixin):
    """View mixin: resolves ``<slug:shop>``, sets ``self.shop``, ``self.role``, ``request.shop``.

    ``needed`` is the role for reading the page, ``needed_to_post`` the one for changing something
    (defaults to ``needed``). Members whose role does not reach get 403 with a page that says so.
    """

    needed: str = Role.VIEWER
    needed_to_post: str = ""
    request: HttpRequest
    shop: Shop
    role: Role

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        shop = Shop.objects.filter(slug=kwargs.get("shop")).first()
        role = role_in(request.user, shop) if shop else None
        if shop is None or role is None:
            raise Http404
        writes = request.method not in ("GET", "HEAD", "OPTIONS")
        if not role.covers((self.needed_to_post if writes else "") or self.needed):
            raise PermissionDenied
        self.shop, self.role = shop, role
        request.shop, request.role = shop, role  # type: ignore[attr-defined]
        return super().dispatch(request, *args, **kwargs)

    def may(self, role: str) -> bool:
        return self.role.covers(role)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**context, "shop": self.shop, "role": self.role}
