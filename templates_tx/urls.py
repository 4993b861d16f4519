"""Addresses of this app's screens, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import path

from templates_tx import (
    bulk_views,
    copy_views,
    file_views,
    own_type_views,
    settings_views,
    try_views,
    views,
)
from templates_tx.editor.urls import urlpatterns as of_editor

app_name = "templates_tx"
urlpatterns = [
    path("messages/", views.MessageList.as_view(), name="messages"),
    path("messages/bulk/", bulk_views.BulkChange.as_view(), name="bulk"),
    path("messages/copy-from/", copy_views.CopySetUp.as_view(), name="copy_setup"),
    path("messages/try/", try_views.TryOnOrders.as_view(), name="try"),
    path("messages/undo/<str:token>/", views.Undo.as_view(), name="undo"),
    path("messages/own/new/", own_type_views.NewOwnType.as_view(), name="own_type_new"),
    path("messages/own/<str:code>/", own_type_views.EditOwnType.as_view(), name="own_type"),
    path(
        "messages/own/<str:code>/withdraw/",
        own_type_views.WithdrawOwnType.as_view(),
        name="own_type_withdraw",
    ),
    path(
        "messages/own/<str:code>/delete/",
        own_type_views.DeleteOwnType.as_view(),
        name="own_type_delete",
    ),
    path("messages/<str:code>/", views.OneMessage.as_view(), name="message"),
    path(
        "messages/<str:code>/settings/",
        settings_views.TypeSettings.as_view(),
        name="type_settings",
    ),
    path("messages/<str:code>/files/", file_views.AddFile.as_view(), name="type_file_add"),
    path("messages/<str:code>/files/<int:pk>/", file_views.OneFile.as_view(), name="type_file"),
    path(
        "messages/<str:code>/files/<int:pk>/remove/",
        file_views.RemoveFile.as_view(),
        name="type_file_remove",
    ),
    *of_editor,
]
