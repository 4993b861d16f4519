"""Addresses of this app's screens, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import path

from templates_tx import bulk_views, views

app_name = "templates_tx"
urlpatterns = [
    path("messages/", views.MessageList.as_view(), name="messages"),
    path("messages/bulk/", bulk_views.BulkChange.as_view(), name="bulk"),
    path("messages/undo/<str:token>/", views.Undo.as_view(), name="undo"),
    path("messages/<str:code>/", views.OneMessage.as_view(), name="message"),
]
