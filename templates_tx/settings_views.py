"""The panel's page of one message type: everything that a shop decides about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import View

from mailaccounts.models import SenderAccount
from shops.file_size import in_words
from shops.models import Role
from shops.scope import ShopScoped
from templates_tx import assignments
from templates_tx.assignments import INSTEAD, TAKES_PLACE_OF, Edit, Made, decision_of, rows_of
from templates_tx.catalogue import MessageRow, row_of
from templates_tx.condition_words import delay_in_words, stored_in_words
from templates_tx.file_forms import FileForm
from templates_tx.files import Together, files_of
from templates_tx.message_types import SECTION_NAMES, MessageType, To, UnknownMessageType
from templates_tx.models import MessageTemplate
from templates_tx.own_types import find
from templates_tx.receivers import SAYS_WHEN
from templates_tx.setting_forms import (
    BaseRules,
    RulesFormSet,
    SettingsForm,
    rules_initial,
)
from templates_tx.setting_lines import one_more
from templates_tx.views import told

PAGE = "templates_tx/type_settings.html"
LINES = "rules"
# Which state has changed where a message is about a change; no other knows what was before.
CHANGES = {
    **{code: field for (field, _value), code in SAYS_WHEN.items()},
    "order.paid": "payment_state",
    "order.shipped": "delivery_state",
}
# To the shop, and about an order all the same: what happened to the order decides on it too.
ABOUT_ORDERS = ("staff.new_order",)


def takes_conditions(message_type: MessageType) -> bool:
    return message_type.to == To.BUYER or message_type.code in ABOUT_ORDERS


@dataclass(frozen=True, slots=True)
class Note:
    """The note in one language. ``hidden_by``: the shop's own template there does not show it."""

    language: str
    name: str
    field: forms.BoundField
    own: MessageTemplate | None

    @property
    def hidden_by_own(self) -> bool:
        version = self.own.current if self.own else None
        return version is not None and "shop.note" not in version.html_source + version.text


class OneType(ShopScoped):
    """What every view of this page needs: the message type as the shop has set it up."""

    needed = Role.EDITOR
    kwargs: dict[str, Any]

    @cached_property
    def row(self) -> MessageRow:
        """The type and the shop's decision; 404 where there is no such type."""
        try:
            message_type = find(self.kwargs["code"], self.shop)
        except UnknownMessageType:
            raise Http404 from None
        accounts = list(SenderAccount.objects.for_shop(self.shop).defer("password"))
        return row_of(message_type, rows_of(self.shop).get(message_type.code), accounts)

    @property
    def url(self) -> str:
        return reverse("templates_tx:type_settings", args=[self.shop.slug, self.row.type.code])

    @cached_property
    def rival(self) -> MessageType | None:
        """What is on and says much the same, while this one is off."""
        code = TAKES_PLACE_OF.get(self.row.type.code)
        if code is None or self.row.decision.is_on:
            return None
        rival = find(code, self.shop)
        return rival if decision_of(rival, rows_of(self.shop).get(code)).is_on else None

    def form(self, data: Any = None) -> SettingsForm:
        return SettingsForm(data, row=self.row, shop=self.shop, rival=self.rival)

    def lines(self, data: Any = None) -> BaseRules | None:
        """The conditions; None for a message that is not about an order."""
        if not takes_conditions(self.row.type):
            return None
        lines = RulesFormSet(
            data,
            prefix=LINES,
            initial=rules_initial(self.row.decision.conditions),
            form_kwargs={"changes": CHANGES.get(self.row.type.code, "")},
        )
        return cast(BaseRules, lines)

    def page(self, *, status: int = 200, **forms_of_page: Any) -> HttpResponse:
        """The page; ``form``, ``lines`` and ``file_form`` where they were filled in."""
        context: dict[str, Any] = {
            "shop": self.shop,
            "role": self.role,
            "row": self.row,
            "form": self.form(),
            "lines": self.lines(),
            "file_form": FileForm(row=self.row),
            **forms_of_page,
        }
        return render(self.request, PAGE, context | self._told(context["form"]), status=status)

    def _told(self, form: SettingsForm) -> dict[str, Any]:
        """What the page says beside its forms."""
        decision, section = self.row.decision, SECTION_NAMES[self.row.type.section]
        own = self._own_templates()
        files = files_of(self.shop, self.row.type.code)
        return {
            "section": section[0],
            "notes": [Note(*each, own.get(each[0])) for each in form.note_fields()],
            "own_templates": own,
            "in_words": stored_in_words(decision.conditions),
            "delay_in_words": delay_in_words(decision.delay_minutes),
            "about_a_change": self.row.type.code in CHANGES,
            "files": [(each, in_words(each.file.size)) for each in files],
            "together": Together(files),
        }

    def _own_templates(self) -> dict[str, MessageTemplate]:
        """Language → the shop's own template, where it is in use."""
        rows = MessageTemplate.objects.for_shop(self.shop).filter(
            message_type=self.row.type.code, in_use=True
        )
        found = rows.exclude(current=None).select_related("current").defer("current__html")
        return {row.language: row for row in found}


class TypeSettings(OneType, View):
    def get(self, request: HttpRequest, shop: str, code: str) -> HttpResponse:
        return self.page()

    def post(self, request: HttpRequest, shop: str, code: str) -> HttpResponse:
        if "more" in request.POST:
            return self.page(
                form=self.form(request.POST), lines=self.lines(one_more(request.POST, LINES))
            )
        form, lines = self.form(request.POST), self.lines(request.POST)
        if not form.is_valid() or (lines is not None and not lines.is_valid()):
            return self.page(form=form, lines=lines, status=422)
        conditions = None if lines is None else [rule.stored() for rule in lines.rules()]
        edits = {code: form.edit(conditions)}
        is_on = edits[code].of(self.row.decision).is_on
        if self.rival and form.cleaned_data.get("answer") == INSTEAD and is_on:
            edits[self.rival.code] = Edit({"is_on": False})
        self._store(edits)
        return redirect(self.url)

    def _store(self, edits: dict[str, Edit]) -> None:
        made = assignments.decide(self.shop, edits, self.request.user)
        if not made:
            messages.info(self.request, _("Nothing was changed."))
            return
        token = assignments.undo_token(self.shop, made.values())
        undo = reverse("templates_tx:undo", args=[self.shop.slug, token])
        sentences = list(self._sentences(made))
        messages.success(
            self.request,
            " ".join([_("Saved."), *sentences]),
            extra_tags=f"undo:{undo}?back=settings",
        )

    def _sentences(self, made: dict[str, Made]) -> Iterator[str]:
        if mine := made.get(self.row.type.code):
            yield from self._about(mine)
        if self.rival and self.rival.code in made:
            yield _("%(name)s is off.") % {"name": self.rival.name}

    def _about(self, made: Made) -> Iterator[str]:
        before, wanted = made.before, made.after
        yield from told(self.row, made, self.shop)
        if wanted.delay_minutes != before.delay_minutes:
            yield _("It leaves %(when)s.") % {"when": delay_in_words(wanted.delay_minutes)}
        if wanted.conditions != before.conditions:
            yield stored_in_words(wanted.conditions) or _("It has no conditions any more.")
        if wanted.notes != before.notes:
            yield _("Your note has changed.")
