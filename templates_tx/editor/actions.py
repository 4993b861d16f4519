"""What is done with a template besides writing it: copy, discard, use, send. POST only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from templates_tx.editor import drafts
from templates_tx.editor.forms import WordsForm
from templates_tx.editor.previewing import forget
from templates_tx.editor.sending import CannotSend, send_to
from templates_tx.editor.showing import Showing
from templates_tx.editor.views import OnWords
from templates_tx.problems import Sources
from templates_tx.saving import own_template, set_in_use


class Copy(OnWords):
    """Begins the shop's own words with a copy of the built-in ones."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if self.desk.is_locked:
            own_template(self.shop, self.type, self.desk.language, self.person)
        return self.back()


class Discard(OnWords):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if self.desk.draft:
            forget(self.desk)
            drafts.discard(self.desk)
            messages.success(request, _("The draft is discarded."))
        return self.back()


class Use(OnWords):
    """Which words customers get: the shop's own, or the built-in ones. Can be undone."""

    http_method_names = ["post"]
    own = True

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        desk = self.desk
        if desk.own is None or desk.own.current is None:
            raise Http404
        if not self.own and desk.built_in is None:
            messages.error(request, _("There are no built-in words in this language."))
            return self.back()
        set_in_use(desk.own, self.own, self.person)
        text = (
            _("Customers get your own words from now on.")
            if self.own
            else _("Customers get the built-in words from now on.")
        )
        undo = self.url("use_built_in" if self.own else "use_own")
        messages.success(request, text, extra_tags=f"undo:{undo}")
        return self.back()


class SendMe(OnWords):
    """Sends what is on the page to the one who looks at it; what was typed is kept as the draft."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if self.desk.is_locked:
            return self._send(self.form_of_desk(), self.desk.sources)
        form = self.sent_form()
        if not form.is_valid():
            return self.unreadable(form)
        if overtaken := self.keep_unless_overtaken(form):
            return self.page(form, self._showing(form.sources), 409, overtaken=overtaken)
        return self._send(form, form.sources)

    def _send(self, form: WordsForm, sources: Sources) -> HttpResponse:
        showing = self._showing(sources)
        try:
            message = send_to(self.person, sources, showing.setting)
        except CannotSend as reason:
            return self.page(form, showing, 422, trouble=str(reason))
        log = reverse("maillog:message", args=[self.shop.slug, message.pk])
        text = _("Sent to %(address)s.") % {"address": message.to_text}
        link = format_html('{} <a href="{}">{}</a>', text, log, _("See it in the log"))
        messages.success(self.request, link)
        return self.back()

    def _showing(self, sources: Sources) -> Showing:
        return Showing(self.desk, sources, self.request.POST.get("order", "")[:60])
