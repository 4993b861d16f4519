"""Domains, keys, tests and technicians' links in the Django admin: to look at.

What changes them is the panel's; a key's private half and a link's token are not even loaded.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import AccountTest, DkimKey, SenderDomain, TechnicianLink
from shops.admin.scope import CappedPaginator, ReadOnlyAdmin, ShopFilter, twin


@admin.register(SenderDomain)
class SenderDomainAdmin(ReadOnlyAdmin):
    panel_list = "mailaccounts:domains"
    list_display = (
        *("domain", "shop", "spf_status", "dkim_status", "dmarc_status"),
        *("checked_at", "verified_at", "failing_since"),
    )
    list_filter = (ShopFilter, "spf_status", "dkim_status", "dmarc_status")
    list_select_related = ("shop",)
    search_fields = ("domain",)

    def panel_url(self, obj: SenderDomain) -> str:
        return twin("mailaccounts:domain", obj.shop, pk=obj.pk)


@admin.register(DkimKey)
class DkimKeyAdmin(ReadOnlyAdmin):
    shop_path = "domain__shop"
    list_display = ("__str__", "state", "created_at", "found_at", "activated_at", "retired_at")
    list_filter = ("state",)
    list_select_related = ("domain__shop",)
    search_fields = ("selector", "domain__domain")
    fields = (
        *("domain", "selector", "public_key", "state"),
        *("created_at", "found_at", "activated_at", "retired_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("private_key")

    def panel_url(self, obj: DkimKey) -> str:
        return twin("mailaccounts:domain", obj.domain.shop, pk=obj.domain_id)


@admin.register(TechnicianLink)
class TechnicianLinkAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "shop", "created_by", "created_at", "expires_at", "revoked_at")
    list_filter = (ShopFilter,)
    list_select_related = ("shop", "account", "domain")
    fields = (
        *("shop", "account", "domain", "language"),
        *("created_by", "created_at", "expires_at", "revoked_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("token_hash")


@admin.register(AccountTest)
class AccountTestAdmin(ReadOnlyAdmin):
    shop_path = "account__shop"
    list_display = ("account", "state", "to_address", "requested_by", "created_at", "ended_at")
    list_filter = ("state",)
    list_select_related = ("account__shop", "requested_by")
    search_fields = ("account__from_address", "to_address")
    fields = (
        *("account", "to_address", "requested_by", "state", "found"),
        *("created_at", "started_at", "ended_at"),
    )
    readonly_fields = ("found",)
    paginator = CappedPaginator
    show_full_result_count = False

    @admin.display(description=_("steps"))
    def found(self, obj: AccountTest) -> str:
        """Each step with what was found; a server's words are text."""
        rows = (
            (step.get("name"), step.get("state"), step.get("found"))
            for step in obj.steps
            if isinstance(step, dict)
        )
        return format_html_join("", "<div>{}: {} {}</div>", rows) or "–"

    def panel_url(self, obj: AccountTest) -> str:
        return twin("mailaccounts:account_test", obj.account.shop, pk=obj.account_id)
