"""The Django admin of this installation: our log-in, and no model that runs code or keeps keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

# A task of django-q2 is a function's name with its arguments: whoever may edit one runs code
# (Koed00/django-q#371). Authenticators of allauth show the secret of the second factor.
KEPT_OUT = frozenset({"django_q", "mfa"})


class PostroomAdminConfig(AdminConfig):
    default_site = "config.admin.PostroomAdminSite"


class PostroomAdminSite(admin.AdminSite):
    site_title = "Postroom"
    site_header = _("Postroom administration")
    site_url = "/"

    def register(
        self,
        model_or_iterable: Any,
        admin_class: type[admin.ModelAdmin] | None = None,
        **options: Any,
    ) -> None:
        models: Iterable[Any] = (
            [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else model_or_iterable
        )
        welcome = [model for model in models if model._meta.app_label not in KEPT_OUT]
        super().register(welcome, admin_class, **options)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Log-in is allauth's, so that its limits and the second factor hold here as well."""
        # Models, which do not exist yet when Django reads this module.
        from allauth.account.decorators import secure_admin_login

        response: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return response
