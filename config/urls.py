"""Addresses: the panel under ``/s/<shop>/``, the Django admin, log-in, and what is public."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from config import views
from mailaccounts.oauth.views import OAuthCallback

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    # Nobody takes an address as their own without proof: an invited one would be occupied.
    path("accounts/email/", views.not_here, name="no_email_page"),
    # One for all shops: providers want the exact address registered.
    path("accounts/oauth/callback/", OAuthCallback.as_view(), name="oauth_callback"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("media/logos/<str:name>", views.logo, name="logo"),
    path("s/<slug:shop>/", include("config.panel_urls")),
    path("s/<slug:shop>/", include("shops.urls")),
    path("s/<slug:shop>/", include("mailaccounts.urls")),
    path("s/<slug:shop>/", include("maillog.urls")),
    path("s/<slug:shop>/", include("templates_tx.urls")),
    path("invitation/", include("shops.invitation_urls")),
    path("d/", include("shops.document_urls")),
    path("technician/", include("mailaccounts.technician_urls")),
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("demo.urls")))
