"""Fills the outbox's registry: how a stored message gets its text, and what its type is called."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from maillog.models import MailMessage
from maillog.registry import Body, NotWanted, RenderFailed
from maillog.states import Reason
from shops.models import Shop
from shops.storable import storable
from templates_tx.composer import CONDITIONAL
from templates_tx.models import TemplateVersion
from templates_tx.own_types import known_among
from templates_tx.rendering import Parts, TemplateError, render_all, render_part
from templates_tx.waiting import reason_now


@lru_cache(maxsize=256)
def parts_of(version: int) -> Parts:
    """The sources of one version; kept, because a version never changes.

    Raises ``TemplateVersion.DoesNotExist``.
    """
    row = TemplateVersion.objects.only("html", "text").get(pk=version)
    return Parts(subject="", html=row.html, text=row.text)


def render(message: MailMessage) -> Body:
    """HTML and text from the snapshot and the pinned version.

    Raises ``RenderFailed``, and ``NotWanted`` for one that has waited and that the shop does not
    want any more: it is off by now, or the order is not as its conditions have it.
    """
    if CONDITIONAL in message.notes and (reason := reason_now(message)) is not None:
        raise NotWanted(_told(reason), reason)
    if message.template_version is None or message.context is None:
        raise RenderFailed(_("The message has neither a text nor a template."))
    try:
        made = render_all(parts_of(message.template_version), message.context)
    except TemplateVersion.DoesNotExist:
        raise RenderFailed(_("Its template was deleted.")) from None
    except TemplateError as error:
        told = in_source(error, message.template_version, message.context)
        raise RenderFailed(str(told)) from error
    except ValueError as error:
        raise RenderFailed(str(error)) from error
    # A filter such as url_decode can make what no database keeps.
    return Body(html=storable(made.html), text=storable(made.text))


def _told(reason: Reason) -> str:
    if reason == Reason.OFF:
        return _("This message was switched off while it waited.")
    return _("By now the order no longer meets the conditions.")


def in_source(error: TemplateError, version: int, context: dict[str, Any]) -> TemplateError:
    """The same failure where the author sees it: the compiled HTML is one line.

    Without a line where what was written does not fail by itself, as in a frame around it.
    """
    if error.part != "html":
        return error
    written = TemplateVersion.objects.only("html_source").get(pk=version).html_source
    try:
        render_part(written, "html", context)
    except TemplateError as found:
        return found
    return TemplateError(error.message, part="html")


def type_names(codes: set[str], shop: Shop | None) -> dict[str, str]:
    """What staff of ``shop`` call these types, without those that nobody knows any more."""
    return {code: str(each.name) for code, each in known_among(codes, shop).items()}
