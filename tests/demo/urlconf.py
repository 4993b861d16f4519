"""The addresses of an installation whose demo is switched on."""

from __future__ import annotations

from django.urls import include, path

from config.urls import urlpatterns as without_demo

urlpatterns = [*without_demo, path("demo/", include("demo.urls"))]
