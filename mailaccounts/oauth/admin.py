"""OAuth clients and sign-ins in the Django admin. The row without a shop is the installation's."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from mailaccounts.models import OAuthClient, SignInAttempt, TokenToRevoke
from mailaccounts.oauth.forms import ClientForm, store_client
from shops.admin.scope import ReadOnlyAdmin, ShopFilter, ShopScopedAdmin, twin
from shops.models import Role


class ClientAdminForm(ClientForm):
    class Meta(ClientForm.Meta):
        fields: tuple[str, ...] = ("shop", "provider", *ClientForm.Meta.fields)

    field_order = ("shop", "provider", *ClientForm.field_order)


@admin.register(OAuthClient)
class OAuthClientAdmin(ShopScopedAdmin):
    """Without a shop it serves every shop that has none of its own; only operators make such."""

    form = ClientAdminForm
    role = Role.ACCOUNTS
    list_display = ("provider", "shop", "client_id", "secret_expires_on", "in_testing")
    list_filter = (ShopFilter, "provider")
    list_select_related = ("shop",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("client_secret")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("shop", "provider") if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.check_writable(request, obj)
        store_client(form, request.user)

    def panel_url(self, obj: OAuthClient) -> str:
        return twin("mailaccounts:oauth_client", obj.shop, provider=obj.provider)


@admin.register(SignInAttempt)
class SignInAttemptAdmin(ReadOnlyAdmin):
    shop_path = "account__shop"
    list_display = ("created_at", "account", "provider", "step", "failure", "user")
    list_select_related = ("account", "user")
    fields = (
        *("account", "user", "provider", "step", "failure", "detail", "mailbox"),
        *("created_at", "ended_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("code", "verifier")


@admin.register(TokenToRevoke)
class TokenToRevokeAdmin(ReadOnlyAdmin):
    """Of no shop any more: for operators, to see what a provider has not heard yet."""

    shop_path = ""
    list_display = ("provider", "created_at")
    fields = ("provider", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("token")
