"""One message: what became of it and why, every try, and the mail as it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views import View

from maillog import mime, registry
from maillog.forms import SendAgainForm
from maillog.generation_failure import is_unmade
from maillog.models import Delivery, MailMessage, MessageBody
from maillog.pipeline import Stop
from maillog.resend import has_words, obstacle
from maillog.states import RETRYABLE, STOPPABLE, Role, State
from maillog.timeline import Story
from maillog.verdict import verdict_of
from shops.models import Role as ShopRole
from shops.scope import ShopScoped

NOT_CHANGED = 204
TABS = {
    "timeline": _("Timeline"),
    "recipients": _("Recipients"),
    "headers": _("Headers"),
    "files": _("Attachments"),
    "source": _("Source"),
}
MOST_SOURCE = 200_000  # bytes shown; the whole is in the .eml


def readable(view: ShopScoped) -> QuerySet[MailMessage]:
    """Messages of the shop; for operators also the installation's own, which have no shop."""
    mine = MailMessage.objects.for_shop(view.shop)
    return mine | MailMessage.objects.filter(shop=None) if view.request.user.is_superuser else mine


def find(view: ShopScoped, pk: UUID) -> MailMessage:
    """The message, its account beside it. Raises ``Http404`` for what is not the reader's."""
    found = readable(view).select_related("account", "shop")
    message = found.defer("context", "search", "account__password").filter(pk=pk).first()
    if message is None:
        raise Http404
    return message


@dataclass(frozen=True, slots=True)
class BodySize:
    """Lengths of what was rendered; None of it yet: ``is_made`` is False."""

    html: int = 0
    text: int = 0
    is_made: bool = False


def body_size(message: MailMessage) -> BodySize:
    lengths = Length("html"), Length("text")
    row = MessageBody.objects.filter(message=message).values_list(*lengths).first()
    return BodySize(row[0], row[1], is_made=True) if row else BodySize()


def main_delivery(message: MailMessage) -> Delivery | None:
    """The delivery whose bytes stand for the message: the customer's first one."""
    found = Delivery.objects.select_related("message__shop", "message__body")
    main = found.filter(message=message, role=Role.MAIN)
    return main.order_by("id").first()


class NotMade(Exception):
    """There are no bytes; ``str()`` says to staff why."""


def content_of(message: MailMessage) -> bytes:
    """The bytes as they were, or will be, sent. Raises ``NotMade``."""
    if message.sensitive:
        raise NotMade(_("It holds a personal link, so its text is not shown."))
    delivery = main_delivery(message)
    if delivery is None or not body_size(message).is_made:
        raise NotMade(_("The mail has not been made yet; that happens when it is sent."))
    try:
        return registry.channels[message.channel].build(delivery).content
    except Stop as stop:
        raise NotMade(stop.detail or str(stop.state.label)) from stop


def viewer_context(view: ShopScoped, message: MailMessage, **more: Any) -> dict[str, Any]:
    """Everything that ``maillog/message.html#viewer`` shows."""
    tab = view.request.GET.get("tab", "timeline")
    story, size = Story.of(message), body_size(message)
    # Only acting on the shop's mail is a sender's business; the installation's is the operator's.
    may_act = view.may(ShopRole.SENDER)
    return {
        "shop": view.shop,
        "message": message,
        "story": story,
        "verdict": verdict_of(story, view.shop),
        "size": size,
        "files": message.attachments.select_related("file").defer("file__content"),
        "tab": tab if tab in TABS else "timeline",
        "tabs": TABS,
        "as_text": view.request.GET.get("as") == "text" or not size.html,
        "pictures": "pictures" in view.request.GET,
        "may_try": may_act
        and _any(story, (*RETRYABLE, State.UNKNOWN))
        and (is_unmade(message) or has_words(message)),
        **_mending(view, message),
        "may_stop": may_act and _any(story, (*STOPPABLE, State.CLAIMED)),
        "may_send": may_act and not story.is_moving,
        "obstacle": obstacle(message),
        "form": SendAgainForm(initial={"token": uuid4().hex}),
        **_open_tab(tab, message, size),
        **more,
    }


def _mending(view: ShopScoped, message: MailMessage) -> dict[str, Any]:
    """Where the template is mended, for those who may, if that is what the message waits for."""
    if not is_unmade(message):
        return {"is_unmade": False}
    editor = registry.editors.get(message.channel)
    may_mend = editor is not None and view.may(ShopRole.EDITOR)
    return {"is_unmade": True, "editor_url": editor(message) if editor and may_mend else ""}


def _any(story: Story, states: tuple[State, ...]) -> bool:
    return any(each.state in states for each in story.deliveries)


def _open_tab(tab: str, message: MailMessage, size: BodySize) -> dict[str, Any]:
    """What only one tab needs, so that the others need not wait for it."""
    if tab not in ("headers", "source"):
        return {}
    try:
        content = content_of(message)
    except NotMade as reason:
        return {"not_made": str(reason)}
    if tab == "headers":
        return {"headers": mime.headers_of(content)}
    shown = content[:MOST_SOURCE].decode(errors="replace")
    return {"source": shown, "source_is_cut": len(content) > MOST_SOURCE}


class MessageView(ShopScoped, View):
    """The page of one message; for htmx only its viewer, which also stands beside the list."""

    def get(self, request: HttpRequest, message: UUID, **kwargs: Any) -> HttpResponse:
        return show(self, find(self, message))


def show(view: ShopScoped, message: MailMessage, status: int = 200, **more: Any) -> HttpResponse:
    """Renders the page, or its viewer for htmx; 204 where htmx has seen just this already."""
    request = view.request
    context = viewer_context(view, message, **more)
    part = request.headers.get("HX-Target") == "viewer"
    if part and request.headers.get("X-Seen") == context["story"].fingerprint:
        return HttpResponse(status=NOT_CHANGED)
    context["in_list"] = part and "in_list" in request.GET
    query = request.GET.copy()
    for own in ("tab", "as", "pictures", "in_list"):
        query.pop(own, None)
    context["query"] = query.urlencode()
    template = "maillog/message.html#viewer" if part else "maillog/message.html"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    patch_cache_control(response, private=True, no_store=True)
    return response
