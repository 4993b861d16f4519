"""A message whose text could not be made: for people a state of its own, and nobody's bounce.

In the database it is ``held`` for the reason ``template``. It leaves when its template is mended
(``maillog.mending``).
"""

from __future__ import annotations

import re

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maillog.models import Delivery, MailMessage
from maillog.states import Reason, State
from shops.models import Shop

# How the log's filter calls it, in its address.
GENERATION_FAILURE = "generation_failure"
LABEL = gettext_lazy("Generation failure")
UNMADE = Q(state=State.HELD, reason=Reason.TEMPLATE)
# One that has waited for too long is a person's again, and still has no text.
MENDABLE = Q(state__in=(State.HELD, State.EXPIRED), reason=Reason.TEMPLATE)

# As ``templates_tx.rendering.TemplateError`` writes it: "text, line 3: 'order.totl' is undefined".
_PLACED = re.compile(r"(subject|html|text)(?:, line ([0-9]+))?: (.+)", re.DOTALL)
_PARTS: dict[str, Promise] = {
    "subject": gettext_lazy("the subject"),
    "html": gettext_lazy("the HTML"),
    "text": gettext_lazy("the plain text"),
}


def is_unmade(row: MailMessage | Delivery) -> bool:
    return row.state == State.HELD and row.reason == Reason.TEMPLATE


def state_text(row: MailMessage | Delivery) -> str:
    """The state as people call it."""
    return str(LABEL if is_unmade(row) else State(row.state).label)


def unmade_of(shop: Shop, code: str = "", language: str = "") -> QuerySet[MailMessage]:
    """The shop's messages without a text, of one type or in one language where that is given."""
    found = MailMessage.objects.for_shop(shop).filter(UNMADE)
    narrower = {"message_type": code, "language": language}
    return found.filter(**{name: value for name, value in narrower.items() if value})


def explained(detail: str) -> tuple[str, str]:
    """Where the mistake is, in a sentence (empty where nobody knows), and what it is."""
    found = _PLACED.fullmatch(detail)
    if found is None:
        return "", detail
    part, line, mistake = found.groups()
    if line is None:
        return _("The mistake is in %(part)s.") % {"part": _PARTS[part]}, mistake
    facts = {"part": _PARTS[part], "line": line}
    return _("The mistake is in %(part)s, line %(line)s.") % facts, mistake
