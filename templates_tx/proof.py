"""Proves templates before customers meet them: everything is rendered, and the mail is read back.

Each template is rendered with its sample, with everything empty that may be, and with generated
data. What comes out must have a subject and a text, and the mail that is made of it must say the
same to two parsers that share no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

from django.db import connection

from maillog.mime import Mailbox, MailParts, build, strict
from templates_tx import defaults, message_types
from templates_tx.contract import Contract
from templates_tx.generated import generated
from templates_tx.models import MessageTemplate
from templates_tx.own_types import find
from templates_tx.rendering import Parts, Rendered, TemplateError, render_all

ORDERS = 20
_SENT_AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A template as it would be rendered, whoever wrote it. ``name`` says which to a person."""

    name: str
    code: str
    language: str
    parts: Parts
    contract: Contract


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one template, and with which data it shows."""

    template: str
    data: str
    problem: str


@dataclass(slots=True)
class Report:
    """``rendered`` counts messages, each in all its parts."""

    types: int
    languages: list[str]
    rendered: int
    failed: list[Fault]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def candidates() -> Iterator[Candidate]:
    """The built-in templates of this release, then every shop's own that is in use."""
    for code, language in defaults.every():
        made = defaults.load(code, language)
        contract = message_types.get(code).contract
        yield Candidate(f"{code}/{language}", code, language, made.parts, contract)
    for row in own_templates():
        assert row.shop is not None and row.current is not None
        parts = Parts(row.current.subject, row.current.html, row.current.text)
        name = f"{row.shop.slug}: {row.message_type}/{row.language}"
        try:
            contract = find(row.message_type, row.shop).contract
        except message_types.UnknownMessageType:
            continue  # an app that had registered it is gone; nothing is sent with it
        yield Candidate(name, row.message_type, row.language, parts, contract)


def own_templates() -> list[MessageTemplate]:
    """Every shop's templates that are in use; none where no database has been set up yet."""
    if MessageTemplate._meta.db_table not in connection.introspection.table_names():
        return []
    rows = MessageTemplate.objects.exclude(shop=None).filter(in_use=True).exclude(current=None)
    return list(rows.select_related("current", "shop"))


def prove(orders: int = ORDERS) -> Report:
    """Renders every template with its samples and with ``orders`` generated contexts."""
    report = Report(0, [], 0, [])
    codes, languages = set(), set()
    for candidate in candidates():
        codes.add(candidate.code)
        languages.add(candidate.language)
        for name, context in _contexts(candidate, orders):
            report.rendered += 1
            if problem := fault_in(candidate.parts, context):
                report.failed.append(Fault(candidate.name, name, problem))
    report.types, report.languages = len(codes), sorted(languages)
    return report


def _contexts(candidate: Candidate, orders: int) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "sample", candidate.contract.sample(candidate.language)
    yield "everything empty", candidate.contract.barest(candidate.language)
    for seed in range(1, orders + 1):
        context = generated(candidate.contract, candidate.language, seed)
        yield f"generated order {seed}", context


def fault_in(parts: Parts, context: dict[str, Any]) -> str:
    """What is wrong with the message that ``parts`` make of ``context``; empty if nothing is."""
    try:
        rendered = render_all(parts, context)
    except (TemplateError, ValueError) as error:
        return str(error)
    if not rendered.subject:
        return "the subject is empty"
    if not rendered.text.strip():
        return "there is no text part"
    try:
        content = build(mail_of(rendered)).content
        return _disagreement(rendered, content)
    except ValueError as error:
        return f"no mail can be made of it: {error}"


def mail_of(rendered: Rendered) -> MailParts:
    """The mail as a shop would send it to one customer."""
    return MailParts(
        from_name="Rowerownia",
        from_address="sklep@rowerownia.example",
        to=(Mailbox("anna@klient.example", "Anna Wiśniewska"),),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        message_id="<1@rowerownia.example>",
        date=_SENT_AT,
        is_automatic=True,
    )


def _disagreement(rendered: Rendered, content: bytes) -> str:
    """Where the two parsers, or one of them and what was rendered, differ."""
    wanted = (rendered.subject, *map(_lines, (rendered.text, rendered.html)))
    for name, found in (("email", _by_email(content)), ("strict", _by_strict(content))):
        for what, ours, theirs in zip(("subject", "text", "HTML"), wanted, found, strict=True):
            if ours != theirs:
                return f"the parser “{name}” reads another {what}"
    return ""


def _by_email(content: bytes) -> tuple[str, str, str]:
    mail = message_from_bytes(content, policy=policy.default)
    leaves = {
        part.get_content_type(): _lines(part.get_content())
        for part in mail.walk()
        if not part.is_multipart()
    }
    return str(mail["Subject"]), leaves.get("text/plain", ""), leaves.get("text/html", "")


def _by_strict(content: bytes) -> tuple[str, str, str]:
    mail = strict.parse(content)
    leaves = {leaf.kind: _lines(leaf.payload.decode()) for leaf in mail.leaves()}
    subject = strict.decode_words(mail.get("Subject"))
    return subject, leaves.get("text/plain", ""), leaves.get("text/html", "")


def _lines(text: str) -> str:
    """A text as mail carries it: its kind of line end, and how many end it, mean nothing."""
    return re.sub(r"\r\n?", "\n", text).rstrip("\n")
