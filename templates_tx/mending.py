"""Fills the outbox's registry: new words for a message whose text could not be made, and where its
template is mended.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from maillog.models import MailMessage
from maillog.outbox import Draft
from maillog.registry import CannotMend, Mended, RenderFailed
from maillog.states import Role, State
from shops.facts import OrderFacts
from shops.models import Order, Shop
from shops.storable import storable, storable_data
from templates_tx.composer import Cause, draft_of, language_for, reason_against
from templates_tx.message_types import MessageType, UnknownMessageType
from templates_tx.models import TemplateVersion
from templates_tx.own_types import find
from templates_tx.plans import NoTemplate, plan_for
from templates_tx.receivers import DETAILS
from templates_tx.renderer import in_source, parts_of
from templates_tx.rendering import TemplateError, render_all
from templates_tx.waiting import change_in, order_of


def mended(message: MailMessage) -> Mended:
    """The words that the shop uses now, proved to render with the facts that the message keeps.

    Where none could be read they are read anew, from an order of ours. Raises ``RenderFailed``, and
    ``CannotMend`` where no template can help.
    """
    shop = message.shop
    try:
        message_type = find(message.message_type, shop) if shop else None
    except UnknownMessageType:
        message_type = None
    if shop is None or message_type is None:
        raise CannotMend(_("Messages of its type do not exist any more."))
    try:
        if message.template_version is None:
            return _composed_anew(message, message_type, shop)
        return _in_new_words(message, message_type, shop)
    except NoTemplate:
        raise RenderFailed(_("There is no template for it.")) from None


def _in_new_words(message: MailMessage, message_type: MessageType, shop: Shop) -> Mended:
    context, order = message.context, order_of(message)
    if context is None:
        raise CannotMend(_not_kept())
    plan = plan_for(shop, message_type, message.language)
    facts = order.facts() if order is not None and plan.rules else None
    if (why_not := reason_against(plan, message_type, facts, change_in(context))) is not None:
        raise CannotMend(str(why_not.label))
    words, context = plan.words(), message_type.contract.completed(context)
    if words.language != message.language:
        context = context | {"locale": words.language}
    return Mended(
        template_version=words.version,
        language=words.language,
        subject=_proved(words.version, words.subject, context),
        context=context,
        reply_to=message.reply_to,
        imported_at=_imported_at(order, context),
    )


def _composed_anew(message: MailMessage, message_type: MessageType, shop: Shop) -> Mended:
    order = order_of(message)
    if order is None:
        raise CannotMend(_not_kept())
    facts = order.facts()
    plan = plan_for(shop, message_type, language_for(message_type, shop, facts.language))
    draft = draft_of(plan, message_type, shop, facts, _cause(message, facts))
    if draft.born == State.NOT_SENT:
        raise CannotMend(str(draft.reason.label))
    if draft.born == State.HELD:
        raise RenderFailed(draft.detail)
    return _of_draft(draft, plan.words().subject)


def _of_draft(draft: Draft, subject: str) -> Mended:
    assert draft.template_version is not None and draft.context is not None  # ``worded`` set both
    context = storable_data(draft.context)
    return Mended(
        template_version=draft.template_version,
        language=draft.language,
        subject=_proved(draft.template_version, subject, context),
        context=context,
        reply_to=draft.reply_to or (draft.account.reply_to if draft.account else ""),
        files=draft.files,
        copies=tuple(each.address for each in draft.recipients if each.role == Role.COPY),
        delay=draft.due_in,
        notes=draft.notes,
        imported_at=draft.imported_at,
    )


def _cause(message: MailMessage, facts: OrderFacts) -> Cause:
    """What happened, as it was kept without the order's facts; see ``composer.never_breaking``."""
    kept = message.context or {}
    details = DETAILS.get(message.message_type)
    extra: dict[str, Any] = kept.get("extra") or (details(facts) if details else {})
    return Cause(message.occurrence, extra, change_in(kept))


def _proved(version: int, subject: str, context: dict[str, Any]) -> str:
    """The subject, after all parts were rendered once. Raises ``RenderFailed``."""
    try:
        made = render_all(replace(parts_of(version), subject=subject), context)
    except TemplateVersion.DoesNotExist:
        raise RenderFailed(_("Its template was deleted.")) from None
    except TemplateError as error:
        raise RenderFailed(str(in_source(error, version, context))) from error
    except ValueError as error:
        raise RenderFailed(str(error)) from error
    return storable(made.subject)


def _imported_at(order: Order | None, context: dict[str, Any]) -> datetime | None:
    """When the order came: of one that is not ours, when it was placed."""
    if order is not None:
        return order.imported_at
    placed_at = (context.get("order") or {}).get("placed_at")
    return parse_datetime(placed_at) if isinstance(placed_at, str) else None


def _not_kept() -> str:
    return _("What it was to say could not be read. The shop's software must raise it again.")


def editor_url(message: MailMessage) -> str:
    """Where its template is edited; empty in a project without that page."""
    if message.shop is None:
        return ""
    kwargs = {
        "shop": message.shop.slug,
        "code": message.message_type,
        "language": message.language or message.shop.language,
    }
    try:
        return reverse("templates_tx:template", kwargs=kwargs)
    except NoReverseMatch:
        return ""
