"""The editor's page: writing, checking while typing, the preview, saving."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import View

from maillog.views.content import own_pictures
from shops.sealed import LOCKED, sealed
from templates_tx.editor import drafts, palette
from templates_tx.editor.drafts import Overtaken, Writer
from templates_tx.editor.exchange import orders_sentence
from templates_tx.editor.forms import WordsForm
from templates_tx.editor.ordering import newest
from templates_tx.editor.previewing import forget, remember
from templates_tx.editor.scope import OnTemplate
from templates_tx.editor.showing import Showing, note_url
from templates_tx.models import TemplateVersion
from templates_tx.saving import OrdersFail, Refused, checked, store

PAGE = "templates_tx/editor/page.html"
# What of the page an answer to a check replaces, each by its id.
PARTS = ("standing", "save", "kept", "bar", "advice", "envelope", "mail_text", "conflict")
VIEWS = ("desktop", "phone", "text")


class OnWords(OnTemplate, View):
    """What the views of the page share: its context, and the form that was sent."""

    def form_of_desk(self) -> WordsForm:
        desk = self.desk
        return WordsForm.of(
            desk.sources,
            began_from=desk.draft.began_from if desk.draft else desk.number,
            seen=desk.draft.saved_at.isoformat() if desk.draft else "",
        )

    def page(
        self, form: WordsForm, showing: Showing, status: int = 200, **more: Any
    ) -> HttpResponse:
        desk, asked = self.desk, self.request.GET.get("as", "")
        contract = self.type.contract
        context = {
            "shop": self.shop,
            "role": self.role,
            "desk": desk,
            "form": form,
            "showing": showing,
            "groups": [] if desk.is_locked else palette.groups(contract),
            "variables": palette.completions(contract, desk.language),
            "filters": palette.filters(),
            "problems": [each.as_data() for each in showing.named],
            "shown_as": asked if asked in VIEWS else "desktop",
            "note_url": note_url(self.shop, self.type),
            **more,
        }
        return render(self.request, PAGE, context, status=status)

    def sent_form(self) -> WordsForm:
        """Raises ``Http404`` where there is nothing of the shop's own to write in."""
        if self.desk.is_locked:
            raise Http404
        return WordsForm(self.request.POST)

    def keep(self, form: WordsForm, writer: Writer) -> None:
        """As the draft, unless nothing was changed."""
        assert self.desk.own is not None
        changed = form.sources != self.desk.sources
        if changed or (self.desk.draft and self.desk.draft.began_from != writer.began_from):
            drafts.keep(self.desk.own, form.sources, writer)
            del self.desk  # read anew: it has a draft now

    def keep_unless_overtaken(self, form: WordsForm) -> Overtaken | None:
        """Who was quicker, if somebody was. Beside a version of theirs the draft is kept all the
        same; a draft of theirs is never written over unasked. ``overwrite`` says which of the two
        the writer has read of and goes on: a ``draft``, or else a version."""
        given, asked = form.cleaned_data, self.request.POST.get("overwrite", "")
        writer = Writer(self.person, given["page"], given["began_from"] or 0, given["seen"])
        newest = replace(writer, began_from=self.desk.number)
        try:
            if asked != "draft":
                drafts.look_for_draft(self.desk, writer)
            if asked in ("", "draft"):
                drafts.look_for_version(self.desk, writer)
        except Overtaken as overtaken:
            if overtaken.number:
                self.keep(form, writer)
            return overtaken
        self.keep(form, newest)
        return None

    def unreadable(self, form: WordsForm) -> HttpResponse:
        """A part that is too long: it is said, and what was typed stays on the page."""
        return self.page(form, Showing(self.desk, self.desk.sources), status=422)


