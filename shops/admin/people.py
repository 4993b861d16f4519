"""Shops, who works in them, what they did, and what was silenced."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import ForeignKey
from django.http import HttpRequest

from shops import membership
from shops.admin.scope import ReadOnlyAdmin, ShopFilter, ShopScopedAdmin, twin
from shops.models import AuditEntry, Invitation, Membership, ResetMark, Role, Shop


@admin.register(Shop)
class ShopAdmin(ShopScopedAdmin):
    shop_path = "pk"
    role = Role.ACCOUNTS
    audited_as = "shop"
    list_display = ("name", "slug", "domain", "language", "test_mode")
    search_fields = ("name", "slug", "domain")
    readonly_fields = ("test_mode_since", "created_at")
    prepopulated_fields = {"slug": ("name",)}

    def shop_of(self, obj: Any) -> Shop | None:
        return obj if isinstance(obj, Shop) else None

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else dict(self.prepopulated_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The short name is part of every address of the shop's pages.
        return (*self.readonly_fields, "slug") if obj else self.readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A shop's log and the ledger of what was said go with it: not by a click in a list.
        return False

    def panel_url(self, obj: Shop) -> str:
        return twin("shops:settings", obj)


@admin.register(Membership)
class MembershipAdmin(ShopScopedAdmin):
    refusals = (membership.CannotChange,)
    panel_list = "shops:members"
    list_display = ("user", "shop", "role", "created_at")
    list_filter = (ShopFilter, "role")
    list_select_related = ("user", "shop")
    search_fields = ("user__username", "user__email")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user", "shop", "created_at") if obj else ("created_at",)

    def choices_for(self, db_field: ForeignKey[Any, Any], request: HttpRequest) -> Any:
        if db_field.name != "user" or request.user.is_superuser:
            return super().choices_for(db_field, request)
        # Others are invited in the panel; a list of every person is not for one shop's admin.
        mine = Shop.objects.for_user(request.user)
        return get_user_model().objects.filter(memberships__shop__in=mine).distinct()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.check_writable(request, obj)
        if not change:
            obj.save()
            AuditEntry.note(
                "member.added", shop=obj.shop, user=request.user, target=obj.user, role=obj.role
            )
            return
        membership.set_role(obj, obj.role, request.user)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.check_writable(request, obj)
        membership.remove(obj, request.user, leaving=False)

    def panel_url(self, obj: Membership) -> str:
        return twin("shops:members", obj.shop)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """To look at and to withdraw; inviting is the panel's, because it mails the link."""

    fields = ("shop", "email", "role", "invited_by", "created_at", "expires_at", "accepted_at")
    list_display = ("email", "shop", "role", "created_at", "expires_at", "accepted_at")
    list_filter = (ShopFilter,)
    list_select_related = ("shop",)
    search_fields = ("email",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return ShopScopedAdmin.has_delete_permission(self, request, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.check_writable(request, obj)
        membership.withdraw(obj, request.user)

    def panel_url(self, obj: Invitation) -> str:
        return twin("shops:members", obj.shop)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    fields = ("created_at", "shop", "user_name", "action", "target", "details")
    list_display = ("created_at", "shop", "user_name", "action", "target")
    list_filter = (ShopFilter,)
    list_select_related = ("shop",)
    search_fields = ("user_name", "action", "target")
    show_full_result_count = False


@admin.register(ResetMark)
class ResetMarkAdmin(ShopScopedAdmin):
    audited_as = "reset"
    list_display = ("shop", "parameter", "imported_until", "created_at", "undone_at")
    list_filter = (ShopFilter,)
    list_select_related = ("shop",)
    search_fields = ("parameter",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A mark that was set stays as it was; it can only be undone.
        return ("shop", "parameter", "imported_until", "created_at") if obj else ("undone_at",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
