"""The screens of domains: the list, the SPF doctor with DKIM and DMARC, and their buttons."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import TemplateView

from mailaccounts import domain_pages, domain_work, technician
from mailaccounts.dkim import drop_new_key, make_key
from mailaccounts.dns import update, update_settings
from mailaccounts.models import SenderDomain
from mailaccounts.technician_form import AskForm
from shops.models import AuditEntry, Role
from shops.scope import ShopScoped


class DomainScoped(ShopScoped):
    """For those who may work on accounts."""

    needed = Role.ACCOUNTS

    def domain(self, pk: int) -> SenderDomain:
        found = get_object_or_404(SenderDomain.objects.for_shop(self.shop), pk=pk)
        found.shop = self.shop
        return found

    def back(self, domain: SenderDomain) -> HttpResponse:
        """The part of the page that shows how it goes, or without htmx the page."""
        if self.request.headers.get("HX-Request"):
            return render(self.request, "mailaccounts/parts/domain_report.html", self.page(domain))
        return redirect("mailaccounts:domain", shop=self.shop.slug, pk=domain.pk)

    def page(self, domain: SenderDomain) -> dict[str, Any]:
        spf = domain_pages.spf_card(domain)
        return {
            "shop": self.shop,
            "role": self.role,
            "domain": domain,
            "work": domain_work.going_on(domain),
            "spf": spf,
            "lookups": domain_pages.lookups_of(spf.report),
            "dkim": domain_pages.dkim_card(domain),
            "dmarc": domain_pages.dmarc_card(domain),
            "place": domain_pages.place_of(domain),
            "servers": domain_pages.servers_of(domain),
            "may_publish": self.may_publish(domain),
            "plan": domain_work.plan_of(domain),
            "to_send": technician.Matter(self.shop, domain=domain).has_wishes,
        }

    def may_publish(self, domain: SenderDomain) -> bool:
        """True if the domain lies in a zone that these people may change from here."""
        zone = update.zone_of(domain.domain)
        if zone is None:
            return False
        is_operator = bool(getattr(self.request.user, "is_superuser", False))
        return is_operator or update_settings.staff_may_publish(zone, self.shop)


class DomainList(DomainScoped, TemplateView):
    template_name = "mailaccounts/domains.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = domain_pages.rows_of(self.shop)
        counts = domain_pages.tabs_of(self.shop)
        return {**super().get_context_data(**kwargs), "rows": rows, "tabs": counts}


class DomainPage(DomainScoped, TemplateView):
    template_name = "mailaccounts/domain.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        domain = self.domain(self.kwargs["pk"])
        ask = {"form": AskForm(), "matter": technician.Matter(self.shop, domain=domain)}
        return {**super().get_context_data(**kwargs), **self.page(domain), **ask}


class DomainState(DomainScoped, View):
    """How the background work goes; the page asks every second while there is any.

    Until something new is to be seen only the line with the seconds changes: whoever reads or
    works on the page meanwhile is not disturbed.
    """

    http_method_names = ["get", "options"]

    def get(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        domain = self.domain(pk)
        work = domain_work.going_on(domain)
        if work is not None and work.is_late == ("late" in request.GET):
            context = {"shop": self.shop, "domain": domain, "work": work}
            return render(request, "mailaccounts/parts/domain_progress.html", context)
        context = {**self.page(domain), "is_part": True}
        answer = render(request, "mailaccounts/parts/domain_report.html", context)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#report", "outerHTML"
        return answer


class DomainDeed(DomainScoped, View):
    http_method_names = ["post", "options"]


class CheckNew(DomainDeed):
    """A domain of the shop's accounts that nobody has looked at yet."""

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        names = {row.name for row in domain_pages.rows_of(self.shop)}
        name = request.POST.get("domain", "")
        if name not in names:
            raise Http404
        domain, _made = SenderDomain.objects.get_or_create(shop=self.shop, domain=name)
        domain_work.start("check", domain)
        return redirect("mailaccounts:domain", shop=self.shop.slug, pk=domain.pk)


class Check(DomainDeed):
    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        domain = self.domain(pk)
        domain_work.start("check", domain)
        return self.back(domain)


class MakeKey(DomainDeed):
    """The first key, or the one that is to follow it."""

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        domain = self.domain(pk)
        key, is_new = make_key(domain)
        if is_new:
            AuditEntry.note("domain.key_made", shop=self.shop, user=request.user, target=key)
            text = _("The key is made. Put its record into DNS; the rest happens by itself.")
            messages.success(request, text)
        else:
            messages.info(request, _("There is a key already: put its record into DNS."))
        return redirect("mailaccounts:domain", shop=self.shop.slug, pk=domain.pk)


class DropKey(DomainDeed):
    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        domain = self.domain(pk)
        if drop_new_key(domain):
            AuditEntry.note("domain.key_dropped", shop=self.shop, user=request.user, target=domain)
            messages.success(request, _("The new key is given up."))
        else:
            messages.info(request, _("There is no new key to give up."))
        return redirect("mailaccounts:domain", shop=self.shop.slug, pk=domain.pk)


class PlanUpdate(DomainDeed):
    """Looks what a dynamic update would change."""

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        domain = self.domain(pk)
        if not self.may_publish(domain):
            raise PermissionDenied
        domain_work.forget_plan(domain)
        domain_work.start("plan", domain)
        return self.back(domain)


class PublishUpdate(DomainDeed):
    """Makes exactly the changes that were shown: the form names them by their digest."""

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        domain = self.domain(pk)
        if not self.may_publish(domain):
            raise PermissionDenied
        plan = domain_work.plan_of(domain)
        if plan is None or plan.digest != request.POST.get("digest"):
            messages.error(request, _("What was shown is out of date. Look again."))
            return redirect("mailaccounts:domain", shop=self.shop.slug, pk=domain.pk)
        domain_work.start("publish", domain, plan.digest, request.user.pk)
        return self.back(domain)
