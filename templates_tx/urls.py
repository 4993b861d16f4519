"""Addresses of this app's screens, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "templates_tx"
urlpatterns: list[URLPattern] = []