class EditorPage(OnWords):
    """GET shows the draft, or the words that are live; POST saves a new version."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        showing = Showing(self.desk, self.desk.sources, request.GET.get("order", ""))
        return self.page(self.form_of_desk(), showing, overtaken=drafts.overtaken(self.desk))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = self.sent_form()
        if not form.is_valid():
            return self.unreadable(form)
        # As the writer has seen it: once the draft is kept, the desk is read anew.
        number = self.desk.number
        if overtaken := self.keep_unless_overtaken(form):
            return self._refused(form, overtaken=overtaken)
        try:
            version = self._save(form, number, request.POST.get("save") == "anyway")
        except Overtaken as overtaken:
            return self._refused(form, overtaken=overtaken)
        except OrdersFail as failing:
            return self._refused(form, failing=orders_sentence(failing), dry_run=failing.dry_run)
        except Refused as refused:
            return self._refused(form, refused=refused.problems)
        forget(self.desk)
        text = _("Version %(number)d is saved. Customers get it from now on.")
        if version.number == number:
            text = _("Nothing was changed in version %(number)d. Customers get it.")
        messages.success(request, text % {"number": version.number})
        return self.back()

    def _save(self, form: WordsForm, number: int, anyway: bool) -> TemplateVersion:
        """Raises ``Overtaken`` for a version after ``number``, and ``Refused``."""
        language = self.desk.language
        words = checked(form.sources, self.shop, self.type, language, even_if_orders_fail=anyway)
        with transaction.atomic():
            return store(drafts.locked(self.desk, number), words, self.person)

    def _refused(self, form: WordsForm, **why: Any) -> HttpResponse:
        given = form.cleaned_data
        return self.page(form, Showing(self.desk, form.sources, given["order"]), 422, **why)


class Check(OnWords):
    """Keeps what is typed as the draft, whatever its faults, and says what is wrong with it.

    The page's script gets the parts of the page that change; a browser without it the whole page.
    """

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = self.sent_form()
        if not form.is_valid():
            if self.wants_json:
                return JsonResponse({"trouble": form.trouble}, status=422)
            return self.unreadable(form)
        overtaken = self.keep_unless_overtaken(form)
        showing = Showing(self.desk, form.sources, form.cleaned_data["order"])
        if showing.look and showing.look.is_current and not overtaken:
            remember(self.desk, form.sources)
        if self.wants_json:
            return JsonResponse(self._answer(showing, overtaken))
        if overtaken:
            return self.page(form, showing, 409, overtaken=overtaken)
        return self.back()

    @property
    def wants_json(self) -> bool:
        return self.request.headers.get("Accept") == "application/json"

    def _answer(self, showing: Showing, overtaken: Overtaken | None) -> dict[str, Any]:
        context = {
            "shop": self.shop,
            "desk": self.desk,
            "showing": showing,
            "overtaken": overtaken,
        }
        draft = self.desk.draft
        is_kept = overtaken is None or overtaken.number > 0
        return {
            "parts": {
                name: render_to_string(f"{PAGE}#{name}", context, self.request) for name in PARTS
            },
            "problems": [each.as_data() for each in showing.named],
            "frame": showing.frame_url if showing.look else "",
            "seen": draft.saved_at.isoformat() if draft and is_kept else "",
            "isKept": is_kept,
            "inOrder": showing.is_in_order,
        }


class Preview(OnWords):
    """The mail in a frame of its own, under a policy of its own, as mails in the log are."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        showing = Showing(self.desk, self.desk.sources, request.GET.get("order", ""))
        pictures = f"data: {' '.join(own_pictures(request))}"
        if "pictures" in request.GET:
            pictures = "data: http: https:"
        response = HttpResponse(showing.look.mail.html if showing.look else "")
        response["Content-Security-Policy"] = (
            f"{LOCKED}; img-src {pictures}; style-src 'unsafe-inline'; frame-ancestors 'self'"
        )
        response["X-Frame-Options"] = "SAMEORIGIN"
        response["X-DNS-Prefetch-Control"] = "off"
        return sealed(response)


class Orders(OnTemplate, View):
    """The orders that are found by ``q``, for the list above the preview."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        found = newest(self.shop, request.GET.get("q", "")) if self.desk.shows_orders else []
        context = {"shop": self.shop, "orders": found}
        return render(request, f"{PAGE}#orders", context)
