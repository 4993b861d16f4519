"""Addresses of this app's screens, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import path

from shops.views import audit, documents, members, orders, settings

app_name = "shops"
urlpatterns = [
    path("orders/", orders.OrderList.as_view(), name="orders"),
    # By primary key: a shop's own order numbers may hold any character.
    path("orders/<int:pk>/", orders.OrderPage.as_view(), name="order"),
    path("orders/<int:pk>/mail/", orders.OrderMail.as_view(), name="order_mail"),
    path("orders/<int:pk>/preview/", orders.OrderPreview.as_view(), name="order_preview"),
    path("orders/<int:pk>/ship/", orders.Ship.as_view(), name="order_ship"),
    path("orders/<int:pk>/paid/", orders.MarkPaid.as_view(), name="order_paid"),
    path("orders/<int:pk>/note/", orders.WriteNote.as_view(), name="order_note"),
    path("orders/<int:pk>/documents/", documents.HandIn.as_view(), name="document_add"),
    path(
        "orders/<int:pk>/documents/<int:document>/file/",
        documents.File.as_view(),
        name="document_file",
    ),
    path(
        "orders/<int:pk>/documents/<int:document>/revoke/",
        documents.Revoke.as_view(),
        name="document_revoke",
    ),
    path(
        "orders/<int:pk>/documents/<int:document>/allow/",
        documents.Allow.as_view(),
        name="document_allow",
    ),
    path("audit/", audit.Audit.as_view(), name="audit"),
    path("settings/", settings.ShopSettings.as_view(), name="settings"),
    path("members/", members.Members.as_view(), name="members"),
    path("members/invite/", members.Invite.as_view(), name="invite"),
    path("members/<int:pk>/role/", members.ChangeRole.as_view(), name="member_role"),
    path("members/<int:pk>/remove/", members.RemoveMember.as_view(), name="member_remove"),
    path(
        "invitations/<int:pk>/withdraw/",
        members.WithdrawInvitation.as_view(),
        name="invitation_withdraw",
    ),
    path("invitations/<int:pk>/again/", members.InviteAgain.as_view(), name="invitation_again"),
]
