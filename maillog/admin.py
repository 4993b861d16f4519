"""The log in the Django admin: everything to look at, *Send again* to do, no body on the page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import AbstractUser
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from maillog.generation_failure import state_text
from maillog.models import (
    AttachmentFile,
    Attempt,
    Delivery,
    MailMessage,
    MessageAttachment,
    MessageBody,
    SentKey,
    Suppression,
    WorkerBeat,
)
from maillog.registry import names_of, type_name
from maillog.requeue import CannotResend
from maillog.resend import send_again
from shops.addresses import EmailAddressInvalid, normalise
from shops.admin.scope import (
    CappedPaginator,
    ReadOnlyAdmin,
    ReadOnlyInline,
    ShopFilter,
    ShopScopedAdmin,
    twin,
)
from shops.models import Role
from shops.search_text import fold
from shops.uuid7 import lowest_at

TYPES_SEEN_IN = 2_000  # of the newest messages


class LogAdmin(ReadOnlyAdmin):
    """Big tables: newest first by id, no column to sort by, a count with an end."""

    ordering = ("-id",)
    sortable_by = ()
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50


class TypeFilter(admin.SimpleListFilter):
    """Types among the newest messages: DISTINCT over the whole log would read all of it."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = MailMessage.objects.for_user(request.user).newest_first()
        codes = set(newest.values_list("message_type", flat=True)[:TYPES_SEEN_IN])
        return sorted((code, type_name(code)) for code in codes)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(message_type=self.value()) if self.value() else queryset


