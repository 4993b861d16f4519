"""Which message leaves from which account, and the templates with their versions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from mailaccounts.models import SenderAccount
from maillog.states import Channel
from shops.admin.scope import (
    OneShopForm,
    ReadOnlyAdmin,
    ReadOnlyInline,
    ShopFilter,
    ShopScopedAdmin,
    twin,
)
from shops.models import Role
from templates_tx import message_types
from templates_tx.models import (
    MessageTemplate,
    OwnMessageType,
    TemplateAssignment,
    TemplateDraft,
    TemplateVersion,
    TypeAttachment,
)


def type_choices() -> list[tuple[str, str]]:
    return [(each.code, f"{each.name} ({each.code})") for each in message_types.all_types()]


class MessageTypeFilter(admin.SimpleListFilter):
    title = _("message")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return type_choices()

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(message_type=self.value()) if self.value() else queryset


class AssignmentForm(OneShopForm):
    """Offers only the accounts of the row's own shop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shop = self.instance.shop if self.instance.shop_id else None
        if shop is None:
            return
        if "account" in self.fields:
            accounts = SenderAccount.objects.for_shop(shop).present()
            self.fields["account"].queryset = accounts.defer("password")  # type: ignore[attr-defined]


@admin.register(TemplateAssignment)
class TemplateAssignmentAdmin(ShopScopedAdmin):
    """A message without a row follows the message type's default and the shop's main account."""

    form = AssignmentForm
    role = Role.EDITOR
    panel_list = "templates_tx:messages"
    audited_as = "assignment"
    fields = (
        *("shop", "message_type", "channel", "is_on", "account"),
        *("copy_to_owner", "reply_to", "delay_minutes"),
    )
    list_display = ("message", "shop", "channel", "is_on", "account", "copy_to_owner")
    list_editable = ("is_on", "account", "copy_to_owner")
    list_filter = (ShopFilter, MessageTypeFilter, "is_on")
    list_select_related = ("shop", "account")
    list_per_page = 50
    ordering = ("shop", "message_type")

    @admin.display(description=_("message"), ordering="message_type")
    def message(self, obj: TemplateAssignment) -> str:
        return dict(type_choices()).get(obj.message_type, obj.message_type)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("shop", "message_type", "channel") if obj else ()

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[forms.ModelForm]:
        return super().get_changelist_form(request, **{"form": AssignmentForm, **kwargs})

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "message_type":
            return forms.ChoiceField(choices=type_choices, label=db_field.verbose_name)
        if db_field.name == "channel":
            return forms.ChoiceField(choices=Channel.choices, label=db_field.verbose_name)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def choices_for(self, db_field: Any, request: HttpRequest) -> Any:
        rows = super().choices_for(db_field, request)
        return rows.present().defer("password") if db_field.name == "account" else rows

    def panel_url(self, obj: TemplateAssignment) -> str:
        return twin("templates_tx:messages", obj.shop)


class VersionInline(ReadOnlyInline):
    model = TemplateVersion
    fields = ("number", "subject", "created_by", "created_at")
    readonly_fields = fields
    show_change_link = True


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ReadOnlyAdmin):
    """To look at: the panel's editor checks and compiles what is saved."""

    inlines = (VersionInline,)
    fields = ("shop", "message_type", "language", "in_use", "created_at")
    list_display = ("message_type", "language", "shop", "in_use", "current")
    list_filter = (ShopFilter, MessageTypeFilter, "language")
    list_select_related = ("shop", "current__template")

    def get_queryset(self, request: HttpRequest) -> Any:
        built_in = MessageTemplate.objects.filter(shop=None)
        return super().get_queryset(request) | built_in

    def panel_url(self, obj: MessageTemplate) -> str:
        return twin("templates_tx:messages", obj.shop)


@admin.register(TemplateVersion)
class TemplateVersionAdmin(ReadOnlyAdmin):
    shop_path = "template__shop"
    fields = (
        "template",
        "number",
        "subject",
        "preheader",
        "html_source",
        "text",
        "created_by",
        "created_at",
    )
    list_display = ("template", "number", "subject", "created_by", "created_at")
    list_select_related = ("template", "created_by")

    def get_queryset(self, request: HttpRequest) -> Any:
        built_in = TemplateVersion.objects.filter(template__shop=None)
        return (super().get_queryset(request) | built_in).defer("html")


@admin.register(TemplateDraft)
class TemplateDraftAdmin(ReadOnlyAdmin):
    """What somebody is writing: to look at, for the panel's editor keeps it while it is typed."""

    shop_path = "template__shop"
    fields = ("template", "began_from", "subject", "preheader", "html_source", "text", "saved_by")
    list_display = ("template", "began_from", "saved_by", "saved_at")
    list_filter = (ShopFilter,)
    list_select_related = ("template", "saved_by")


@admin.register(OwnMessageType)
class OwnMessageTypeAdmin(ReadOnlyAdmin):
    """To look at: the panel checks the names of values and makes the code."""

    panel_list = "templates_tx:messages"
    fields = (
        *("shop", "code", "name", "section", "description", "to", "fields", "sensitive"),
        *("critical", "is_withdrawn", "created_by", "created_at"),
    )
    list_display = ("name", "code", "shop", "is_withdrawn")
    list_filter = (ShopFilter, "is_withdrawn")
    list_select_related = ("shop",)
    search_fields = ("name", "code")

    def panel_url(self, obj: OwnMessageType) -> str:
        return twin("templates_tx:own_type", obj.shop, code=obj.code)


@admin.register(TypeAttachment)
class TypeAttachmentAdmin(ReadOnlyAdmin):
    """To look at: the panel checks what is uploaded, and how much there is together."""

    fields = (
        "shop",
        "message_type",
        "language",
        "name",
        "content_type",
        "created_by",
        "created_at",
    )
    list_display = ("name", "message_type", "language", "shop")
    list_filter = (ShopFilter, MessageTypeFilter)
    list_select_related = ("shop",)

    def panel_url(self, obj: TypeAttachment) -> str:
        return twin("templates_tx:type_settings", obj.shop, code=obj.message_type)
