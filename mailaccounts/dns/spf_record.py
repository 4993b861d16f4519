"""The exact SPF record that lets us send, made of the one that is there.

Order and qualifiers stay; our ``include`` stands in it once, where it is read. Nothing here asks
DNS: whether the new record keeps within the limits is for ``spf_check``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from mailaccounts.dns.spf_syntax import VERSION, SpfError, Term, parse

LONGEST_STRING = 255  # bytes; RFC 1035, section 3.3
SOFTEST_LAST = "-~?"


class Change(StrEnum):
    KEPT = "kept"
    NEW = "new"
    REMOVED = "removed"


class Advice(StrEnum):
    """What to say beside a proposal, or instead of one."""

    SYNTAX = "syntax"
    MERGED = "merged"
    MERGE_BY_HAND = "merge-by-hand"
    MOVED = "moved"
    DOUBLE = "named-twice"
    EVERYONE = "everyone-may-send"
    NOBODY = "nobody-could-send"
    NO_END = "no-end"
    OLD_PTR = "ptr"
    LONG = "long"


ABOUT_THE_NEW = frozenset({Advice.MERGED, Advice.MOVED, Advice.DOUBLE, Advice.LONG})


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the comparison of the old record and the new one."""

    text: str
    change: Change

    def as_dict(self) -> dict[str, str]:
        return {"text": self.text, "change": self.change.value}


@dataclass(frozen=True, slots=True)
class Proposal:
    """``record`` is the whole new text, None where no single edit helps.

    ``replaces`` are the records it takes the place of: the first is edited, the others deleted.
    """

    record: str | None
    replaces: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()
    error: SpfError | None = None

    @property
    def changes(self) -> bool:
        return self.record is not None and self.replaces != (self.record,)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """From the first record to the new one."""
        if self.record is None:
            return ()
        return compare(self.replaces[0] if self.replaces else "", self.record)


def propose(found: Sequence[str], include: str) -> Proposal:
    """The record for a domain at which the SPF records ``found`` stand.

    ``include`` is the domain of our own record. A record that has it already comes back as it is.
    """
    if not found:
        return Proposal(f"{VERSION} a mx include:{include} -all")
    try:
        parsed = [parse(record) for record in found]
    except SpfError as error:
        return Proposal(None, tuple(found), (Advice.SYNTAX,), error)
    if len(parsed) > 1:
        return _merged(found, parsed, include)
    terms, advice = _with_include(parsed[0], include)
    kept = [term.text for term in terms] == [term.text for term in parsed[0]]
    record = found[0] if kept else _written(found[0], terms)
    return Proposal(record, tuple(found), (*advice, *_remarks(parsed[0], record)))


def names_include(record: str, include: str) -> bool:
    """True if our include stands in the record itself, whatever its place and qualifier."""
    try:
        return any(_is_ours(term, include) for term in parse(record))
    except SpfError:
        return False


def compare(old: str, new: str) -> tuple[Token, ...]:
    """Both records in one row of words."""
    before, after = old.split(), new.split()
    tokens: list[Token] = []
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            tokens += [Token(word, Change.KEPT) for word in before[start:end]]
            continue
        tokens += [Token(word, Change.REMOVED) for word in before[start:end]]
        tokens += [Token(word, Change.NEW) for word in after[new_start:new_end]]
    return tuple(tokens)


def txt_strings(record: str) -> list[str]:
    """The strings of a TXT record: at most 255 bytes each, cut behind a blank where there is one.

    DNS joins them without a space, so that the blank belongs to the string before.
    """
    parts: list[str] = []
    rest = record.encode()
    while len(rest) > LONGEST_STRING:
        blank = rest.rfind(b" ", 0, LONGEST_STRING) + 1
        cut = blank if blank else LONGEST_STRING
        parts.append(rest[:cut].decode())
        rest = rest[cut:]
    return [*parts, rest.decode()]


def zone_line(name: str, record: str) -> str:
    """The record as a line of a zone file."""
    escaped = (part.replace("\\", "\\\\").replace('"', '\\"') for part in txt_strings(record))
    return f"{name.rstrip('.')}. IN TXT " + " ".join(f'"{part}"' for part in escaped)


def _with_include(terms: tuple[Term, ...], include: str) -> tuple[list[Term], list[Advice]]:
    """Keeps the first of ours that works and no other, or puts one where it works."""
    ours = [term for term in terms if _is_ours(term, include)]
    end = next((at for at, term in enumerate(terms) if term.name == "all"), len(terms))
    alive = [term for term in terms[:end] if term in ours and term.passes]
    if alive:
        keep = next(at for at, term in enumerate(terms) if term is alive[0])
        others = [term for at, term in enumerate(terms) if at == keep or term not in ours]
        return others, [Advice.DOUBLE] if len(ours) > 1 else []
    rest = [term for term in terms if term not in ours]
    rest.insert(_place(rest), Term(f"include:{include}", "include", value=include))
    return rest, [Advice.MOVED] if ours else []


def _is_ours(term: Term, include: str) -> bool:
    return term.name == "include" and term.value.lower().rstrip(".") == include.lower().rstrip(".")


def _place(terms: list[Term]) -> int:
    """Where a mechanism is read by every receiver and disturbs nothing."""
    for name in ("all", "redirect"):
        for at, term in enumerate(terms):
            if term.name == name:
                return at
    last = max((at for at, term in enumerate(terms) if not term.modifier), default=-1)
    return last + 1


def _written(old: str, terms: Sequence[Term]) -> str:
    version = old.partition(" ")[0]
    return " ".join([version, *(term.text for term in terms)])


def _remarks(terms: Sequence[Term], record: str) -> list[Advice]:
    """What is not wrong but should be known."""
    ends = [term for term in terms if term.name == "all"]
    remarks: list[Advice] = []
    if ends and ends[0].passes:
        remarks.append(Advice.EVERYONE)
    if len(terms) == 1 and ends and ends[0].qualifier == "-":
        remarks.append(Advice.NOBODY)
    if not ends and not any(term.name == "redirect" for term in terms):
        remarks.append(Advice.NO_END)
    if any(term.name == "ptr" for term in terms):
        remarks.append(Advice.OLD_PTR)
    if len(record.encode()) > LONGEST_STRING:
        remarks.append(Advice.LONG)
    return remarks


def _merged(found: Sequence[str], parsed: list[tuple[Term, ...]], include: str) -> Proposal:
    """One record that lets all send whom either let; only where order cannot matter."""
    if not all(_is_plain(terms) for terms in parsed):
        return Proposal(None, tuple(found), (Advice.MERGE_BY_HAND,))
    terms: list[Term] = []
    for term in (term for record in parsed for term in record):
        if term.name != "all" and not any(_same(term, known) for known in terms):
            terms.append(term)
    ends = [term for record in parsed for term in record if term.name == "all"]
    if ends:
        terms.append(max(ends, key=lambda term: SOFTEST_LAST.index(term.qualifier)))
    whole, _advice = _with_include(tuple(terms), include)
    record = _written(found[0], whole)
    return Proposal(record, tuple(found), (Advice.MERGED, *_remarks(whole, record)))


def _is_plain(terms: tuple[Term, ...]) -> bool:
    """True if nothing but "all" refuses, and nothing leads away."""
    return all(
        term.qualifier in SOFTEST_LAST and bool(term.qualifier)
        if term.name == "all"
        else term.passes and term.name != "redirect"
        for term in terms
    )


def _same(one: Term, other: Term) -> bool:
    if one.modifier or other.modifier:
        return one.modifier and other.modifier and one.name == other.name
    return one.text.lstrip("+").lower() == other.text.lstrip("+").lower()
