"""Where a technician's link leads, below ``/technician/``: outside of every shop's pages."""

from __future__ import annotations

from django.urls import path

from mailaccounts import technician_views

app_name = "technician"
urlpatterns = [path("<str:token>/", technician_views.page, name="page")]
