"""Sender accounts in the Django admin, with the rules of the panel's form."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from mailaccounts import admin_more, domain_work  # noqa: F401
from mailaccounts.account_test import diagnostics  # noqa: F401
from mailaccounts.condition import condition_of
from mailaccounts.deeds import do
from mailaccounts.domains import domain_for, domain_of
from mailaccounts.forms import API_FIELDS, PACE_FIELDS, PRICE_FIELDS, AccountForm
from mailaccounts.imap.form import IMAP_FIELDS
from mailaccounts.models import AccountRefusal, AccountState, SenderAccount
from mailaccounts.oauth import admin as oauth_admin  # noqa: F401
from mailaccounts.storing import store
from shops.admin.scope import ShopFilter, ShopScopedAdmin, twin
from shops.models import Role

ANYWHERE = [ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM]


class AccountAdminForm(AccountForm):
    """The panel's form with the shop and the type. The state is changed by actions only."""

    class Meta(AccountForm.Meta):
        fields: tuple[str, ...] = ("shop", *AccountForm.Meta.fields)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "shop" in self.fields:
            self.fields["shop"].required = True


@admin.register(SenderAccount)
class SenderAccountAdmin(ShopScopedAdmin):
    """Adding calls ``add_account``, so a shop's first own account becomes its main one."""

    form = AccountAdminForm
    role = Role.ACCOUNTS
    panel_list = "mailaccounts:accounts"
    refusals = (AccountRefusal,)
    list_display = ("from_address", "label", "shop", "kind", "is_main", "condition", "last_used_at")
    list_filter = (ShopFilter, "kind", "state", "is_main")
    list_select_related = ("shop",)
    search_fields = ("from_address", "label", "host")
    actions = (
        *("test_account", "check_spf", "make_main"),
        *("switch_on", "switch_off", "try_again_now"),
    )
    readonly_fields = (
        "state",
        "is_main",
        "condition",
        "breaker_reason",
        "next_try_at",
        "last_used_at",
    )
    fieldsets = (
        (None, {"fields": ("shop", "state", "is_main", "condition")}),
        (_("Sender"), {"fields": ("from_address", "from_name", "label", "reply_to")}),
        (
            _("How the mail leaves"),
            {
                "fields": (
                    *("kind", "host", "port", "tls_mode", "username", "password"),
                    "ignore_certificate_errors",
                )
            },
        ),
        (_("A provider's account"), {"fields": (*API_FIELDS, *PRICE_FIELDS)}),
        (_("Copies"), {"fields": ("copy_to",)}),
        (_("IMAP synchronisation"), {"fields": (*IMAP_FIELDS, "imap_password")}),
        (_("Limits"), {"fields": PACE_FIELDS}),
        (_("Health"), {"fields": ("breaker_reason", "next_try_at", "last_used_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("password")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Another type is another account, as in the panel.
        return (*self.readonly_fields, "shop", "kind") if obj else self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.state == AccountState.DELETED:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The log names accounts for ever: one that is not wanted is switched off.
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.check_writable(request, obj)
        store(form, request.user)

    @admin.display(description=_("condition"))
    def condition(self, obj: SenderAccount) -> str:
        return str(condition_of(obj).words) if obj.pk else ""

    @admin.action(description=_("Make main"), permissions=["change"], location=ANYWHERE)
    def make_main(self, request: HttpRequest, queryset: QuerySet[SenderAccount]) -> None:
        shops = [account.shop_id for account in queryset]
        if len(shops) != len(set(shops)):
            raise AccountRefusal(_("A shop has one main account: choose one for each shop."))
        self._do("make_main", request, queryset)

    @admin.action(description=_("Switch on"), permissions=["change"], location=ANYWHERE)
    def switch_on(self, request: HttpRequest, queryset: QuerySet[SenderAccount]) -> None:
        self._do("switch_on", request, queryset)

    @admin.action(description=_("Switch off"), permissions=["change"], location=ANYWHERE)
    def switch_off(self, request: HttpRequest, queryset: QuerySet[SenderAccount]) -> None:
        self._do("switch_off", request, queryset)

    @admin.action(description=_("Try again now"), permissions=["change"], location=ANYWHERE)
    def try_again_now(self, request: HttpRequest, queryset: QuerySet[SenderAccount]) -> None:
        self._do("mend", request, queryset)

    @admin.action(description=_("Test account"), permissions=["change"], location=ANYWHERE)
    def test_account(self, request: HttpRequest, queryset: QuerySet[SenderAccount]) -> None:
        for account in queryset:
            self.check_writable(request, account)
            diagnostics.start(account, account.from_address, request.user)
            text = _("The test of %(address)s has begun.") % {"address": account.from_address}
            url = twin("mailaccounts:account_test", account.shop, pk=account.pk)
            link = format_html('{} <a href="{}">{}</a>', text, url, _("See the result"))
            self.message_user(request, link if url else text, messages.SUCCESS)

    @admin.action(description=_("Check SPF"), permissions=["change"], location=ANYWHERE)
    def check_spf(self, request: HttpRequest, queryset: QuerySet[SenderAccount]) -> None:
        for account in queryset:
            self.check_writable(request, account)
            if account.shop is None or not domain_of(account):
                raise AccountRefusal(_("This account has no domain of a shop."))
            domain = domain_for(account)
            domain_work.start("check", domain)
            text = _("%(domain)s is being checked.") % {"domain": domain.domain}
            url = twin("mailaccounts:domain", account.shop, pk=domain.pk)
            link = format_html('{} <a href="{}">{}</a>', text, url, _("See the result"))
            self.message_user(request, link if url else text, messages.SUCCESS)

    def _do(self, deed: str, request: HttpRequest, rows: QuerySet[SenderAccount]) -> None:
        for account in rows:
            self.check_writable(request, account)
            self.message_user(request, do(deed, account, request.user), messages.SUCCESS)

    def panel_url(self, obj: SenderAccount) -> str:
        return twin("mailaccounts:account_edit", obj.shop, pk=obj.pk)
