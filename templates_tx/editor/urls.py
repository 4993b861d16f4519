"""Addresses of the editor, below ``/s/<shop>/messages/<code>/``."""

from __future__ import annotations

from django.urls import path

from templates_tx.editor import actions, exchange_views, version_views, views

IN_LANGUAGE = "messages/<str:code>/template/<str:language>/"
urlpatterns = [
    path(IN_LANGUAGE, views.EditorPage.as_view(), name="template"),
    path(f"{IN_LANGUAGE}check/", views.Check.as_view(), name="check"),
    path(f"{IN_LANGUAGE}preview/", views.Preview.as_view(), name="preview"),
    path(f"{IN_LANGUAGE}orders/", views.Orders.as_view(), name="preview_orders"),
    path(f"{IN_LANGUAGE}copy/", actions.Copy.as_view(), name="copy"),
    path(f"{IN_LANGUAGE}discard/", actions.Discard.as_view(), name="discard"),
    path(f"{IN_LANGUAGE}use/own/", actions.Use.as_view(own=True), name="use_own"),
    path(f"{IN_LANGUAGE}use/built-in/", actions.Use.as_view(own=False), name="use_built_in"),
    path(f"{IN_LANGUAGE}send-me/", actions.SendMe.as_view(), name="send_me"),
    path(f"{IN_LANGUAGE}versions/", version_views.Versions.as_view(), name="versions"),
    path(f"{IN_LANGUAGE}versions/<int:number>/", version_views.Version.as_view(), name="version"),
    path(
        f"{IN_LANGUAGE}versions/<int:number>/restore/",
        version_views.Restore.as_view(),
        name="restore",
    ),
    path("messages/<str:code>/export/", exchange_views.Export.as_view(), name="export"),
    path("messages/<str:code>/import/", exchange_views.Import.as_view(), name="import"),
]
