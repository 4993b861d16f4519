"""Where a customer's link to a document leads, below ``/d/``: short, for it stands in mail."""

from __future__ import annotations

from django.urls import path

from shops.views import document_page

app_name = "document"
urlpatterns = [
    path("<str:token>/", document_page.page, name="page"),
    path("<str:token>/file", document_page.file, name="file"),
]
