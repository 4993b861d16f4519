"""One change for many messages at once, from the bar under the list."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.generic import View

from templates_tx import assignments
from templates_tx.assignments import BESIDES, INSTEAD, Edit
from templates_tx.bulk import BulkForm, Change, change_of, told
from templates_tx.catalogue import Catalogue, MessageRow, catalogue_of
from templates_tx.views import PAGE, OnMessages


class BulkChange(OnMessages, View):
    """One transaction, one answer, one undo for all ticked rows."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str) -> HttpResponse:
        catalogue = catalogue_of(self.shop)
        form = BulkForm(request.POST, catalogue=catalogue)
        if not form.is_valid():
            return self._say(catalogue, form, 422)
        change = change_of(catalogue, form)
        answer = request.POST.get("answer")
        rival = self._rival(catalogue, change)
        if rival and answer not in (INSTEAD, BESIDES):
            return self._say(catalogue, form, 200, rival)
        return self._store(change, rival if answer == INSTEAD else None)

    def _rival(self, catalogue: Catalogue, change: Change) -> MessageRow | None:
        """A message that would be on beside one that says much the same."""
        if change.rival is None:
            return None
        row = catalogue.row(change.rival)
        return row if row.is_on or change.rival in change.edits else None

    def _store(self, change: Change, off: MessageRow | None) -> HttpResponse:
        """``off``: what is switched off because one of the others takes its place."""
        edits = dict(change.edits)
        if off is not None:
            edits[off.type.code] = Edit({"is_on": False})
        made = assignments.decide(self.shop, edits, self.request.user)
        done = [code for code in made if off is None or code != off.type.code]
        sentences = list(told(change, len(done), self.shop.contact_email))
        if off is not None:
            sentences.insert(1, _("%(name)s is off.") % {"name": off.type.name})
        undo = assignments.undo_token(self.shop, made.values()) if made else ""
        return self.tell(list(made), " ".join(sentences), undo)

    def _say(
        self, catalogue: Catalogue, form: BulkForm, status: int, rival: MessageRow | None = None
    ) -> HttpResponse:
        """What is wrong, or what is to be decided first; what was ticked stays ticked."""
        for row in catalogue.rows:
            row.is_picked = row.type.code in form.picked
        context = self.context(catalogue, bulk=form, rival=rival)
        template = f"{PAGE}#bulk_say" if self.is_htmx else PAGE
        return render(self.request, template, context, status=status)
