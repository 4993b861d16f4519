"""What a change of an own message type would do to the words that the shop uses for it."""

from __future__ import annotations

from dataclasses import replace

from shops.models import Shop
from templates_tx.contract import Contract
from templates_tx.contract_check import check_template
from templates_tx.dry_run import sources_of
from templates_tx.editor.exchange import Fault, fault_of
from templates_tx.message_types import MessageType
from templates_tx.models import MessageTemplate
from templates_tx.problems import Problem, Sources


def broken_by(before: MessageType, after: MessageType, shop: Shop) -> list[Fault]:
    """Why messages would fail from then on that do not now. Takes a second for each language."""
    if before.contract == after.contract:
        return []
    rows = MessageTemplate.objects.for_shop(shop).filter(message_type=after.code, in_use=True)
    faults = []
    for row in rows.exclude(current=None).select_related("current"):
        assert row.current is not None
        sources = sources_of(row.current)
        known = _failures(sources, before, row.language)
        found = _failures(sources, after, row.language)
        faults += [fault_of(each, row.language) for each in found if each not in known]
    return faults


def _failures(sources: Sources, message_type: MessageType, language: str) -> list[Problem]:
    """A value that only must appear fails no message: its words are written after this change."""
    lenient = replace(message_type, contract=Contract(message_type.contract.entries))
    return [each for each in check_template(sources, lenient, language) if each.refuses]
