"""Template tags of the e-mail log: states in colour and words, names of message types."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from maillog.generation_failure import is_unmade, state_text
from maillog.models import Attempt, Delivery, MailMessage
from maillog.order_messages import tone_of
from maillog.registry import type_name
from maillog.states import Reason
from maillog.timeline import Story, attempt_text, reply_of
from shops.templatetags.panel import status_dot

register = template.Library()
register.filter("type_name", type_name)
register.filter("tone", tone_of)
register.filter("state_text", state_text)
register.filter("is_unmade", is_unmade)
register.filter("attempt_text", attempt_text)
register.filter("reply", reply_of)


@register.filter
def named_in(message: MailMessage, names: dict[str, str]) -> str:
    """What its type is called, of the names that a list has looked up for all its rows."""
    return names[message.message_type]


@register.filter
def word_class(row: MailMessage | Delivery) -> str:
    """The class for a state's word: coloured only where somebody should look."""
    return {"bad": "bad-t", "warn": "warn-t"}.get(tone_of(row), "")


@register.filter
def reason_text(row: MailMessage | Delivery) -> str:
    """Why a message or delivery is held, was stopped or not sent; empty where nothing is noted."""
    known = row.reason in Reason.values
    return str(Reason(row.reason).label) if row.reason and known else row.reason


@register.simple_tag
def state_dot(row: MailMessage | Delivery) -> SafeString:
    return status_dot(tone_of(row), state_text(row))


@register.filter
def fails_text(message: MailMessage) -> str:
    return _("%(failed)s of %(all)s recipients did not get it") % {
        "failed": message.failed_recipients,
        "all": message.recipient_count,
    }


@register.filter
def attempts_of(delivery: Delivery, story: Story) -> list[Attempt]:
    return story.tries_of(delivery)
