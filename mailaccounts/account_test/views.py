"""The panel's screens of an account's test: begin it, watch it, stop it, and what it led to."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import TemplateView

from mailaccounts.account_test import diagnostics
from mailaccounts.account_test.failures import Deed
from mailaccounts.account_test.report import Report, latest_report, report_of
from mailaccounts.condition import condition_of
from mailaccounts.fields import one_address
from mailaccounts.models import AccountTest, SenderAccount, TestState
from mailaccounts.views import AccountScoped
from shops.models import AuditEntry

PREVIOUS = 10


class TestScoped(AccountScoped):
    """Screens about the tests of one account."""

    __test__ = False

    def test_of(self, account: SenderAccount) -> AccountTest | None:
        """The one named by ``?run=``, else the latest."""
        run = self.request.GET.get("run", "")
        if not run:
            return account.tests.first()
        try:
            return get_object_or_404(account.tests, pk=UUID(run))
        except ValueError:
            raise Http404 from None

    def page_url(self, account: SenderAccount) -> str:
        return reverse(
            "mailaccounts:account_test", kwargs={"shop": self.shop.slug, "pk": account.pk}
        )

    @property
    def is_htmx(self) -> bool:
        return self.request.headers.get("HX-Request") == "true"

    @property
    def is_list(self) -> bool:
        """True if the asking page is the list, which shows the account's state too."""
        return urlsplit(self.request.headers.get("HX-Current-URL", "")).path == self.list_url

    def refuse(self, account: SenderAccount, text: str) -> HttpResponse:
        """Says why not, and leaves the page as it is."""
        if self.is_htmx:
            toast = {"postroom:toast": {"text": text, "level": "bad"}}
            return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(toast)})
        messages.error(self.request, text)
        return redirect(self.page_url(account))

    def begin(self, account: SenderAccount, to: str) -> HttpResponse:
        """A second click finds the test that is running, and shows it."""
        try:
            test, _is_new = diagnostics.start(account, to, self.request.user)
        except diagnostics.TooManyTests as refusal:
            return self.refuse(account, str(refusal))
        return self.answer(account, report_of(test, account))

    def answer(self, account: SenderAccount, report: Report | None) -> HttpResponse:
        """The row of the list for htmx, the page for a browser without it."""
        if not self.is_htmx or report is None:
            return redirect(self.page_url(account))
        if self.is_list and report.test.state == TestState.CANCELLED:
            return self.fold(account)
        if self.request.headers.get("HX-Target") == f"test-{account.pk}":
            template = "mailaccounts/parts/test_row.html"
        else:
            template = "mailaccounts/parts/test_live.html"
        context = {"report": report, "account": account, "shop": self.shop, "opened": True}
        return render(self.request, template, context)

    def fold(self, account: SenderAccount) -> HttpResponse:
        """The list's row of a cancelled test closes, and a passing word says why."""
        context = {"account": account, "shop": self.shop, "opened": False}
        answer = render(self.request, "mailaccounts/parts/test_row.html", context)
        answer["HX-Retarget"], answer["HX-Reswap"] = f"#test-{account.pk}", "outerHTML"
        toast = {"postroom:toast": {"text": _("The test was cancelled"), "level": "ok"}}
        answer["HX-Trigger"] = json.dumps(toast)
        return answer


class TestPage(TestScoped, TemplateView):
    """The latest test, or with ``?run=`` another one; works without scripts."""

    template_name = "mailaccounts/account_test.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        account = self.account(self.kwargs["pk"])
        test = self.test_of(account)
        previous = [report_of(each, account) for each in account.tests.all()[:PREVIOUS]]
        return {
            **super().get_context_data(**kwargs),
            "account": account,
            "report": report_of(test, account) if test else None,
            "previous": previous if len(previous) > 1 else [],
        }


class TestLive(TestScoped, View):
    """What is new since ``?seen=``; 204 if nothing is."""

    def get(self, request: HttpRequest, shop: str, pk: int) -> HttpResponse:
        account = self.account(pk)
        test = self.test_of(account)
        if test is None:
            raise Http404
        report = report_of(test, account)
        if not self.is_htmx:
            return redirect(self.page_url(account))
        if request.GET.get("seen") == report.version:
            return HttpResponse(status=204)
        if self.is_list and test.state == TestState.CANCELLED:
            return self.fold(account)
        context = {"report": report, "account": account, "shop": self.shop, "is_news": True}
        if not report.is_going and self.is_list:
            context["condition"] = condition_of(account)
        return render(request, "mailaccounts/parts/test_live.html", context)


class TestStart(TestScoped, View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str, pk: int) -> HttpResponse:
        account = self.account(pk)
        try:
            to = one_address(request.POST.get("to", "").strip() or account.from_address)
        except ValidationError as refusal:
            return self.refuse(account, " ".join(refusal.messages))
        return self.begin(account, to)


class TestCancel(TestScoped, View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str, pk: int) -> HttpResponse:
        account = self.account(pk)
        test = self.test_of(account)
        if test is not None:
            diagnostics.cancel(test)
        return self.answer(account, latest_report(account))


class IgnoreCertificate(TestScoped, View):
    """After a test that failed by the server's certificate, and only then: go on without it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, shop: str, pk: int) -> HttpResponse:
        account = self.account(pk)
        report = latest_report(account)
        if report is None or report.offers != Deed.IGNORE_CERTIFICATE:
            text = _("Certificate errors can be ignored only after a test has failed by them.")
            return self.refuse(account, text)
        with transaction.atomic():
            SenderAccount.objects.filter(pk=account.pk).update(ignore_certificate_errors=True)
            AuditEntry.note(
                "account.changed",
                shop=account.shop,
                user=request.user,
                target=account,
                fields=["ignore_certificate_errors"],
            )
        return self.begin(account, report.test.to_address)
