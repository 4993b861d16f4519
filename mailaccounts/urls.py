"""Addresses of this app's screens, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import path

from mailaccounts import imap_views, views

app_name = "mailaccounts"
urlpatterns = [
    path("accounts/", views.AccountList.as_view(), name="accounts"),
    path("accounts/add/", views.AccountEdit.as_view(), name="account_add"),
    path("accounts/<int:pk>/", views.AccountEdit.as_view(), name="account_edit"),
    path(
        "accounts/<int:pk>/main/",
        views.AccountDeed.as_view(deed="make_main"),
        name="account_make_main",
    ),
    path(
        "accounts/<int:pk>/off/",
        views.AccountDeed.as_view(deed="switch_off"),
        name="account_switch_off",
    ),
    path(
        "accounts/<int:pk>/on/",
        views.AccountDeed.as_view(deed="switch_on"),
        name="account_switch_on",
    ),
    path("accounts/<int:pk>/imap-folders/", imap_views.ImapFolders.as_view(), name="imap_folders"),
    path("accounts/<int:pk>/retry/", views.AccountDeed.as_view(deed="mend"), name="account_retry"),
]
