"""When a message is sent at all: conditions on how far the order, its money and its parcels are.

A shop's conditions for one message are a list of rules. A rule looks at one state, and either at
what it is or at how it has just changed:

    {"then": "send", "field": "payment_state", "before": "", "after": "paid"}

``then``: ``send`` (only where such a rule fits) or ``nothing`` (never where it fits). ``before``:
what the state was until this change, empty for whatever it was, a change or none. ``after``: what
it is now, empty for anything. A message is sent where no ``nothing`` fits and, if there is any
``send``, one of them does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import models

from shops.facts import OrderFacts
from shops.models.order_states import DeliveryState, OrderState, PaymentState


class Then(StrEnum):
    SEND = "send"
    NOTHING = "nothing"


STATES: dict[str, type[models.TextChoices]] = {
    "state": OrderState,
    "payment_state": PaymentState,
    "delivery_state": DeliveryState,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A state that has just changed, from what to what."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Rule:
    then: Then
    field: str
    before: str = ""
    after: str = ""

    def fits(self, states: Mapping[str, str], change: Change | None) -> bool:
        if self.after and states[self.field] != self.after:
            return False
        if not self.before:
            return True
        return change is not None and (change.field, change.before) == (self.field, self.before)

    def stored(self) -> dict[str, str]:
        return {
            "then": self.then.value,
            "field": self.field,
            "before": self.before,
            "after": self.after,
        }


class BadRule(ValueError):
    """A rule names a state that does not exist, or names none."""


def read(stored: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """The rules as they are kept. Raises ``BadRule``."""
    return [_rule(each) for each in stored]


def _rule(stored: Mapping[str, Any]) -> Rule:
    try:
        states = STATES[stored["field"]]
        rule = Rule(
            Then(stored["then"]),
            stored["field"],
            states(stored["before"]).value if stored.get("before") else "",
            states(stored["after"]).value if stored.get("after") else "",
        )
    except (KeyError, ValueError, TypeError) as error:
        raise BadRule(str(error)) from error
    if not rule.before and not rule.after:
        raise BadRule(rule.field)
    return rule


def hold(rules: Iterable[Rule], facts: OrderFacts, change: Change | None = None) -> bool:
    """Whether a message with these conditions is to be sent about the order as it is."""
    states = {name: getattr(facts, name) for name in STATES}
    fitting = [(rule.then, rule.fits(states, change)) for rule in rules]
    if any(fits for then, fits in fitting if then == Then.NOTHING):
        return False
    wanted = [fits for then, fits in fitting if then == Then.SEND]
    return any(wanted) if wanted else True


def can_hold(rules: Iterable[Rule]) -> bool:
    """Whether there is any order, just changed or not, that a message with these is sent about."""
    rules = list(rules)
    befores = {(rule.field, rule.before) for rule in rules if rule.before}
    changes = [Change(field, before, "") for field, before in befores]
    return any(_can_hold(rules, change) for change in (None, *changes))


def _can_hold(rules: list[Rule], change: Change | None) -> bool:
    """States do not depend on each other, so each is looked at alone."""
    left = {
        name: [value for value in states.values if not _is_barred(rules, name, value, change)]
        for name, states in STATES.items()
    }
    wanted = [rule for rule in rules if rule.then == Then.SEND]
    fitting = (
        rule.fits({rule.field: value}, change) for rule in wanted for value in left[rule.field]
    )
    return all(left.values()) and (not wanted or any(fitting))


def _is_barred(rules: list[Rule], name: str, value: str, change: Change | None) -> bool:
    never = (rule for rule in rules if rule.then == Then.NOTHING and rule.field == name)
    return any(rule.fits({name: value}, change) for rule in never)
