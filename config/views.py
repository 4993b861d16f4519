"""Pages that belong to no app: the way in, readiness, the public logo."""

from __future__ import annotations

import re

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from shops.models import Shop

LOGO_NAME = re.compile(r"[a-zA-Z0-9_-]{1,80}\.(png|jpe?g|gif|webp)")


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The overview of the last used or first shop; a page that explains where there is none."""
    shops = Shop.objects.for_user(request.user)
    shop = shops.filter(slug=request.session.get("shop", "")).first() or shops.first()
    if shop is None:
        return render(request, "panel/no_shop.html")
    return redirect("panel:overview", shop=shop.slug)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the web process is ready: it has its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@require_safe
@cache_control(public=True, max_age=86_400, immutable=True)
def logo(request: HttpRequest, name: str) -> FileResponse:
    """A shop's logo, for mail programs: public, because customers' mail shows it."""
    path = settings.MEDIA_ROOT / "logos" / name
    if not LOGO_NAME.fullmatch(name) or not path.is_file():
        raise Http404
    response = FileResponse(path.open("rb"))
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@login_required
def not_here(request: HttpRequest) -> HttpResponse:
    """Hides a page of a library that is no part of this product. Always 404."""
    raise Http404
