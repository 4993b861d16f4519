"""A mail as it would leave with what is being written now, for one order or for sample values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext as _

from shops.models import Order
from templates_tx.context import full_context, shop_context
from templates_tx.contract_check import all_in_liquid, check_template, compiled
from templates_tx.dry_run import Case, Trial, sources_of
from templates_tx.editor.desk import Desk
from templates_tx.message_types import To
from templates_tx.plans import Plan
from templates_tx.problems import Problem, Sources
from templates_tx.rendering import Parts, Rendered, TemplateError, render_all
from templates_tx.samples import with_pictures

# How long the last words without a fault are remembered; after that the live ones stand in.
REMEMBERED = 24 * 3600


@dataclass(frozen=True, slots=True)
class Setting:
    """For whom the preview is; without an order, for sample values."""

    desk: Desk
    plan: Plan
    order: Order | None = None

    def context(self) -> dict[str, object]:
        desk = self.desk
        made: dict[str, Any] = with_pictures(desk.type.contract.sample(desk.language))
        if self.order is not None:
            made |= full_context(desk.shop, self.order.facts(), desk.language)
        else:
            made |= {"shop": shop_context(desk.shop), "time_zone": desk.shop.time_zone}
        if note := self.plan.note_in(desk.language):
            made["shop"] = made["shop"] | {"note": note}
        return made

    @property
    def sender(self) -> str:
        account = self.plan.account
        if account is None:
            return _("no account yet")
        return f"{account.from_name} <{account.from_address}>"

    @property
    def recipient(self) -> str:
        if self.desk.type.to == To.OWNER:
            return self.desk.shop.contact_email
        if self.order is not None:
            return self.order.email
        customer = self.context().get("customer")
        return str(customer.get("email", "")) if isinstance(customer, dict) else ""


@dataclass(frozen=True, slots=True)
class Look:
    """What the preview shows. ``as_of``: the words have a fault, this is from before it."""

    mail: Rendered
    as_of: datetime | None = None

    @property
    def is_current(self) -> bool:
        return self.as_of is None


@lru_cache(maxsize=64)
def _compiled(sources: Sources, language: str) -> str:
    return compiled(sources, language)


def _trial(sources: Sources, setting: Setting) -> Trial:
    """Raises ``TemplateError`` for HTML that cannot be compiled."""
    liquid = all_in_liquid(sources, setting.desk.type.contract)
    return Trial(liquid, _compiled(liquid, setting.desk.language))


def render(sources: Sources, setting: Setting) -> Rendered:
    """Raises ``TemplateError``, and ``ValueError`` for an order that is no plain data."""
    trial = _trial(sources, setting)
    words = trial.sources
    return render_all(Parts(words.subject, trial.html, words.text), setting.context())


def examine(sources: Sources, setting: Setting) -> tuple[list[Problem], Rendered | None]:
    """Everything that is wrong with ``sources``, for the chosen order too; the mail if nothing."""
    desk = setting.desk
    problems = check_template(sources, desk.type, desk.language)
    if has_errors(problems):
        return problems, None
    try:
        return problems, render(sources, setting)
    except (TemplateError, ValueError):
        return [*problems, _of_order(sources, setting)], None


def _of_order(sources: Sources, setting: Setting) -> Problem:
    """What fails with these values, at its line in what was written."""
    number = setting.order.number if setting.order else ""
    case = Case(number, setting.desk.language, setting.context())
    failure = _trial(sources, setting).failure(case)
    assert failure is not None, "it failed a moment ago"
    message = failure.message
    if number:
        values = {"number": number, "reason": message}
        message = _("With order %(number)s: %(reason)s") % values
    return Problem(failure.part, message, failure.line)


def has_errors(problems: Sequence[Problem]) -> bool:
    return any(each.refuses for each in problems)


def remember(desk: Desk, sources: Sources) -> None:
    """``sources`` are in order: what is shown while the next ones are not."""
    if desk.own is not None:
        cache.set(_key(desk), (sources, timezone.now()), REMEMBERED)


def forget(desk: Desk) -> None:
    if desk.own is not None:
        cache.delete(_key(desk))


def _key(desk: Desk) -> str:
    assert desk.own is not None
    return f"templates_tx.good:{desk.own.pk}"


def before_the_fault(setting: Setting) -> Look | None:
    """The draft as it last was in order, else the last version, else the words that are live.

    None if none of them can be shown.
    """
    desk = setting.desk
    kept = cache.get(_key(desk)) if desk.own is not None else None
    if kept is not None and (mail := _tried(kept[0], setting)):
        return Look(mail, as_of=kept[1])
    for template in (desk.own, desk.live):
        version = template.current if template else None
        if version is not None and (mail := _tried(sources_of(version), setting)):
            return Look(mail, as_of=version.created_at)
    return None


def _tried(sources: Sources, setting: Setting) -> Rendered | None:
    try:
        return render(sources, setting)
    except (TemplateError, ValueError):
        return None


def look_at(sources: Sources, setting: Setting) -> tuple[list[Problem], Look | None]:
    """The problems, and what the preview shows: the draft itself unless it has a fault."""
    if setting.desk.is_locked:
        mail = _tried(sources, setting)
        return [], Look(mail) if mail else None
    problems, made = examine(sources, setting)
    return problems, Look(made) if made else before_the_fault(setting)
