"""What every page of the admin keeps to: a member of staff sees and touches only their shops.

Django's permissions say what somebody may do, their membership says where and up to which role.
Superusers (operators) see every shop.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from shops.models import AuditEntry, Role, Shop
from shops.models.people import role_in

MOST_COUNTED = 10_000


def twin(name: str, shop: Shop | None, **kwargs: Any) -> str:
    """Address of the panel's page ``name``; empty if there is none."""
    if shop is None:
        return ""
    try:
        return reverse(name, kwargs={"shop": shop.slug, **kwargs})
    except NoReverseMatch:
        return ""


def writable_shops(user: Any, role: Role) -> QuerySet[Shop]:
    """Shops in which ``user`` has at least ``role``."""
    if user.is_superuser:
        return Shop.objects.all()
    enough = [each for each in Role if each.covers(role)]
    return Shop.objects.filter(memberships__user_id=user.pk, memberships__role__in=enough)


class CappedPaginator(Paginator):
    """Counts at most ``MOST_COUNTED`` rows: an exact count of a big table takes seconds."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted: int = rows.order_by()[:MOST_COUNTED].count()
        return counted


class ShopFilter(admin.SimpleListFilter):
    """Shops that the reader may see; the path to the shop is the admin class's."""

    title = _("shop")
    parameter_name = "shop"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.path = model_admin.shop_path
        return [(str(each.pk), each.name) for each in Shop.objects.for_user(request.user)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        if self.value() in {key for key, _name in self.lookup_choices}:
            return queryset.filter(**{self.path: self.value()})
        return queryset


class OneShopForm(forms.ModelForm):
    """Refuses what belongs to another shop than the row itself."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        shop = cleaned.get("shop") or getattr(self.instance, "shop", None)
        for name, value in list(cleaned.items()):
            other = getattr(value, "shop_id", None) if isinstance(value, Model) else None
            if shop is not None and other is not None and other != shop.pk:
                self.add_error(name, _("This belongs to another shop."))
        return cleaned


class ShopScopedAdmin(admin.ModelAdmin):
    """Base of every admin class. ``shop_path`` leads from the model to its shop; where it is
    empty only superusers see the rows. ``role`` is what it takes to change one."""

    shop_path: ClassVar[str] = "shop"
    role: ClassVar[Role] = Role.ADMIN
    # How the audit names this model's rows; empty where saving notes it by itself.
    audited_as: ClassVar[str] = ""
    refusals: ClassVar[tuple[type[Exception], ...]] = ()
    # URL name of the panel's list of the same rows.
    panel_list: ClassVar[str] = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        if not self.shop_path:
            return rows.none()
        return rows.filter(**{f"{self.shop_path}__in": Shop.objects.for_user(request.user)})

    def shop_of(self, obj: Any) -> Shop | None:
        for name in filter(None, self.shop_path.split("__")):
            obj = getattr(obj, name, None)
        return obj if isinstance(obj, Shop) else None

    def may_write(self, request: HttpRequest, obj: Any) -> bool:
        if request.user.is_superuser:
            return True
        shop = self.shop_of(obj)
        role = role_in(request.user, shop) if shop is not None and shop.pk else None
        return role is not None and role.covers(self.role)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or self.may_write(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or self.may_write(request, obj))

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if (rows := self.choices_for(db_field, request)) is not None:
            kwargs.setdefault("queryset", rows)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def choices_for(self, db_field: ForeignKey[Any, Any], request: HttpRequest) -> Any:
        """Rows that may be chosen: of one's own shops, or None for what belongs to no shop."""
        model: Any = db_field.related_model
        if model is Shop:
            return writable_shops(request.user, self.role)
        for_user = getattr(model._default_manager, "for_user", None)
        return for_user(request.user) if for_user else None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.check_writable(request, obj)
        super().save_model(request, obj, form, change)
        self.note(request, obj, "changed" if change else "added", fields=sorted(form.changed_data))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.check_writable(request, obj)
        self.note(request, obj, "deleted")
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def check_writable(self, request: HttpRequest, obj: Any) -> None:
        """The last gate before every write: a list's inline form asks nobody else."""
        if not self.may_write(request, obj):
            raise PermissionDenied

    def note(self, request: HttpRequest, obj: Any, deed: str, **details: Any) -> None:
        if self.audited_as:
            AuditEntry.note(
                f"{self.audited_as}.{deed}",
                shop=self.shop_of(obj),
                user=request.user,
                target=obj,
                **details,
            )

    def panel_url(self, obj: Any) -> str:
        """Address of this row's page in the panel; empty if it has none."""
        return ""

    def panel_list_url(self, request: HttpRequest) -> str:
        """Address of the panel's list, where the admin's list shows one shop only."""
        shops = Shop.objects.for_user(request.user)
        if (chosen := request.GET.get(ShopFilter.parameter_name, "")).isdecimal():
            shops = shops.filter(pk=chosen)
        found = list(shops[:2]) if self.panel_list else []
        return twin(self.panel_list, found[0]) if len(found) == 1 else ""

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        return (self.panel_url(obj) or None) if obj is not None else None

    # A refusal of the functions that do the work undoes the whole request and is told in words.

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except self.refusals as refusal:
            return self._refused(request, refusal)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except self.refusals as refusal:
            return self._refused(request, refusal)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"panel_url": self.panel_list_url(request), **(extra_context or {})}
        try:
            with transaction.atomic():
                return super().changelist_view(request, context)
        except self.refusals as refusal:
            return self._refused(request, refusal)

    def _refused(self, request: HttpRequest, refusal: Exception) -> HttpResponse:
        self.message_user(request, str(refusal), messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())


class ReadOnly:
    """Mixin: whoever may see these rows may not change them here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, ShopScopedAdmin):
    """Rows that are looked at and never edited here."""


class ReadOnlyInline(ReadOnly, admin.TabularInline):
    """Rows of a log beside their owner."""

    extra = 0
    can_delete = False
    show_change_link = False