class SinceFilter(admin.SimpleListFilter):
    """By id, which is ordered by time: Django's date hierarchy would read the whole table."""

    title = _("date")
    parameter_name = "since"
    days = {"1": _("Last 24 hours"), "7": _("Last 7 days"), "30": _("Last 30 days")}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(self.days.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if (value := self.value()) not in self.days:
            return queryset
        return queryset.filter(pk__gte=lowest_at(timezone.now() - timedelta(days=int(value))))


class SendAgainForm(ActionForm):
    """Carries what makes a second click on the same page send nothing twice."""

    token = forms.CharField(widget=forms.HiddenInput, required=False, max_length=36, label="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["token"].initial = str(uuid4())


def token_for(message: MailMessage, request: HttpRequest) -> str:
    """The page's token, made one for each message; empty if the form carried none."""
    page = request.POST.get("token") or request.POST.get("CHANGE_FORM-token")
    return f"{page[:36]}:{message.pk}" if page else ""


def signed_in(request: HttpRequest) -> AbstractUser:
    """Who is at work: the admin lets nobody else in."""
    assert request.user.is_authenticated
    return request.user


def answers(delivery: Delivery) -> str:
    """A delivery's attempts, the servers' own words escaped."""
    rows = (
        (timezone.localtime(each.at).strftime("%Y-%m-%d %H:%M:%S"), str(each))
        for each in delivery.attempts.all()
    )
    return format_html_join("", "<div>{} {}</div>", rows) or "–"


class DeliveryInline(ReadOnlyInline):
    model = Delivery
    fields = ("role", "address", "state", "account", "tries", "ended_at", "attempts")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).select_related("account").prefetch_related("attempts")
        return rows.defer("account__password")

    @admin.display(description=_("attempts"))
    def attempts(self, obj: Delivery) -> str:
        return answers(obj)


@admin.register(MailMessage)
class MailMessageAdmin(LogAdmin):
    """Context, addressing and body stay out: they may hold a personal link."""

    panel_list = "maillog:log"
    role = Role.SENDER
    inlines = (DeliveryInline,)
    action_form = SendAgainForm
    actions = ("send_again",)
    refusals = (CannotResend,)
    list_display = ("subject_or_type", "to_text", "type", "shop", "called", "created_at")
    list_filter = (ShopFilter, TypeFilter, "state", SinceFilter)
    list_select_related = ("shop",)
    search_fields = ("search", "message_id")
    search_help_text = _("Subject, recipient, order number or Message-ID")
    fields = (
        *("shop", "type", "called", "reason", "detail", "viewer"),
        *("subject", "to_text", "from_name", "from_address", "reply_to", "account"),
        *("order_number", "message_id", "occurred_at", "created_at", "expires_at"),
        *("recipient_count", "failed_recipients", "is_test", "sensitive", "resend_of"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("context", "addressing", "headers", "search")

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Names of types are looked up once for each shop of the page."""
        changes = super().get_changelist_instance(request)
        rows: list[MailMessage] = list(changes.result_list)
        for shop in {row.shop for row in rows}:
            its = [row for row in rows if row.shop_id == getattr(shop, "pk", None)]
            names = names_of((row.message_type for row in its), shop)
            for row in its:
                row.type_name = names[row.message_type]  # type: ignore[attr-defined]
        changes.result_list = rows
        return changes

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The folded column, which an index serves, or a whole Message-ID."""
        if not (term := search_term.strip()):
            return queryset, False
        bare = term.strip("<>")
        by_id = Q(message_id__in=[bare, f"<{bare}>"])
        return queryset.filter(Q(search__contains=fold(term)) | by_id), False

    @admin.display(description=_("subject"))
    def subject_or_type(self, obj: MailMessage) -> str:
        return obj.subject or self.type(obj)

    @admin.display(description=_("type"))
    def type(self, obj: MailMessage) -> str:
        return getattr(obj, "type_name", "") or type_name(obj.message_type, obj.shop)

    @admin.display(description=_("state"), ordering="state")
    def called(self, obj: MailMessage) -> str:
        return state_text(obj)

    @admin.display(description=_("text"))
    def viewer(self, obj: MailMessage) -> str:
        if obj.sensitive:
            return gettext("It holds a personal link and is not shown.")
        if url := self.panel_url(obj):
            return format_html('<a href="{}">{}</a>', url, gettext("Show it in the panel"))
        return "–"

    def has_send_permission(self, request: HttpRequest) -> bool:
        """The page is read-only, so this asks for the model's own "change"."""
        return ShopScopedAdmin.has_change_permission(self, request)

    @admin.action(
        description=_("Send again"),
        permissions=["send"],
        location=[ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM],
    )
    def send_again(self, request: HttpRequest, queryset: QuerySet[MailMessage]) -> None:
        chosen = list(queryset.defer(None))
        for message in chosen:
            self.check_writable(request, message)
            send_again(message, by=signed_in(request), token=token_for(message, request))
        text = ngettext(
            "%(count)d message sent again.", "%(count)d messages sent again.", len(chosen)
        )
        self.message_user(request, text % {"count": len(chosen)}, messages.SUCCESS)

    def panel_url(self, obj: MailMessage) -> str:
        return twin("maillog:message", obj.shop, message=obj.pk)


@admin.register(Delivery)
class DeliveryAdmin(LogAdmin):
    shop_path = "message__shop"
    fields = (
        *("message", "account", "role", "address", "envelope_to", "state", "reason", "due_at"),
        *("expires_at", "tries", "ever_unknown", "last_answer", "last_reply", "ended_at"),
        "answers",
    )
    readonly_fields = ("answers",)
    list_display = ("address", "role", "state", "message", "tries", "due_at")
    list_filter = (ShopFilter, "state", "role")
    list_select_related = ("message",)
    search_fields = ("address",)

    @admin.display(description=_("attempts"))
    def answers(self, obj: Delivery) -> str:
        return answers(obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """One whole address, which an index serves."""
        term = search_term.strip()
        return (queryset.filter(address=term) if term else queryset), False

    def panel_url(self, obj: Delivery) -> str:
        return twin("maillog:message", obj.message.shop, message=obj.message_id)


@admin.register(Attempt)
class AttemptAdmin(LogAdmin):
    shop_path = "delivery__message__shop"
    list_display = ("at", "answer", "phase", "code", "enhanced", "text", "delivery")
    list_select_related = ("delivery",)


@admin.register(SentKey)
class SentKeyAdmin(LogAdmin):
    list_display = ("cause", "occurrence", "channel", "shop", "created_at")
    list_filter = (ShopFilter,)
    list_select_related = ("shop",)


class SuppressionForm(forms.ModelForm):
    def clean_address(self) -> str:
        try:
            return normalise(self.cleaned_data["address"])
        except EmailAddressInvalid as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


@admin.register(Suppression)
class SuppressionAdmin(ShopScopedAdmin):
    form = SuppressionForm
    role = Role.SENDER
    audited_as = "suppression"
    list_display = ("address", "shop", "reason", "created_at", "expires_at")
    list_filter = (ShopFilter, "reason")
    list_select_related = ("shop",)
    search_fields = ("address",)
    readonly_fields = ("created_at",)
    show_full_result_count = False


@admin.register(MessageBody)
class MessageBodyAdmin(LogAdmin):
    """That there is a body; what it says is shown only in the panel's sandboxed viewer."""

    shop_path = "message__shop"
    ordering = ("-message",)
    fields = ("message",)
    list_display = ("message",)
    list_select_related = ("message",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("html", "text")

    def panel_url(self, obj: MessageBody) -> str:
        return twin("maillog:message", obj.message.shop, message=obj.message_id)


@admin.register(MessageAttachment)
class MessageAttachmentAdmin(LogAdmin):
    shop_path = "message__shop"
    fields = ("message", "name", "content_type")
    list_display = ("name", "content_type", "message")
    list_select_related = ("message",)


@admin.register(AttachmentFile)
class AttachmentFileAdmin(LogAdmin):
    """Shared by all shops, so only operators see them."""

    shop_path = ""
    ordering = ("sha256",)
    fields = ("sha256", "size")
    list_display = ("sha256", "size")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("content")


@admin.register(WorkerBeat)
class WorkerBeatAdmin(ReadOnlyAdmin):
    shop_path = ""
    list_display = ("name", "kind", "started_at", "beat_at", "claimed_at")
