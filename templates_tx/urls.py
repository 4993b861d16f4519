"""Addresses of this app's screens, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import path

from templates_tx import views
from templates_tx.editor.urls import urlpatterns as of_editor

app_name = "templates_tx"
urlpatterns = [
    path("messages/", views.MessageList.as_view(), name="messages"),
    path("messages/undo/<str:token>/", views.Undo.as_view(), name="undo"),
    path("messages/<str:code>/", views.OneMessage.as_view(), name="message"),
    *of_editor,
]
