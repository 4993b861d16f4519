"""“Send this to my technician”: asking, and the page that the link opens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_safe

from mailaccounts import presets, technician
from mailaccounts.models import AccountState, Kind, SenderAccount, SenderDomain, TechnicianLink
from mailaccounts.technician_form import AskForm
from shops.models import Role
from shops.scope import ShopScoped
from shops.sealed import unlisted


class Ask(ShopScoped, View):
    """What will be sent, by mail to an address (``do=mail``) or as a link to copy (``do=link``)."""

    needed = Role.ACCOUNTS
    about = "domain"

    def matter(self, pk: int) -> technician.Matter:
        if self.about == "domain":
            found = get_object_or_404(SenderDomain.objects.for_shop(self.shop), pk=pk)
            return technician.Matter(self.shop, domain=found)
        accounts = SenderAccount.objects.for_shop(self.shop).present().defer("password")
        account = get_object_or_404(accounts, pk=pk, kind=Kind.SMTP)
        return technician.Matter(self.shop, account=account)

    def get(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        return self.show(self.matter(pk), AskForm())

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        matter, form = self.matter(pk), AskForm(request.POST)
        if request.POST.get("do") == "link":
            return self.make_link(matter)
        if not form.is_valid():
            return self.show(matter, form, status=422)
        address = form.cleaned_data["address"]
        try:
            technician.send(matter, address, request.user)
        except technician.TooMany as refusal:
            form.add_error(None, str(refusal))
            return self.show(matter, form, status=422)
        messages.success(request, _("Sent to %(address)s.") % {"address": address})
        return self.leave(matter)

    def make_link(self, matter: technician.Matter) -> HttpResponse:
        try:
            _link, url = technician.issue(matter, self.request.user)
        except technician.TooMany as refusal:
            messages.error(self.request, str(refusal))
            return self.leave(matter)
        return self.show(matter, AskForm(), url=url)

    def leave(self, matter: technician.Matter) -> HttpResponse:
        """Back to where the button was, or by htmx the whole page anew."""
        slug = self.shop.slug
        if matter.domain is not None:
            answer = redirect("mailaccounts:domain", shop=slug, pk=matter.domain.pk)
        else:
            answer = redirect("mailaccounts:account_edit", shop=slug, pk=matter.account.pk)  # type: ignore[union-attr]
        if self.request.headers.get("HX-Request"):
            return HttpResponse(status=200, headers={"HX-Redirect": answer.url})
        return answer

    def show(
        self, matter: technician.Matter, form: AskForm, *, url: str = "", status: int = 200
    ) -> HttpResponse:
        context = {
            "shop": self.shop,
            "role": self.role,
            "matter": matter,
            "form": form,
            "url": url,
            "links": technician.open_links(matter),
            **wanted_of(matter),
        }
        name = "ask_form" if self.request.headers.get("HX-Request") else "ask"
        folder = "mailaccounts/parts/" if name == "ask_form" else "mailaccounts/"
        return render(self.request, f"{folder}technician_{name}.html", context, status=status)


class Revoke(ShopScoped, View):
    """The link stops working at once."""

    needed = Role.ACCOUNTS
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        links = TechnicianLink.objects.select_related("account").defer("account__password")
        link = get_object_or_404(links, shop=self.shop, pk=pk)
        technician.revoke(link, request.user)
        messages.success(request, _("The link does not work any more."))
        slug = self.shop.slug
        if link.domain_id is not None:
            return redirect("mailaccounts:domain_technician", shop=slug, pk=link.domain_id)
        if _asks_for(link.account):
            return redirect("mailaccounts:account_technician", shop=slug, pk=link.account_id)
        return redirect("mailaccounts:accounts", shop=slug)


def _asks_for(account: SenderAccount | None) -> bool:
    """True while its page “Send this to my technician” is there."""
    if account is None or account.state == AccountState.DELETED:
        return False
    return account.kind == Kind.SMTP


@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """For anybody with the link, without a sign-in. A wrong link and an old one look alike."""
    link = technician.open_for(token)
    if link is None:
        return unlisted(render(request, "mailaccounts/technician_ended.html", status=404))
    with override(link.language or get_language()):
        return unlisted(render(request, "mailaccounts/technician.html", _public(link)))


def _public(link: TechnicianLink) -> dict[str, Any]:
    matter = technician.matter_of(link)
    return {"matter": matter, "records": matter.records, "link": link, **wanted_of(matter)}


def wanted_of(matter: technician.Matter) -> dict[str, Any]:
    """For an account: which server data are wanted, and the hoster's ways if we know it."""
    account = matter.account
    if account is None:
        return {"records": matter.records}
    return {"hoster": presets.by_slug(account.preset), "has_host": bool(account.host)}
