"""Tells staff on an order's page what a click would send, before they click.

Reads the same plan, account and ledger as the composer and the outbox, and writes nothing. Fills
``shops.previews.previewers``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from mailaccounts.models import SenderAccount
from maillog.hindrances import is_suppressed
from maillog.models import SentKey
from maillog.outbox import key_text
from maillog.states import Channel
from shops.addresses import EmailAddressInvalid, parse_address
from shops.facts import OrderFacts, OrderLike
from shops.models import ResetMark, Shop
from shops.models.order_states import DeliveryState, PaymentState
from shops.models.shop import Language, TestMode
from shops.previews import Deed, Preview
from templates_tx.conditions import Change, hold
from templates_tx.message_types import MessageType
from templates_tx.plans import NoTemplate, Plan, plan_for
from templates_tx.types.contact import NOTE
from templates_tx.types.delivery import ORDER_SHIPPED, TRACKING_CHANGED
from templates_tx.types.orders import ORDER_PAID


def _paid_once(number: str, parcel: str) -> str:
    return f"order:{number}/paid"


def _shipped_once(number: str, parcel: str) -> str:
    return f"order:{number}/shipped/parcel:{parcel}" if parcel else ""


def _never_said_before(number: str, parcel: str) -> str:
    return ""


# What each deed says, and the occurrence under which ``receivers`` says it.
SAYS: dict[Deed, tuple[MessageType, Callable[[str, str], str]]] = {
    Deed.PAID: (ORDER_PAID, _paid_once),
    Deed.SHIPPED: (ORDER_SHIPPED, _shipped_once),
    Deed.TRACKING: (TRACKING_CHANGED, _never_said_before),
    Deed.NOTE: (NOTE, _never_said_before),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One message type for one order: everything that the answer depends on."""

    shop: Shop
    message_type: MessageType
    facts: OrderFacts
    plan: Plan
    occurrence: str
    change: Change | None = None

    @property
    def name(self) -> str:
        return str(self.message_type.name)

    @property
    def to(self) -> str:
        return self.facts.buyer.email


# The state that a deed changes, and to what.
CHANGES = {
    Deed.PAID: ("payment_state", PaymentState.PAID.value),
    Deed.SHIPPED: ("delivery_state", DeliveryState.SHIPPED.value),
}


def _after(deed: Deed, facts: OrderFacts) -> tuple[OrderFacts, Change | None]:
    """The order as it will be, and the change that the composer will hear of."""
    if deed not in CHANGES:
        return facts, None
    field, after = CHANGES[deed]
    change = Change(field, getattr(facts, field), after)
    values: dict[str, Any] = {field: after}
    return replace(facts, **values), change


def preview(deed: Deed, order: OrderLike, parcel: str = "") -> Iterator[Preview]:
    """One line on what ``deed`` would send to the buyer, or why it would send nothing."""
    message_type, occurrence = SAYS[deed]
    facts, change = _after(deed, order.facts())
    case = Case(
        shop=order.shop,
        message_type=message_type,
        facts=facts,
        plan=plan_for(order.shop, message_type, facts.language),
        occurrence=occurrence(order.number, parcel),
        change=change,
    )
    why_not = next((reason for check in CHECKS if (reason := check(case))), "")
    yield Preview(False, why_not) if why_not else Preview(True, what_leaves(case))


def switched_off(case: Case) -> str:
    if case.plan.is_on:
        return ""
    return _("“%(name)s” is switched off: nothing will be sent.") % {"name": case.name}


def against_conditions(case: Case) -> str:
    if hold(case.plan.rules, case.facts, case.change):
        return ""
    return _("The order does not meet the conditions of “%(name)s”: nothing will be sent.") % {
        "name": case.name
    }


def said_before(case: Case) -> str:
    known = case.occurrence and SentKey.objects.filter(
        shop=case.shop,
        channel=Channel.EMAIL,
        cause=case.message_type.code,
        occurrence=key_text(case.occurrence),
    )
    if not known or not known.exists():
        return ""
    return _("“%(name)s” was sent for this already: nothing more will be sent.") % {
        "name": case.name
    }


def not_to_be_written_to(case: Case) -> str:
    if not case.to.strip():
        return _("The customer has no e-mail address: nothing will be sent.")
    try:
        address = parse_address(case.to, allow_utf8_local=True).address
    except EmailAddressInvalid as error:
        return _("Nothing will be sent. %(reason)s") % {"reason": error}
    if is_suppressed(case.shop, address):
        return _("%(address)s is on the list of suppressions: nothing will be sent.") % {
            "address": address
        }
    return ""


def nothing_to_send_with(case: Case) -> str:
    values = {"name": case.name}
    if case.plan.account is None:
        return _("The shop has no account to send from: “%(name)s” will be held until it has.") % (
            values
        )
    try:
        _language(case)
    except NoTemplate:
        return _("There is no template for “%(name)s”: it will be held.") % values
    return ""


def held_back(case: Case) -> str:
    if ResetMark.objects.covers(case.shop.pk, case.message_type.code, case.facts.imported_at):
        return _("This order is older than a reset: “%(name)s” will not be sent.") % {
            "name": case.name
        }
    if case.shop.test_mode == TestMode.HOLD:
        return _("Test mode is on: “%(name)s” will wait for approval.") % {"name": case.name}
    return ""


# In the order in which composer and outbox decide.
CHECKS = (
    switched_off,
    against_conditions,
    said_before,
    not_to_be_written_to,
    nothing_to_send_with,
    held_back,
)


def what_leaves(case: Case) -> str:
    """The sentence for a message that will leave: what, to whom, from where, in which language."""
    account = case.plan.account
    assert isinstance(account, SenderAccount)
    values = {
        "name": case.name,
        "to": case.to,
        "sender": account.from_address,
        "language": Language(_language(case)).label,
        "test": case.shop.test_address,
    }
    if case.shop.test_mode == TestMode.REDIRECT:
        return (
            _(
                "Test mode is on: this will send “%(name)s” to %(test)s instead of %(to)s, "
                "from %(sender)s in %(language)s."
            )
            % values
        )
    return _(
        "This will send “%(name)s” to %(to)s from %(sender)s in %(language)s."
    ) % values + _delay(case.plan)


def _language(case: Case) -> str:
    """The language of the template that would be used; raises ``NoTemplate``."""
    return case.plan.words().language


def _delay(plan: Plan) -> str:
    minutes = int(plan.delay.total_seconds()) // 60
    return " " + _("It leaves after %(minutes)d minutes.") % {"minutes": minutes} if minutes else ""
