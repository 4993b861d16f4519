"""The panel's pages of message types that a shop makes for itself."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import View

from maillog.models import MailMessage
from shops.models import AuditEntry, Role
from shops.scope import ShopScoped
from templates_tx import own_type_code
from templates_tx.models import (
    MessageTemplate,
    OwnMessageType,
    TemplateAssignment,
    TypeAttachment,
)
from templates_tx.own_type_change import broken_by
from templates_tx.own_type_forms import (
    BaseValues,
    OwnTypeForm,
    ValuesFormSet,
    free_code,
    initial_of,
)
from templates_tx.own_types import as_type, row_of
from templates_tx.setting_lines import one_more

PAGE = "templates_tx/own_type.html"
LINES = "values"


class OnOwnType(ShopScoped, View):
    """What the pages of a new type and of an old one share. ``row`` None: a new one."""

    needed = Role.ADMIN
    row: OwnMessageType | None = None

    def form(self, data: Any = None) -> OwnTypeForm:
        initial = initial_of(self.row) if self.row else None
        return OwnTypeForm(data, shop=self.shop, row=self.row, initial=initial)

    def lines(self, data: Any = None) -> BaseValues:
        initial = list(self.row.fields) if self.row else []
        return cast(BaseValues, ValuesFormSet(data, prefix=LINES, initial=initial))

    def page(self, *, status: int = 200, **forms_of_page: Any) -> HttpResponse:
        context = {
            "shop": self.shop,
            "role": self.role,
            "own": self.row,
            "form": self.form(),
            "lines": self.lines(),
            **(self._for_developers(self.row) if self.row else {}),
            **forms_of_page,
        }
        return render(self.request, PAGE, context, status=status)

    def _for_developers(self, row: OwnMessageType) -> dict[str, Any]:
        return {
            "python": own_type_code.python_for(row),
            "json": own_type_code.json_for(row),
            "command": own_type_code.command_for(row),
            "is_used": is_used(row),
        }

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return self.page()

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if "more" in request.POST:
            lines = self.lines(one_more(request.POST, LINES))
            return self.page(form=self.form(request.POST), lines=lines)
        form, lines = self.form(request.POST), self.lines(request.POST)
        # Both are asked, so that both tell what is wrong.
        if not all([form.is_valid(), lines.is_valid()]):
            return self.page(form=form, lines=lines, status=422)
        return self.store(form, lines)

    def store(self, form: OwnTypeForm, lines: BaseValues) -> HttpResponse:
        raise NotImplementedError


class NewOwnType(OnOwnType):
    def store(self, form: OwnTypeForm, lines: BaseValues) -> HttpResponse:
        row = OwnMessageType(
            shop=self.shop,
            code=free_code(form.cleaned_data["name"], self.shop),
            fields=lines.stored(),
            created_by=cast(Any, self.request.user),
            **form.cleaned_data,
        )
        try:
            with transaction.atomic():
                row.save()
                AuditEntry.note(
                    "own_type.added",
                    shop=self.shop,
                    user=self.request.user,
                    target=row,
                    code=row.code,
                )
        except IntegrityError:
            # Somebody else has made it since the form was checked.
            form.add_error("name", _("There is a message with this name."))
            return self.page(form=form, lines=lines, status=422)
        messages.success(self.request, _("“%(name)s” is made. Now write it.") % {"name": row.name})
        return redirect(editor_url(row) or reverse("templates_tx:own_type", args=args_of(row)))


class OfOwnType(OnOwnType):
    kwargs: dict[str, Any]

    @cached_property
    def row(self) -> OwnMessageType:  # type: ignore[override]
        """The type; 404 where this shop has none with this code."""
        found = row_of(self.kwargs["code"], self.shop)
        if found is None:
            raise Http404
        return found

    def note(self, deed: str, **details: Any) -> None:
        user = self.request.user
        AuditEntry.note(f"own_type.{deed}", shop=self.shop, user=user, target=self.row, **details)

    def back(self) -> HttpResponse:
        return redirect("templates_tx:own_type", *args_of(self.row))


class EditOwnType(OfOwnType):
    """Asks before it makes messages fail."""

    def store(self, form: OwnTypeForm, lines: BaseValues) -> HttpResponse:
        row = self.row
        wanted = {**form.cleaned_data, "fields": lines.stored()}
        changed = [name for name, value in wanted.items() if getattr(row, name) != value]
        if not changed:
            messages.info(self.request, _("Nothing was changed."))
            return self.back()
        as_it_was = as_type(row)
        for name in changed:
            setattr(row, name, wanted[name])
        may_break = "anyway" in self.request.POST
        if not may_break and (broken := broken_by(as_it_was, as_type(row), self.shop)):
            del self.row  # its page shows what is stored
            return self.page(form=form, lines=lines, broken=broken, status=422)
        with transaction.atomic():
            row.save(update_fields=changed)
            self.note("changed", fields=changed)
        messages.success(self.request, _("Saved."))
        return self.back()


class WithdrawOwnType(OfOwnType):
    """Switches between being sent and being kept for the log only."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        row = self.row
        row.is_withdrawn = request.POST.get("withdraw") == "yes"
        with transaction.atomic():
            row.save(update_fields=["is_withdrawn"])
            self.note("withdrawn" if row.is_withdrawn else "brought_back")
        text = (
            _("“%(name)s” is being withdrawn: it is not sent any more.")
            if row.is_withdrawn
            else _("“%(name)s” can be sent again.")
        )
        messages.success(request, text % {"name": row.name})
        return self.back()


class DeleteOwnType(OfOwnType):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        row = self.row
        if is_used(row):
            messages.error(
                request,
                _("The log has messages of this type, so it stays. Withdraw it instead."),
            )
            return self.back()
        with transaction.atomic():
            self.note("deleted")
            # A later type may get the same code: it is not to find any of this.
            for model in (TemplateAssignment, TypeAttachment, MessageTemplate):
                model.objects.filter(shop=self.shop, message_type=row.code).delete()
            row.delete()
        messages.success(request, _("“%(name)s” is deleted.") % {"name": row.name})
        return redirect("templates_tx:messages", shop=self.shop.slug)


def args_of(row: OwnMessageType) -> list[str]:
    return [row.shop.slug, row.code]


def is_used(row: OwnMessageType) -> bool:
    return MailMessage.objects.filter(shop=row.shop_id, message_type=row.code).exists()


def editor_url(row: OwnMessageType) -> str:
    """Where its words are written; empty where this installation has no editor."""
    try:
        return reverse("templates_tx:template", args=[*args_of(row), row.shop.language])
    except NoReverseMatch:
        return ""
