"""The versions of a template: who saved what and when, what it changed, and the way back to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import View

from templates_tx.dry_run import sources_of
from templates_tx.editor.desk import person_name
from templates_tx.editor.exchange import orders_sentence
from templates_tx.editor.scope import OnTemplate
from templates_tx.editor.versions import compare
from templates_tx.models import TemplateVersion
from templates_tx.problems import Sources
from templates_tx.saving import OrdersFail, Refused, restore

SHOWN = 100
BEFORE, LIVE, DRAFT = "before", "live", "draft"


class OnVersions(OnTemplate, View):
    def found(self, number: int) -> TemplateVersion:
        """Raises ``Http404``."""
        if self.desk.own is None:
            raise Http404
        rows = self.desk.own.versions.select_related("created_by").defer("html")
        found = rows.filter(number=number).first()
        if found is None:
            raise Http404
        return found

    def show(self, name: str, status: int = 200, **more: Any) -> HttpResponse:
        context = {"shop": self.shop, "role": self.role, "desk": self.desk, **more}
        return render(self.request, f"templates_tx/editor/{name}.html", context, status=status)


class Versions(OnVersions):
    """The shop's own, newest first."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if self.desk.own is None:
            return self.show("versions", versions=[])
        rows = self.desk.own.versions.select_related("created_by")
        found = rows.only("number", "created_at", "subject", "created_by")[:SHOWN]
        return self.show("versions", versions=[(row, person_name(row.created_by)) for row in found])


class Version(OnVersions):
    """What one version changed: against the one before it, against what is live, or the draft."""

    def get(self, request: HttpRequest, number: int, **kwargs: Any) -> HttpResponse:
        version = self.found(number)
        against = request.GET.get("against", BEFORE)
        before, after, label = self._sides(version, against)
        return self.show(
            "version",
            version=version,
            who=person_name(version.created_by),
            against=against,
            label=label,
            parts=compare(before, after),
        )

    def _sides(self, version: TemplateVersion, against: str) -> tuple[Sources, Sources, str]:
        """What is compared, and the words that say so."""
        sources, desk = sources_of(version), self.desk
        live = desk.live.current if desk.live else None
        if against == DRAFT and desk.draft:
            return sources, sources_of(desk.draft), _("What the draft changes in this version")
        if against == LIVE and live:
            return sources, sources_of(live), _("What the words that are live change in it")
        assert desk.own is not None
        earlier = desk.own.versions.filter(number__lt=version.number).first()
        if earlier is not None:
            label = _("What it changed in version %(number)d") % {"number": earlier.number}
            return sources_of(earlier), sources, label
        return desk.pattern, sources, _("What it changed in the words it began with")


class Restore(OnVersions):
    """The words of an earlier version become a new one, checked like every other."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, number: int, **kwargs: Any) -> HttpResponse:
        version = self.found(number)
        try:
            made = restore(version, self.person)
        except OrdersFail as failing:
            messages.error(request, f"{_('Not restored.')} {orders_sentence(failing)}")
        except Refused as refused:
            first = refused.problems[0].message if refused.problems else ""
            messages.error(
                request, _("Not restored, it does not fit any more: %(why)s") % {"why": first}
            )
        else:
            text = _("Version %(old)d is back, as version %(new)d.")
            messages.success(request, text % {"old": version.number, "new": made.number})
        return self.back()
