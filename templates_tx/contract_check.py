"""Whether a template can fail: each name, loop and filter against its message type's contract.

``check_source`` looks at one part without any data; ``check_template`` at all of them, at what must
appear, and at what really comes out with everything there and with everything missing that may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from django.utils.translation import gettext as _
from liquid import RenderContext
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate

from templates_tx import defaults
from templates_tx.compiling import compile_html
from templates_tx.complaints import in_words, instead
from templates_tx.contract import FALLBACK_LANGUAGE, Contract, Kind
from templates_tx.contract_walk import Find, Walk
from templates_tx.liquid_env import GuardedEnvironment
from templates_tx.merge_tags import leftovers, translate
from templates_tx.message_types import MessageType
from templates_tx.problems import ERROR, WARNING, Lines, Problem, Sources
from templates_tx.rendering import Part, TemplateError, render_part
from templates_tx.samples import base_sample
from templates_tx.shapes import shapes_of

__all__ = ["ERROR", "WARNING", "Problem", "Sources", "check_source", "check_template"]

_ESCAPING = GuardedEnvironment(html=True)
_VERBATIM = GuardedEnvironment(html=False)
# How each part is rendered.
RENDERED_AS: dict[str, Part] = {
    "subject": "subject",
    "preheader": "html",
    "html": "html",
    "text": "text",
    "sms": "text",
}
LONGEST = 2.0
"""Seconds of trial renders: somebody waits for them."""
_SHORT = 80


def check_source(source: str, part: str, contract: Contract) -> list[Problem]:
    """Everything that is certainly wrong with one part, in the order of the source.

    One that cannot be read has one problem; ``suggestion`` fits what is underlined.
    """
    return _looked_at(source, part, contract)[0]


def _looked_at(written: str, part: str, contract: Contract) -> tuple[list[Problem], set[str]]:
    """The problems, and the contract's paths that are shown."""
    source = in_liquid(written, contract)
    problems, shown = _read(source, part, contract)
    problems += [_left_over(part, *found) for found in leftovers(source)]
    if source != written:
        problems = [_where_written(each, source, written) for each in problems]
    return problems, shown


def in_liquid(source: str, contract: Contract) -> str:
    """What is checked, kept and rendered: merge tags of newsletter programs are Liquid in it."""
    return translate(source, {*contract.fields(), *contract.lists()})


def all_in_liquid(sources: Sources, contract: Contract) -> Sources:
    """Each part as ``in_liquid`` gives it."""
    return sources.changed(lambda source: in_liquid(source, contract))


def _left_over(part: str, line: int, column: int, tag: str) -> Problem:
    words = _("“%(tag)s” means nothing here and would be sent as it is.") % {"tag": tag[:_SHORT]}
    return Problem(part, words, line, column, len(tag))


def _where_written(problem: Problem, source: str, written: str) -> Problem:
    """Lines are the same in what was written; within a line merge tags may be longer or shorter."""
    if problem.line is None or problem.column is None:
        return problem
    here, there = (text.split("\n")[problem.line - 1] for text in (source, written))
    if here == there:
        return problem
    underlined = here[problem.column - 1 :][: problem.length]
    at = there.find(underlined) if underlined else -1
    if at < 0:
        return replace(problem, column=None, length=0, suggestion="")
    return replace(problem, column=at + 1)


def _read(source: str, part: str, contract: Contract) -> tuple[list[Problem], set[str]]:
    lines = Lines(source)
    environment = _ESCAPING if RENDERED_AS[part] == "html" else _VERBATIM
    try:
        template = environment.parsed(source)
        walk = _walked(source, template, contract, environment)
    except LiquidError as error:
        return [_problem(_unreadable(error, source, environment), part, lines)], set()
    except RecursionError:
        return [Problem(part, in_words("nested too deeply"))], set()
    finds = sorted(walk.found.values(), key=lambda find: find.index)
    return [_problem(find, part, lines) for find in finds], walk.used


def _walked(
    source: str, template: BoundTemplate, contract: Contract, environment: GuardedEnvironment
) -> Walk:
    walk = Walk(source, shapes_of(contract), RenderContext(template), environment is _ESCAPING)
    walk.nodes(template.nodes)
    return walk


def _problem(find: Find, part: str, lines: Lines) -> Problem:
    if find.index < 0:
        return Problem(part, find.message, severity=find.severity, suggestion=find.suggestion)
    line, column = lines.place(find.index)
    length = find.length
    return Problem(part, find.message, line, column, length, find.severity, find.suggestion)


