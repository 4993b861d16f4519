"""Addresses of the panel's own pages, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import path

from config.help import Help
from config.overview import Overview

app_name = "panel"
urlpatterns = [
    path("", Overview.as_view(), name="overview"),
    path("help/", Help.as_view(), name="help"),
]
