"""The panel's page of transactional messages: a list whose rows save at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View

from shops.models import Role, Shop
from shops.scope import ShopScoped
from templates_tx import assignments
from templates_tx.assignments import BESIDES, INSTEAD, TAKES_PLACE_OF, Decision, Edit, Made
from templates_tx.catalogue import (
    FAILING,
    OFF,
    ON,
    OWN,
    Catalogue,
    MessageRow,
    Notice,
    catalogue_of,
)

PAGE = "templates_tx/messages.html"
# What htmx swaps when the answer is not about one row: then every changed row goes along.
FOR_MANY = "bulk-say"
TABS = (
    ("", gettext_lazy("All")),
    (ON, gettext_lazy("On")),
    (OFF, gettext_lazy("Off")),
    (FAILING, gettext_lazy("With failures")),
    (OWN, gettext_lazy("Own")),
)


@dataclass(frozen=True, slots=True)
class Tab:
    show: str
    label: str
    count: int
    is_open: bool


class OnMessages(ShopScoped):
    """What every view of this page needs: the rows, and an answer for htmx or for a browser."""

    needed = Role.EDITOR

    def context(self, catalogue: Catalogue, **more: Any) -> dict[str, Any]:
        asked = {"q": self.request.GET.get("q", ""), "show": self.request.GET.get("show", "")}
        return {
            "shop": self.shop,
            "role": self.role,
            "catalogue": catalogue,
            "sections": catalogue.sections(asked["q"], asked["show"]),
            "tabs": [
                Tab(show, str(label), catalogue.count(show), asked["show"] == show)
                for show, label in TABS
            ],
            "asked": asked,
            "log_url": reverse("maillog:log", args=[self.shop.slug]),
            **more,
        }

    @property
    def is_htmx(self) -> bool:
        return self.request.headers.get("HX-Request") == "true"

    def show(
        self, catalogue: Catalogue, row: MessageRow, *, status: int = 200, **more: Any
    ) -> HttpResponse:
        """The row alone for htmx; the whole page for a browser without it."""
        context = self.context(catalogue, row=row, **more)
        return render(
            self.request, f"{PAGE}#answer" if self.is_htmx else PAGE, context, status=status
        )

    def tell(self, codes: list[str], text: str, undo: str = "") -> HttpResponse:
        """Answers with the first of the changed rows, the others go along; or with all of them."""
        undo_url = ""
        if undo:
            undo_url = reverse("templates_tx:undo", args=[self.shop.slug, undo])
            text = f"{_('Saved.')} {text}"
        for_many = self.request.headers.get("HX-Target") == FOR_MANY
        if not self.is_htmx:
            messages.success(self.request, text, extra_tags=f"undo:{undo_url}" if undo else "")
            return redirect("templates_tx:messages", shop=self.shop.slug)
        catalogue = catalogue_of(self.shop)
        rows = [catalogue.row(code) for code in codes]
        if for_many:
            response = self._all_of(catalogue, rows)
        else:
            rows[0].notice = Notice(text, undo_url)
            response = self.show(catalogue, rows[0], others=rows[1:], changed=True)
        level = "ok" if for_many else "in-row"
        toast = {"text": text, "level": level, **({"undo": undo_url} if undo else {})}
        response["HX-Trigger"] = json.dumps({"postroom:toast": toast})
        return response

    def _all_of(self, catalogue: Catalogue, rows: list[MessageRow]) -> HttpResponse:
        for row in rows:
            row.just_changed = True
        context = self.context(catalogue, others=rows, changed=True)
        return render(self.request, f"{PAGE}#changed", context)


class MessageList(OnMessages, TemplateView):
    template_name = PAGE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | self.context(catalogue_of(self.shop))


class OneMessage(OnMessages, View):
    """One row. A post has all of its fields; what is refused or asked back changes nothing."""

    def get(self, request: HttpRequest, shop: str, code: str) -> HttpResponse:
        if not self.is_htmx:
            return redirect("templates_tx:messages", shop=shop)
        catalogue = catalogue_of(self.shop)
        return self.show(catalogue, row_or_404(catalogue, code))

    def post(self, request: HttpRequest, shop: str, code: str) -> HttpResponse:
        catalogue = catalogue_of(self.shop)
        row = row_or_404(catalogue, code)
        row.form = row.form.with_data(request.POST)
        if not row.form.is_valid():
            return self.show(catalogue, row, status=422)
        edit, answer = row.form.edit, request.POST.get("answer")
        rival = self._rival(catalogue, row, edit.of(row.decision))
        if rival and answer not in (INSTEAD, BESIDES):
            row.question = rival.type
            return self.show(catalogue, row)
        edits = {code: edit}
        if rival and answer == INSTEAD:
            edits[rival.type.code] = Edit({"is_on": False})
        return self._store(catalogue, edits)

    def _rival(self, catalogue: Catalogue, row: MessageRow, wanted: Decision) -> MessageRow | None:
        """The message that is on and says much the same as the one being switched on."""
        code = TAKES_PLACE_OF.get(row.type.code)
        if code is None or row.decision.is_on or not wanted.is_on:
            return None
        rival = catalogue.row(code)
        return rival if rival.decision.is_on else None

    def _store(self, catalogue: Catalogue, edits: dict[str, Edit]) -> HttpResponse:
        made = assignments.decide(self.shop, edits, self.request.user)
        if not made:
            return self.tell(list(edits), _("Nothing was changed."))
        sentences = [
            sentence
            for code, each in made.items()
            for sentence in told(catalogue.row(code), each, self.shop)
        ]
        undo = assignments.undo_token(self.shop, made.values())
        return self.tell(list(edits), " ".join(sentences), undo)


class Undo(OnMessages, View):
    """Puts back what held before a change, for ten minutes after it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str, token: str) -> HttpResponse:
        try:
            edits = assignments.from_undo_token(self.shop, token)
        except BadSignature:
            return self._refuse(_("It is too late to undo this. Change it back by hand."))
        catalogue = catalogue_of(self.shop)
        rows = [(row_or_404(catalogue, code), edit) for code, edit in edits.items()]
        if not all(row.form.offers(edit.of(row.decision).account) for row, edit in rows):
            return self._refuse(_("The account it left from cannot send any more."))
        text = _("Undone.")
        if not assignments.decide(self.shop, edits, request.user):
            text = _("Nothing was changed: it has been changed again since.")
        if request.GET.get("back") == "settings":
            messages.success(request, text)
            first = next(iter(edits))
            return redirect("templates_tx:type_settings", shop=shop, code=first)
        return self.tell(list(edits), text)

    def _refuse(self, text: str) -> HttpResponse:
        messages.error(self.request, text)
        page = reverse("templates_tx:messages", args=[self.shop.slug])
        if self.is_htmx:
            return HttpResponse(status=204, headers={"HX-Redirect": page})
        return redirect(page)


def row_or_404(catalogue: Catalogue, code: str) -> MessageRow:
    try:
        return catalogue.row(code)
    except KeyError:
        raise Http404 from None


def told(row: MessageRow, made: Made, shop: Shop) -> Iterator[str]:
    """What a change means, in sentences."""
    before, wanted, name = made.before, made.after, row.type.name
    if wanted.is_on != before.is_on:
        text = _("%(name)s leaves from now on.") if wanted.is_on else _("%(name)s is off.")
        yield text % {"name": name}
    if wanted.account != before.account:
        yield _("It leaves from %(account)s.") % {"account": row.form.account_words(wanted.account)}
    if wanted.reply_to != before.reply_to:
        yield _("Answers go to %(address)s.") % {
            "address": wanted.reply_to or _("where the account's answers go")
        }
    if wanted.copy_to_owner and not before.copy_to_owner:
        yield _("%(address)s gets a copy of each.") % {"address": shop.contact_email}
    elif before.copy_to_owner and not wanted.copy_to_owner:
        yield _("The owner gets no copy any more.")
