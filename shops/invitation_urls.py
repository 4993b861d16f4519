"""Where the link of an invitation leads, below ``/invitation/``."""

from __future__ import annotations

from django.urls import path

from shops.views.invitation import AcceptInvitation

app_name = "invitation"
urlpatterns = [path("<str:token>/", AcceptInvitation.as_view(), name="accept")]
