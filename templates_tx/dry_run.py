"""Which of the shop's latest real orders would fail with a template, before it is used.

What is about no order is tried with the snapshots of the latest messages of its type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from maillog.models import MailMessage
from shops.facts import OrderFacts
from shops.models import Order, Shop
from shops.models.document import with_invoices
from templates_tx.assignments import decision_of, rows_of
from templates_tx.composer import language_for
from templates_tx.context import full_context
from templates_tx.contract import FALLBACK_LANGUAGE
from templates_tx.contract_check import RENDERED_AS, all_in_liquid, compiled, told
from templates_tx.message_types import MessageType
from templates_tx.models import MessageTemplate, TemplateDraft, TemplateVersion
from templates_tx.own_types import types_of
from templates_tx.problems import Sources
from templates_tx.rendering import Parts, TemplateError, render_all, render_part

COUNT = 50
LONGEST = 5.0
"""Seconds for a whole dry run: somebody waits for it."""

type Context = dict[str, Any]


@dataclass(slots=True)
class Failure:
    """One order (or message) that would fail, with the part and the line that are to blame."""

    order_number: str
    part: str
    message: str
    line: int | None


@dataclass(slots=True)
class DryRun:
    """``tried`` are fewer than there are where the time was up."""

    tried: int = 0
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Case:
    """One order, or one message of the log, as a template sees it."""

    name: str
    language: str
    context: Context


@dataclass(slots=True)
class Trial:
    """Words on trial, compiled. The same failure is explained once, however often it comes."""

    sources: Sources
    html: str
    explained: dict[str, Failure] = field(default_factory=dict)

    def failure(self, case: Case) -> Failure | None:
        parts = Parts(self.sources.subject, self.html, self.sources.text)
        try:
            render_all(parts, case.context)
            if self.sources.sms:
                render_part(self.sources.sms, "text", case.context)
        except TemplateError as error:
            return self._explained(error, case)
        except ValueError as error:
            return Failure(case.name, "text", str(error), None)
        return None

    def _explained(self, error: TemplateError, case: Case) -> Failure:
        key = f"{error.part}:{error.line}:{error.message}"
        if key not in self.explained:
            self.explained[key] = self._in_source(error, case)
        known = self.explained[key]
        return Failure(case.name, known.part, known.message, known.line)

    def _in_source(self, error: TemplateError, case: Case) -> Failure:
        """The same failure in what the author wrote: the compiled HTML has other lines."""
        for part, source in self.sources.parts().items():
            try:
                render_part(source, RENDERED_AS[part], case.context)
            except TemplateError as found:
                problem = told(found, part)
                return Failure(case.name, part, problem.message, problem.line)
        return Failure(case.name, error.part, told(error, error.part).message, None)


def try_on_orders(
    sources: Sources, message_type: MessageType, shop: Shop, language: str = "", count: int = COUNT
) -> DryRun:
    """Renders the shop's latest orders, in ``language`` or each in its own.

    Raises ``TemplateError`` for HTML that cannot be compiled.
    """
    until = monotonic() + LONGEST
    liquid = all_in_liquid(sources, message_type.contract)
    trial = Trial(liquid, compiled(liquid, language or shop.language))
    cases = _cases(message_type, shop, language, count)
    return _run(((trial, case) for case in cases), until)


def _run(trials: Iterable[tuple[Trial, Case]], until: float) -> DryRun:
    run = DryRun()
    for trial, case in trials:
        if monotonic() > until:
            break
        run.tried += 1
        if failure := trial.failure(case):
            run.failures.append(failure)
    return run


def _cases(message_type: MessageType, shop: Shop, language: str, count: int) -> Iterable[Case]:
    if is_about_orders(message_type):
        return cases_of_orders(message_type, shop, _latest_orders(shop, count), language)
    return _cases_of_log(message_type, shop, language, count)


def is_about_orders(message_type: MessageType) -> bool:
    return any(entry.name == "order" for entry in message_type.contract.entries)


def _latest_orders(shop: Shop, count: int) -> list[OrderFacts]:
    """Read once, however many messages are tried on them."""
    rows = Order.objects.for_shop(shop).newest_first().select_related("customer")
    return [each.facts() for each in with_invoices(rows).prefetch_related("lines")[:count]]


def cases_of_orders(
    message_type: MessageType, shop: Shop, orders: Iterable[OrderFacts], language: str = ""
) -> Iterator[Case]:
    """Orders as the composer would give them to a template; what else there is, from the sample."""
    samples: dict[str, Context] = {}
    for facts in orders:
        spoken = language or language_for(message_type, shop, facts.language) or shop.language
        if spoken not in samples:
            samples[spoken] = message_type.contract.sample(spoken)
        context = samples[spoken] | full_context(shop, facts, spoken)
        yield Case(facts.number, spoken, context)


def _cases_of_log(
    message_type: MessageType, shop: Shop, language: str, count: int
) -> Iterator[Case]:
    rows = MailMessage.objects.for_shop(shop).filter(
        message_type=message_type.code, context__isnull=False
    )
    columns = ("order_number", "to_text", "language", "context")
    for number, to, spoken, context in rows.newest_first().values_list(*columns)[:count]:
        if isinstance(context, dict):
            spoken = language or spoken or shop.language
            # An older snapshot does not have what the contract has got since.
            whole = message_type.contract.completed({**context, "locale": spoken})
            yield Case(number or to, spoken, whole)


def try_all_on_orders(shop: Shop, count: int = COUNT) -> dict[str, DryRun]:
    """Code → what comes of every message that is on, with the words that each order would get."""
    until = monotonic() + LONGEST
    decided = rows_of(shop)
    types = [
        each
        for each in types_of(shop)
        if not each.is_withdrawn and decision_of(each, decided.get(each.code)).is_on
    ]
    orders = _latest_orders(shop, count)
    words = Wording(shop, {each.language for each in orders})
    return {
        each.code: _run(_with_words(each, shop, orders, words), until)
        for each in types
        if is_about_orders(each)
    }


def _with_words(
    message_type: MessageType, shop: Shop, orders: list[OrderFacts], words: Wording
) -> Iterator[tuple[Trial, Case]]:
    for case in cases_of_orders(message_type, shop, orders):
        if found := words.trial(message_type.code, case.language):
            spoken, trial = found
            context = case.context | {"locale": spoken}
            yield trial, replace(case, language=spoken, context=context)


class Wording:
    """The words in use, as ``plans`` chooses them: one query for all types and languages."""

    def __init__(self, shop: Shop, languages: set[str]) -> None:
        self.shop = shop
        spoken = {*languages, shop.language, FALLBACK_LANGUAGE}
        rows = MessageTemplate.objects.filter(language__in=spoken).exclude(current=None)
        built_in = rows.filter(shop=None).select_related("current")
        own = rows.for_shop(shop).filter(in_use=True).select_related("current")
        found = [*built_in, *own]  # the shop's own are put over the built-in ones
        self.rows: Mapping[tuple[str, str], MessageTemplate] = {
            (row.message_type, row.language): row for row in found
        }
        self.trials: dict[tuple[str, str], Trial] = {}

    def trial(self, code: str, language: str) -> tuple[str, Trial] | None:
        """The language that is really spoken, with its words; None where there are none."""
        for spoken in (language, self.shop.language, FALLBACK_LANGUAGE):
            key = (code, spoken)
            if key in self.rows:
                if key not in self.trials:
                    version = self.rows[key].current
                    assert version is not None
                    self.trials[key] = Trial(sources_of(version), version.html)
                return spoken, self.trials[key]
        return None


def sources_of(version: TemplateVersion | TemplateDraft) -> Sources:
    """What a person wrote of this version, or has written so far."""
    return Sources(
        subject=version.subject,
        html_source=version.html_source,
        text=version.text,
        preheader=version.preheader,
        sms=version.sms,
    )
