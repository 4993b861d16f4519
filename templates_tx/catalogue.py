"""A shop's messages as its staff see them: sections of rows, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.db.models import Count
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from mailaccounts.models import AccountState, SenderAccount
from maillog.filters import GROUPS
from maillog.forms import TROUBLE
from maillog.models import MailMessage
from maillog.states import Channel, State
from shops.models import Shop
from shops.search_text import fold
from shops.uuid7 import lowest_at
from templates_tx.assignments import Decision, decision_of, rows_of
from templates_tx.condition_words import delay_in_words, stored_in_words
from templates_tx.forms import DecisionForm
from templates_tx.message_types import SECTION_NAMES, MessageType, Section
from templates_tx.models import MessageTemplate, TemplateAssignment, TypeAttachment
from templates_tx.own_types import types_of

FAILURES_OF = timedelta(days=7)
LEFT = (State.SENT, State.BOUNCED, State.COMPLAINED)
_NEWEST = f"""(SELECT id FROM maillog_mailmessage
    WHERE shop_id = %s AND message_type = %s AND channel = '{Channel.EMAIL.value}'
        AND state IN ({", ".join(f"'{state.value}'" for state in LEFT)}) AND NOT is_test
    ORDER BY id DESC LIMIT 1)"""
ON, OFF, FAILING, OWN = "on", "off", "failures", "own"


@dataclass(slots=True)
class Notice:
    """What a row says after it was changed; ``undo_url`` is empty where there is no way back."""

    text: str
    undo_url: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that the shop has set and that the row shows as an icon with a title."""

    icon: str
    text: str


@dataclass(slots=True)
class MessageRow:
    type: MessageType
    decision: Decision
    form: DecisionForm
    # Languages with built-in words, and the shop's own templates that are in use, by language.
    languages: int
    own: dict[str, MessageTemplate] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    # The account in as few words as can be.
    leaves_from: str = ""
    # The chosen account cannot send, so mail leaves from the main one.
    account_is_off: bool = False
    last_sent_at: datetime | None = None
    failed: int = 0
    notice: Notice | None = None
    # Says much the same and is on: the reader is asked whether it stays on.
    question: MessageType | None = None
    goes_to: str = ""
    # Changed together with others, or ticked for it.
    just_changed: bool = False
    is_picked: bool = False

    @property
    def is_on(self) -> bool:
        return self.decision.is_on and not self.type.is_withdrawn

    @property
    def only_own(self) -> MessageTemplate | None:
        """The shop's own template, where it has just one."""
        return next(iter(self.own.values())) if len(self.own) == 1 else None

    @property
    def has_words(self) -> bool:
        """False for a type whose messages are held until somebody writes a template."""
        return bool(self.languages or self.own or self.type.is_handed_in)

    @property
    def key(self) -> str:
        """The code as part of an id in the page."""
        return self.type.code.replace(".", "-")

    def is_found_by(self, words: Iterable[str]) -> bool:
        names = SECTION_NAMES[self.type.section]
        texts = (self.type.name, self.type.polish_name, self.type.description, *names)
        text = fold(" ".join([self.type.code, *map(str, texts)]))
        return all(word in text for word in words)

    def is_in(self, show: str) -> bool:
        """Whether a tab of the page has it; every other word than theirs stands for all."""
        tabs = {
            ON: self.is_on,
            OFF: not self.is_on,
            FAILING: bool(self.failed),
            OWN: self.type.is_own,
        }
        return tabs.get(show, True)


@dataclass(slots=True)
class SectionOfRows:
    code: Section
    name: Promise
    polish: str
    rows: list[MessageRow]

    @property
    def on(self) -> int:
        return sum(row.is_on for row in self.rows)


@dataclass(slots=True)
class Catalogue:
    """Every message of one shop. ``sections()`` may be narrowed down, the counts never are."""

    rows: list[MessageRow]
    # From when on failures were counted.
    since: datetime
    # What any message may leave from.
    accounts: list[tuple[object, str]]

    def row(self, code: str) -> MessageRow:
        """Raises ``KeyError``."""
        return {row.type.code: row for row in self.rows}[code]

    def count(self, show: str) -> int:
        return sum(row.is_in(show) for row in self.rows)

    @property
    def all_sections(self) -> list[SectionOfRows]:
        return self.sections()

    def sections(self, text: str = "", show: str = "") -> list[SectionOfRows]:
        """Sections with the rows that ``text`` finds among those of a tab."""
        words = fold(text).split()
        kept = [row for row in self.rows if row.is_in(show) and row.is_found_by(words)]
        made = (
            SectionOfRows(
                code, *SECTION_NAMES[code], [row for row in kept if row.type.section == code]
            )
            for code in Section
        )
        return [section for section in made if section.rows]


