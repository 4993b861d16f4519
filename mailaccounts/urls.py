"""Addresses of this app's screens, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import path

from mailaccounts import domain_views, technician_views, views
from mailaccounts.account_test import views as test_views
from mailaccounts.imap import views as imap_views
from mailaccounts.oauth import views as oauth_views

app_name = "mailaccounts"
urlpatterns = [
    path("accounts/", views.AccountList.as_view(), name="accounts"),
    path("accounts/add/", views.AccountPick.as_view(), name="account_pick"),
    path("accounts/suggest/", views.AccountSuggest.as_view(), name="account_suggest"),
    path("accounts/add/<slug:kind>/", views.AccountAdd.as_view(), name="account_add"),
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
    path(
        "accounts/<int:pk>/on-anyway/",
        views.AccountDeed.as_view(deed="switch_on_anyway"),
        name="account_switch_on_anyway",
    ),
    path(
        "accounts/<int:pk>/duplicate/",
        views.AccountDeed.as_view(deed="duplicate"),
        name="account_duplicate",
    ),
    path(
        "accounts/<int:pk>/remove/",
        views.AccountDeed.as_view(deed="remove"),
        name="account_remove",
    ),
    path("accounts/<int:pk>/imap-folders/", imap_views.ImapFolders.as_view(), name="imap_folders"),
    path("accounts/<int:pk>/retry/", views.AccountDeed.as_view(deed="mend"), name="account_retry"),
    path("accounts/<int:pk>/sign-in/", oauth_views.SignIn.as_view(), name="account_sign_in"),
    path(
        "accounts/<int:pk>/sign-in/<uuid:attempt>/",
        oauth_views.SignInProgress.as_view(),
        name="account_sign_in_progress",
    ),
    path("accounts/<int:pk>/sign-out/", oauth_views.SignOut.as_view(), name="account_sign_out"),
    path("accounts/oauth/<str:provider>/", oauth_views.ClientEdit.as_view(), name="oauth_client"),
    path("accounts/<int:pk>/test/", test_views.TestPage.as_view(), name="account_test"),
    path("accounts/<int:pk>/test/live/", test_views.TestLive.as_view(), name="account_test_live"),
    path(
        "accounts/<int:pk>/test/start/",
        test_views.TestStart.as_view(),
        name="account_test_start",
    ),
    path(
        "accounts/<int:pk>/test/cancel/",
        test_views.TestCancel.as_view(),
        name="account_test_cancel",
    ),
    path(
        "accounts/<int:pk>/test/ignore-certificate/",
        test_views.IgnoreCertificate.as_view(),
        name="account_ignore_certificate",
    ),
    path("domains/", domain_views.DomainList.as_view(), name="domains"),
    path("domains/check/", domain_views.CheckNew.as_view(), name="domains_check"),
    path("domains/<int:pk>/", domain_views.DomainPage.as_view(), name="domain"),
    path("domains/<int:pk>/state/", domain_views.DomainState.as_view(), name="domain_state"),
    path("domains/<int:pk>/check/", domain_views.Check.as_view(), name="domain_check"),
    path("domains/<int:pk>/key/", domain_views.MakeKey.as_view(), name="domain_key"),
    path("domains/<int:pk>/key/drop/", domain_views.DropKey.as_view(), name="domain_key_drop"),
    path("domains/<int:pk>/plan/", domain_views.PlanUpdate.as_view(), name="domain_plan"),
    path("domains/<int:pk>/publish/", domain_views.PublishUpdate.as_view(), name="domain_publish"),
    path(
        "domains/<int:pk>/technician/",
        technician_views.Ask.as_view(about="domain"),
        name="domain_technician",
    ),
    path(
        "accounts/<int:pk>/technician/",
        technician_views.Ask.as_view(about="account"),
        name="account_technician",
    ),
    path(
        "technician-links/<int:pk>/revoke/",
        technician_views.Revoke.as_view(),
        name="technician_revoke",
    ),
]
