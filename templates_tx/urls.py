"""Addresses of this app's screens, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import path

from templates_tx import bulk_views, copy_views, try_views, views

app_name = "templates_tx"
urlpatterns = [
    path("messages/", views.MessageList.as_view(), name="messages"),
    path("messages/bulk/", bulk_views.BulkChange.as_view(), name="bulk"),
    path("messages/copy-from/", copy_views.CopySetUp.as_view(), name="copy_setup"),
    path("messages/try/", try_views.TryOnOrders.as_view(), name="try"),
    path("messages/undo/<str:token>/", views.Undo.as_view(), name="undo"),
    path("messages/<str:code>/", views.OneMessage.as_view(), name="message"),
]