def _unreadable(error: LiquidError, source: str, environment: GuardedEnvironment) -> Find:
    token = error.token
    if token is None or token.source != source:
        return Find(-1, 0, in_words(str(error.message)))
    index, length, found = token.start_index, len(token.value), token.value
    if index < 0 or token.kind == "content":
        # Something is missing at the end of the tag before.
        end = index if index >= 0 else len(source)
        index = max(source.rfind("{%", 0, end), source.rfind("{{", 0, end), 0)
        length, found = end - index, source[index:end]
    words = in_words(str(error.message), found)
    return Find(index, min(length, _SHORT), words, instead(error, environment))


def check_template(sources: Sources, message_type: MessageType, language: str) -> list[Problem]:
    """All problems of a template; what must appear and does not is one of them.

    Trial renders come last, and only where nothing else refuses it.
    """
    problems, shown = [], {}
    for part, source in sources.parts().items():
        found, shown[part] = _looked_at(source, part, message_type.contract)
        problems += found
    problems += _missing_parts(sources)
    problems += _not_shown(sources, message_type.contract, shown)
    if not any(problem.refuses for problem in problems):
        liquid = all_in_liquid(sources, message_type.contract)
        problems += _tried(liquid, message_type.contract, language)
    return problems


def _missing_parts(sources: Sources) -> Iterator[Problem]:
    if not sources.subject.strip():
        yield Problem("subject", _("A message needs a subject."))
    if not sources.text.strip():
        yield Problem("text", _("A message needs a text: some people read no other part of it."))


def _not_shown(
    sources: Sources, contract: Contract, shown: Mapping[str, set[str]]
) -> Iterator[Problem]:
    labels = {each.path: each for each in contract.variables() if not each.of}
    for part in ("html", "text"):
        if not sources.parts()[part].strip():
            continue
        for path in contract.must_appear:
            if path not in shown[part] and path in labels:
                yield _must_show(part, path, str(labels[path].label), contract)


def _must_show(part: str, path: str, label: str, contract: Contract) -> Problem:
    rows = contract.lists().get(path)
    field = contract.fields().get(path)
    insert = f"{{{{ {path} }}}}"
    if rows is not None:
        shown = f"{{{{ {rows.item}.{rows.fields[0].name} }}}}"
        insert = f"{{% for {rows.item} in {path} %}}{shown}{{% endfor %}}"
    elif field is not None and field.kind == Kind.LINES:
        insert = f'{{{{ {path} | join: ", " }}}}'
    words = _("The message must show “%(label)s”: insert %(insert)s")
    return Problem(part, words % {"label": label, "insert": insert}, suggestion=insert)


def layout_for(language: str) -> str:
    """The frame in this language; in English where there are no words for it."""
    try:
        return defaults.layout(language)
    except FileNotFoundError:
        return defaults.layout(FALLBACK_LANGUAGE)


def compiled(sources: Sources, language: str) -> str:
    """The HTML that is rendered for each message; empty where there is none.

    Raises ``TemplateError``.
    """
    if not sources.html_source.strip():
        return ""
    return compile_html(sources.html_source, layout_for(language), sources.preheader)


def _tried(sources: Sources, contract: Contract, language: str) -> list[Problem]:
    """What is wrong with the first possible data that it fails for."""
    try:
        html = compiled(sources, language)
    except TemplateError as error:
        return [told(error, "html")]
    until = monotonic() + LONGEST
    for context in _possible(contract, language):
        if problems := list(_rendered(sources, html, context)):
            return problems
        if monotonic() > until:
            break
    return []


def _possible(contract: Contract, language: str) -> Iterator[dict[str, Any]]:
    """What a message of this type may know, beside what every one knows."""
    return (base_sample(language) | each for each in _complete_and_not(contract, language))


def _complete_and_not(contract: Contract, language: str) -> Iterator[dict[str, Any]]:
    """All of it there; nothing there that may be missing; each value missing by itself."""
    yield contract.sample(language)
    barest = contract.barest(language)
    yield barest
    for name, value in contract.sample(language).items():
        if not isinstance(value, dict):
            if value != barest[name]:
                yield contract.sample(language) | {name: barest[name]}
            continue
        for inner, usual in value.items():
            if usual != barest[name][inner]:
                yield contract.sample(language) | {name: {**value, inner: barest[name][inner]}}


def _rendered(sources: Sources, html: str, context: dict[str, Any]) -> Iterator[Problem]:
    failed = False
    for part, source in sources.parts().items():
        try:
            made = render_part(source, RENDERED_AS[part], context)
        except TemplateError as error:
            failed = True
            yield told(error, part)
        else:
            if part == "subject" and not made:
                yield Problem(part, _("The subject is empty where all values are that may be."))
    if html and not failed:
        try:
            render_part(html, "html", context)
        except TemplateError as error:
            yield Problem("html", in_words(error.message))


def told(error: TemplateError, part: str) -> Problem:
    """What went wrong when a part was compiled or rendered."""
    return Problem(part, in_words(error.message), error.line, error.column)
