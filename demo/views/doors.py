"""The way in: the one sign-in link."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views import View
from django.views.generic import TemplateView

from demo.catalogue import BICYCLES
from demo.load import OWNER
from demo.loopback import FromThisComputer
from demo.sign_in import is_valid


class SignIn(FromThisComputer, View):
    """Signs the owner in and shows her the overview. The link is a secret of this run."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if not is_valid(Path(settings.DATA_DIR), token):
            raise Http404
        owner = get_object_or_404(User, username=OWNER)
        login(request, owner, backend=settings.AUTHENTICATION_BACKENDS[0])
        request.session["shop"] = BICYCLES.slug
        return redirect("home")


class NewPassword(FromThisComputer, TemplateView):
    """Where the link of a password mail leads: to the shop's own software."""

    template_name = "demo/new_password.html"
