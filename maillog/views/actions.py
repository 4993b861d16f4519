"""What staff do with a message: send it again, try again, stop it. POST only, for senders."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from maillog.forms import SendAgainForm
from maillog.generation_alarms import log_path
from maillog.mending_many import Which, mend_all
from maillog.models import MailMessage
from maillog.requeue import CannotResend
from maillog.resend import cancel, send_again, try_again
from maillog.views.message import find, show
from shops.models import Role
from shops.scope import ShopScoped


def signed_in(request: HttpRequest) -> AbstractUser:
    assert not isinstance(request.user, AnonymousUser)  # ShopScoped let nobody else in
    return request.user


class MessageAction(ShopScoped, View):
    """Base: finds the message, calls ``act``, leads back to it (or to the list it lay beside)."""

    needed = Role.SENDER
    http_method_names = ["post"]

    def post(self, request: HttpRequest, message: UUID, **kwargs: Any) -> HttpResponse:
        return self.act(request, find(self, message))

    @property
    def person(self) -> AbstractUser:
        return signed_in(self.request)

    def act(self, request: HttpRequest, message: MailMessage) -> HttpResponse:
        """Does it and returns where to go."""
        raise NotImplementedError

    def back_to(self, message: MailMessage) -> HttpResponse:
        if self.request.POST.get("in_list"):
            log = reverse("maillog:log", kwargs={"shop": self.shop.slug})
            own = {} if message.shop_id else {"own": "1"}
            return redirect(f"{log}?{urlencode({**own, 'open': str(message.pk)})}")
        return redirect("maillog:message", shop=self.shop.slug, message=message.pk)


class SendAgain(MessageAction):
    def act(self, request: HttpRequest, message: MailMessage) -> HttpResponse:
        form = SendAgainForm(request.POST)
        if not form.is_valid():
            return show(self, message, status=422, form=form)
        try:
            again = send_again(
                message,
                to=form.cleaned_data["to"],
                by=self.person,
                token=form.cleaned_data["token"],
            )
        except CannotResend as reason:
            messages.error(request, str(reason))
            return self.back_to(message)
        messages.success(request, _("A new message to %(to)s is queued.") % {"to": again.to_text})
        return self.back_to(again)


class TryAgain(MessageAction):
    def act(self, request: HttpRequest, message: MailMessage) -> HttpResponse:
        try:
            count = try_again(message, by=self.person)
        except CannotResend as reason:
            messages.error(request, str(reason))
            return self.back_to(message)
        if count:
            text = ngettext(
                "The message is queued again.",
                "The message is queued again for %(n)s recipients.",
                count,
            )
            messages.success(request, text % {"n": count})
        else:
            messages.warning(request, _("Nothing to try again: the message has changed meanwhile."))
        return self.back_to(message)


class SendMended(ShopScoped, View):
    """Everything that has no text, or all of one type, is made anew and sent."""

    needed = Role.SENDER
    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        code = request.POST.get("type", "").replace("\0", "")[:80]
        tally = mend_all(self.shop, Which(code), signed_in(request))
        if tally is None:
            messages.info(request, _("They are being sent; the page shows how many are left."))
        else:
            tell = messages.warning if tally.failing or tally.over else messages.success
            tell(request, tally.in_words())
        return redirect(log_path(self.shop, code))


class Stop(MessageAction):
    def act(self, request: HttpRequest, message: MailMessage) -> HttpResponse:
        if cancel(message, by=self.person):
            messages.success(request, _("Sending is stopped."))
        else:
            messages.warning(request, _("It is too late to stop it: the message has left."))
        return self.back_to(message)