def catalogue_of(shop: Shop) -> Catalogue:
    types = types_of(shop)
    codes = [each.code for each in types]
    accounts = list(SenderAccount.objects.for_shop(shop).defer("password"))
    decided, languages, own = rows_of(shop), _languages(codes), _own_templates(shop)
    since = _first_moment(shop)
    sent, failed, with_files = _last_sent(shop, codes), _failed(shop, since), _with_files(shop)
    rows = []
    for each in types:
        row = row_of(each, decided.get(each.code), accounts)
        row.marks = list(_marks(decided.get(each.code), each.code in with_files))
        row.languages, row.own = languages.get(each.code, 0), own[each.code]
        row.last_sent_at, row.failed = sent.get(each.code), failed.get(each.code, 0)
        rows.append(row)
    return Catalogue(rows, since, account_choices(accounts, None))


def row_of(
    message_type: MessageType, decided: TemplateAssignment | None, accounts: list[SenderAccount]
) -> MessageRow:
    decision = decision_of(message_type, decided)
    chosen = next((each for each in accounts if each.pk == decision.account), None)
    main = next((each for each in accounts if each.is_main), None)
    return MessageRow(
        message_type,
        decision,
        DecisionForm(
            message_type=message_type,
            accounts=account_choices(accounts, decision.account),
            initial=initial_of(decision),
            base=decision,
        ),
        languages=0,
        goes_to=_("Goes to %(whom)s.") % {"whom": message_type.recipient},
        leaves_from=chosen.label if chosen else main.from_address if main else "",
        account_is_off=chosen is not None and chosen.state != AccountState.ACTIVE,
    )


def _marks(decided: TemplateAssignment | None, has_files: bool) -> Iterator[Mark]:
    if decided is not None:
        if decided.copy_to_owner:
            yield Mark("mail-forward", _("Copy to the owner"))
        if decided.conditions:
            yield Mark("filter", stored_in_words(decided.conditions))
        if decided.delay_minutes:
            after = delay_in_words(decided.delay_minutes)
            yield Mark("clock-pause", _("Leaves %(after)s") % {"after": after})
    if has_files:
        yield Mark("paperclip", _("Files go along"))
    if decided is not None and any(decided.notes.values()):
        yield Mark("note", _("With a note of the shop"))


def initial_of(decision: Decision) -> dict[str, object]:
    return {
        "is_on": "on" if decision.is_on else "off",
        "account": decision.account or "",
        "reply_to": decision.reply_to,
        "copy_to_owner": "on" if decision.copy_to_owner else "off",
    }


def account_choices(accounts: list[SenderAccount], chosen: int | None) -> list[tuple[object, str]]:
    """The main account first, as “whichever it is”; then the others that may send.

    What is chosen now stays a choice, so that saving something else does not change it.
    """
    main = next((each for each in accounts if each.is_main), None)
    first = f"{main.from_address} · {_('main')}" if main else _("The main account")
    return [("", first), *_others(accounts, chosen)]


def _others(accounts: list[SenderAccount], chosen: int | None) -> Iterator[tuple[object, str]]:
    for each in accounts:
        words = f"{each.label} · {each.from_address}"
        if each.state == AccountState.ACTIVE and not each.is_main:
            yield each.pk, words
        elif each.pk == chosen:
            why = _("always") if each.state == AccountState.ACTIVE else _("switched off")
            yield each.pk, f"{words} · {why}"


def _languages(codes: list[str]) -> dict[str, int]:
    built_in = MessageTemplate.objects.filter(shop=None, message_type__in=codes).order_by()
    return dict(built_in.values_list("message_type").annotate(Count("id")))


def _own_templates(shop: Shop) -> dict[str, dict[str, MessageTemplate]]:
    """Code → language → the shop's template, where it is in use."""
    found: dict[str, dict[str, MessageTemplate]] = defaultdict(dict)
    rows = MessageTemplate.objects.for_shop(shop).filter(in_use=True).exclude(current=None)
    for row in rows.select_related("current").defer("current__html", "current__html_source"):
        found[row.message_type][row.language] = row
    return found


def _with_files(shop: Shop) -> set[str]:
    files = TypeAttachment.objects.for_shop(shop).order_by()
    return set(files.values_list("message_type", flat=True).distinct())


def _last_sent(shop: Shop, codes: list[str]) -> dict[str, datetime]:
    """One query, one index look-up for each type: grouping would read the whole log.

    Written by hand, because the ORM takes longer to build it than the database to answer.
    """
    newest = ", ".join([_NEWEST] * len(codes))
    rows = MailMessage.objects.raw(
        f"SELECT id, message_type, created_at FROM maillog_mailmessage WHERE id IN ({newest})",
        [value for code in codes for value in (shop.pk, code)],
    )
    return {row.message_type: row.created_at for row in rows}


def _failed(shop: Shop, since: datetime) -> dict[str, int]:
    """What the log shows under “Did not arrive” from ``since`` on."""
    rows = MailMessage.objects.for_shop(shop).filter(
        id__gte=lowest_at(since), state__in=GROUPS[TROUBLE], channel=Channel.EMAIL
    )
    return dict(rows.order_by().values_list("message_type").annotate(Count("id")))


def _first_moment(shop: Shop) -> datetime:
    """Midnight a week ago on the shop's calendar, as the log's own filter reads a date."""
    day = shop.local(timezone.now() - FAILURES_OF).date()
    return datetime.combine(day, time(), tzinfo=shop.zone)
