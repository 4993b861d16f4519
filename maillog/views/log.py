"""The list of everything that was to be said, with its filter and a viewer beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views import View

from maillog.filters import LogFilter, Page, page_of, read_id
from maillog.generation_failure import GENERATION_FAILURE, unmade_of
from maillog.mending_many import Tally, progress_of
from maillog.models import MailMessage
from maillog.registry import names_of
from maillog.states import WAITING, State
from maillog.views.message import find, viewer_context
from shops.models import Role
from shops.scope import ShopScoped

NOT_CHANGED = 204  # htmx leaves the page as it is


@dataclass(frozen=True, slots=True)
class Unmade:
    """What stands above the list of messages whose text could not be made."""

    count: int
    code: str
    progress: Tally | None
    may_send: bool

    @property
    def is_running(self) -> bool:
        return self.progress is not None and not self.progress.is_done


class LogView(ShopScoped, View):
    """The whole page; for htmx only its list (``HX-Target``: ``log-list``)."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        wanted = LogFilter.from_query(request.GET, self.shop, own_allowed=request.user.is_superuser)
        page = page_of(
            wanted.apply(self._messages(wanted)),
            before=read_id(request.GET.get("before")),
            after=read_id(request.GET.get("after")),
        )
        part = request.headers.get("HX-Target") == "log-list"
        context = self._context(wanted, page)
        if part and request.headers.get("X-Seen") == context["seen"]:
            return HttpResponse(status=NOT_CHANGED)
        if not part:
            context |= self._opened(context["open_id"])
        template = "maillog/log.html#list" if part else "maillog/log.html"
        response = render(request, template, context)
        patch_vary_headers(response, ("HX-Request", "HX-Target"))
        patch_cache_control(response, private=True, no_store=True)
        return response

    def _messages(self, wanted: LogFilter) -> QuerySet[MailMessage]:
        if wanted.own:
            return MailMessage.objects.filter(shop=None)
        return MailMessage.objects.for_shop(self.shop)

    def _context(self, wanted: LogFilter, page: Page) -> dict[str, Any]:
        unmade, query = self._unmade(wanted), self.request.GET.copy()
        for passing in ("open", "before", "after"):
            query.pop(passing, None)
        return {
            "shop": self.shop,
            "role": self.role,
            "filter": wanted,
            "page": page,
            "names": names_of(
                (each.message_type for each in page.messages), None if wanted.own else self.shop
            ),
            "is_first": not (self.request.GET.get("before") or self.request.GET.get("after")),
            "is_moving": any(each.state in WAITING for each in page.messages)
            or bool(unmade and unmade.is_running),
            "seen": fingerprint(page, unmade),
            "open_id": read_id(self.request.GET.get("open")),
            "query": query.urlencode(),
            "not_sent": State.NOT_SENT,
            "unmade": unmade,
        }

    def _unmade(self, wanted: LogFilter) -> Unmade | None:
        if wanted.own or wanted.value("state") != GENERATION_FAILURE:
            return None
        code = wanted.value("type") or ""
        set_too = {name for name, value in wanted.form.cleaned_data.items() if value}
        is_whole = set_too <= {"state", "type"}
        return Unmade(
            count=unmade_of(self.shop, code).count(),
            code=code,
            progress=progress_of(self.shop),
            # What is narrowed down further is a part of what the button would send.
            may_send=is_whole and self.may(Role.SENDER),
        )

    def _opened(self, open_id: Any) -> dict[str, Any]:
        """What the viewer shows from the start, where the address names a message."""
        if open_id is None:
            return {}
        return {**viewer_context(self, find(self, open_id)), "in_list": True}


def fingerprint(page: Page, unmade: Unmade | None = None) -> str:
    """Changes whenever the list would look different."""
    rows = [
        (each.pk.hex, each.state, each.reason, each.failed_recipients) for each in page.messages
    ]
    return hashlib.sha256(repr((rows, unmade)).encode()).hexdigest()[:16]
