"""How a shop's own words come to be, are saved as versions, taken back and put into use.

A version is checked before it is stored: what could fail is refused with the reasons. Checking
takes seconds, and is over before the transaction begins: an order may be placed meanwhile.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any

from django.db import transaction

from shops.models import AuditEntry, Shop
from templates_tx.contract import FALLBACK_LANGUAGE
from templates_tx.contract_check import all_in_liquid, check_template, compiled, told
from templates_tx.dry_run import DryRun, sources_of, try_on_orders
from templates_tx.message_types import MessageType
from templates_tx.models import MessageTemplate, TemplateDraft, TemplateVersion
from templates_tx.own_types import find
from templates_tx.problems import Problem, Sources
from templates_tx.rendering import TemplateError
from templates_tx.starter import starter

__all__ = [
    "Checked",
    "OrdersFail",
    "Refused",
    "checked",
    "own_row",
    "own_template",
    "restore",
    "save_version",
    "set_in_use",
    "store",
]


@dataclass(frozen=True, slots=True)
class Checked:
    """Words that may be stored: as they were written, and as they are kept and rendered."""

    written: Sources
    sources: Sources
    html: str


class Refused(Exception):
    """A template cannot be saved, for these reasons."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class OrdersFail(Refused):
    """A template is fine by itself, and would fail for some of the shop's latest orders."""

    def __init__(self, dry_run: DryRun) -> None:
        self.dry_run = dry_run
        super().__init__(
            [
                Problem(each.part, f"{each.order_number}: {each.message}", each.line)
                for each in dry_run.failures
            ]
        )


def own_template(
    shop: Shop, message_type: MessageType, language: str, user: Any
) -> MessageTemplate:
    """The shop's own words, which begin as a copy of the built-in ones; not in use by that.

    Where a type has none in this language they begin in English, and where it has none at all with
    what must appear.
    """
    row = own_row(shop, message_type, language)
    if row.current is not None:
        return row
    sources = _first_sources(message_type, language)
    begun = Checked(sources, sources, _html(sources, language))
    with transaction.atomic():
        template = _locked(row)
        if template.current is None:
            _store(template, begun, user)
            AuditEntry.note("template.added", shop=shop, user=user, target=template)
    return template


def own_row(shop: Shop, message_type: MessageType, language: str) -> MessageTemplate:
    """The shop's own template, empty and not in use where there was none."""
    rows = MessageTemplate.objects.select_related("current")
    row, _made = rows.get_or_create(
        shop=shop,
        message_type=message_type.code,
        language=language,
        defaults={"in_use": False},
    )
    return row


def _locked(template: MessageTemplate) -> MessageTemplate:
    rows = MessageTemplate.objects.select_for_update(of=("self",)).select_related("current")
    return rows.get(pk=template.pk)


def _first_sources(message_type: MessageType, language: str) -> Sources:
    built_in = MessageTemplate.objects.filter(shop=None, message_type=message_type.code).exclude(
        current=None
    )
    for spoken in (language, FALLBACK_LANGUAGE):
        row = built_in.filter(language=spoken).select_related("current").first()
        if row is not None and row.current is not None:
            return sources_of(row.current)
    return starter(message_type, language)


def save_version(
    template: MessageTemplate, sources: Sources, user: Any, *, even_if_orders_fail: bool = False
) -> TemplateVersion:
    """Checks what was written and stores it, as ``checked`` and ``store`` do.

    Raises ``UnknownMessageType`` too, if the template's type is gone.
    """
    shop = _shop_of(template)
    message_type = find(template.message_type, shop)
    words = checked(
        sources, shop, message_type, template.language, even_if_orders_fail=even_if_orders_fail
    )
    return store(template, words, user)


def checked(
    sources: Sources,
    shop: Shop,
    message_type: MessageType,
    language: str,
    *,
    even_if_orders_fail: bool = False,
) -> Checked:
    """Takes seconds: not for within a transaction. Merge tags of newsletter programs become Liquid.

    Raises ``Refused`` with what is wrong, and ``OrdersFail`` where only some of the latest orders
    would fail, unless they may.
    """
    problems = check_template(sources, message_type, language)
    if any(problem.refuses for problem in problems):
        raise Refused(problems)
    if not even_if_orders_fail:
        tried = try_on_orders(sources, message_type, shop, language)
        if tried.failures:
            raise OrdersFail(tried)
    liquid = all_in_liquid(sources, message_type.contract)
    return Checked(sources, liquid, _html(liquid, language))


def store(template: MessageTemplate, words: Checked, user: Any) -> TemplateVersion:
    """Makes the next version and puts it into use; what equals the current one makes no new one.

    A draft of these words is gone then; one of others stays, it may be a colleague's.
    """
    _shop_of(template)
    with transaction.atomic():
        row = _locked(template)
        version = row.current
        is_new = version is None or sources_of(version) != words.sources
        if version is None or is_new:
            version = _store(row, words, user)
        if is_new or not row.in_use:
            row.in_use = True
            row.save(update_fields=["in_use"])
            _note("template.saved", row, user, version=version.number)
        _end_draft(row, words.written)
    template.current, template.in_use = version, True
    return version


def _end_draft(template: MessageTemplate, saved: Sources) -> None:
    """In one statement: what is typed meanwhile stays."""
    words = {each.name: getattr(saved, each.name) for each in fields(saved)}
    TemplateDraft.objects.filter(template=template, **words).delete()


def _shop_of(template: MessageTemplate) -> Shop:
    """Raises ``ValueError`` for built-in words, which nobody changes."""
    if template.shop is None:
        raise ValueError("built-in templates are not changed")
    return template.shop


def _html(sources: Sources, language: str) -> str:
    """What the worker renders. Raises ``Refused``."""
    try:
        return compiled(sources, language)
    except TemplateError as error:
        raise Refused([told(error, "html")]) from error


def _store(template: MessageTemplate, words: Checked, user: Any) -> TemplateVersion:
    """The next version, which becomes the current one. The template's row is locked."""
    sources, html = words.sources, words.html
    newest = template.versions.order_by("-number").values_list("number", flat=True).first()
    parts = (*sources.parts().values(), html)
    template.current = TemplateVersion.objects.create(
        template=template,
        number=(newest or 0) + 1,
        subject=sources.subject,
        preheader=sources.preheader,
        html_source=sources.html_source,
        text=sources.text,
        sms=sources.sms,
        html=html,
        digest=hashlib.sha256("\0".join(parts).encode()).hexdigest(),
        created_by=user if getattr(user, "pk", None) else None,
    )
    template.save(update_fields=["current"])
    return template.current


def restore(version: TemplateVersion, user: Any) -> TemplateVersion:
    """An old version's words once more, as the newest version. Raises as ``save_version``."""
    return save_version(version.template, sources_of(version), user)


def set_in_use(template: MessageTemplate, in_use: bool, user: Any) -> None:
    """Whether the shop's own words are used, or the built-in ones again."""
    with transaction.atomic():
        row = _locked(template)
        if row.in_use != in_use:
            row.in_use = in_use
            row.save(update_fields=["in_use"])
            _note("template.used" if in_use else "template.unused", row, user)
    template.in_use = in_use


def _note(action: str, template: MessageTemplate, user: Any, **details: Any) -> None:
    AuditEntry.note(action, shop=template.shop, user=user, target=template, **details)
