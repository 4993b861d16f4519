"""What a shop's conditions for a message mean, in sentences for its staff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from templates_tx.conditions import STATES, BadRule, Rule, Then, can_hold, read

FIELD_NAMES: dict[str, Promise] = {
    "state": _("Order"),
    "payment_state": _("Payment"),
    "delivery_state": _("Parcel"),
}
_IS: dict[str, Promise] = {
    "state": _("the order is “%(after)s”"),
    "payment_state": _("the payment is “%(after)s”"),
    "delivery_state": _("the parcel is “%(after)s”"),
}
_WAS: dict[str, Promise] = {
    "state": _("the order is not “%(before)s” any more"),
    "payment_state": _("the payment is not “%(before)s” any more"),
    "delivery_state": _("the parcel is not “%(before)s” any more"),
}
_HAS_BECOME: dict[str, Promise] = {
    "state": _("the order has changed from “%(before)s” to “%(after)s”"),
    "payment_state": _("the payment has changed from “%(before)s” to “%(after)s”"),
    "delivery_state": _("the parcel has changed from “%(before)s” to “%(after)s”"),
}


def state_name(field: str, value: str) -> str:
    return str(STATES[field](value).label)


def case_in_words(rule: Rule) -> str:
    """“the payment is “Paid””."""
    ways = _IS if not rule.before else _HAS_BECOME if rule.after else _WAS
    return str(ways[rule.field]) % {
        name: state_name(rule.field, value)
        for name, value in (("before", rule.before), ("after", rule.after))
        if value
    }


def in_words(rules: Iterable[Rule]) -> str:
    """All of them together; empty where there are none."""
    return " ".join(_sentences(list(rules)))


def _sentences(rules: list[Rule]) -> Iterator[str]:
    for then, sentence in (
        (Then.SEND, _("Sent only when %(cases)s.")),
        (Then.NOTHING, _("Never when %(cases)s.")),
    ):
        cases = dict.fromkeys(case_in_words(rule) for rule in rules if rule.then == then)
        if cases:
            yield str(sentence) % {"cases": gettext(" or ").join(cases)}
    if not can_hold(rules):
        yield gettext("No order can meet all of these: it is never sent.")


def stored_in_words(stored: Iterable[Mapping[str, Any]]) -> str:
    """As ``in_words``, for what a row or the audit holds, whatever that is."""
    try:
        return in_words(read(stored))
    except (BadRule, TypeError, AttributeError):
        return gettext("conditions that cannot be read")


def delay_in_words(minutes: int) -> str:
    """“at once”, “after 3 hours”: in the largest unit that fits."""
    if not minutes:
        return gettext("at once")
    if minutes % (24 * 60) == 0:
        return ngettext("after %d day", "after %d days", minutes // (24 * 60)) % (minutes // 1440)
    if minutes % 60 == 0:
        return ngettext("after %d hour", "after %d hours", minutes // 60) % (minutes // 60)
    return ngettext("after %d minute", "after %d minutes", minutes) % minutes
