"""The demo's pages show everybody's mail without a password, so only this computer sees them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase


class FromThisComputer:
    """View mixin: 404 for a caller from elsewhere."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            near = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
        except ValueError:
            near = False
        if not near:
            raise Http404
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response
