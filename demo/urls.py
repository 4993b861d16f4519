"""Addresses of the demo, below ``/demo/``. They exist only while the demo runs."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from demo.views import doors, mail, shop

app_name = "demo"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="demo:shop"), name="home"),
    path("sign-in/<str:token>", doors.SignIn.as_view(), name="sign_in"),
    path("mailbox", mail.Mailbox.as_view(), name="mailbox"),
    path("mailbox/<str:name>/", mail.LetterFrame.as_view(), name="letter"),
    path("shop", shop.Storefront.as_view(), name="shop"),
    path("shop/<slug:shop>/", shop.Storefront.as_view(), name="storefront"),
    path("shop/<slug:shop>/orders/<str:number>/", shop.OrderPage.as_view(), name="order"),
    path(
        "shop/<slug:shop>/new-password/<str:token>/",
        doors.NewPassword.as_view(),
        name="new_password",
    ),
]
