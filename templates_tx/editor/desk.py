"""What lies before the editor: one message type of a shop in one language, and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from shops.models import Shop
from shops.models.shop import Language
from templates_tx.contract import FALLBACK_LANGUAGE
from templates_tx.dry_run import is_about_orders, sources_of
from templates_tx.message_types import SECTION_NAMES, MessageType
from templates_tx.models import MessageTemplate, TemplateDraft
from templates_tx.problems import Sources
from templates_tx.starter import starter


@dataclass(frozen=True, slots=True)
class Tab:
    """One language: whose words customers get in it. ``stand_in`` names the language they get."""

    code: str
    label: str
    is_own: bool = False
    stand_in: str = ""

    @property
    def tip(self) -> str:
        if self.is_own:
            return _("your own words")
        if self.stand_in:
            return _("no words of its own: %(language)s is sent") % {"language": self.stand_in}
        return _("built-in words")


@dataclass
class Desk:
    """``rows``: every template of the type that counts in the shop, by (own, language)."""

    shop: Shop
    type: MessageType
    language: str
    rows: dict[tuple[bool, str], MessageTemplate] = field(default_factory=dict)

    @property
    def own(self) -> MessageTemplate | None:
        return self.rows.get((True, self.language))

    @property
    def built_in(self) -> MessageTemplate | None:
        return self.rows.get((False, self.language))

    @property
    def draft(self) -> TemplateDraft | None:
        return getattr(self.own, "draft", None) if self.own else None

    @property
    def is_locked(self) -> bool:
        """There is nothing of the shop's own here: what is shown cannot be changed."""
        return self.own is None

    @property
    def shows_orders(self) -> bool:
        """A real order may be shown: what signs somebody in only ever has made-up values."""
        return is_about_orders(self.type) and not self.type.sensitive

    @property
    def number(self) -> int:
        """The last version that was saved; 0 before the first."""
        return self.own.current.number if self.own and self.own.current else 0

    @property
    def next_number(self) -> int:
        return self.number + 1

    @property
    def is_live(self) -> bool:
        """Customers get the shop's own words."""
        return self.own is not None and self.own.in_use and self.own.current is not None

    @cached_property
    def live(self) -> MessageTemplate | None:
        """The template that customers of this language get now (as ``plans`` decides)."""
        return self._sent_in(self.language)

    @property
    def sources(self) -> Sources:
        """What is being written: the draft, else the last version, else what is live."""
        if self.draft:
            return sources_of(self.draft)
        if self.own and self.own.current:
            return sources_of(self.own.current)
        return self.pattern

    @property
    def pattern(self) -> Sources:
        """What a first copy begins with (as ``saving`` decides)."""
        for language in (self.language, FALLBACK_LANGUAGE):
            found = self.rows.get((False, language))
            if found and found.current:
                return sources_of(found.current)
        return starter(self.type, self.language)

    def _sent_in(self, language: str) -> MessageTemplate | None:
        for each in (language, self.shop.language, FALLBACK_LANGUAGE):
            for own in (True, False):
                row = self.rows.get((own, each))
                if row and row.current and (row.in_use or not own):
                    return row
        return None

    @property
    def tabs(self) -> list[Tab]:
        """The shop's own language first."""
        codes = sorted(Language, key=lambda code: code != self.shop.language)
        return [self._tab(Language(code)) for code in codes]

    def _tab(self, language: Language) -> Tab:
        sent = self._sent_in(language)
        if sent is not None and sent.language == language:
            return Tab(language.value, str(language.label), is_own=not sent.is_built_in)
        stand_in = str(Language(sent.language).label) if sent else _("nothing")
        return Tab(language.value, str(language.label), stand_in=stand_in)

    @property
    def language_name(self) -> str:
        return str(Language(self.language).label)

    @property
    def section(self) -> str:
        return str(SECTION_NAMES[self.type.section][0])

    @property
    def standing(self) -> str:
        """Which version this is, and which one customers get."""
        numbers = {"next": self.next_number, "number": self.number}
        if self.is_locked:
            return _("built-in, locked") if self.built_in else self._tab_tip()
        if self.draft and self.is_live:
            text = _("draft of version %(next)d, version %(number)d is live")
        elif self.draft:
            text = _("draft of version %(next)d, not in use yet")
        elif self.is_live:
            text = _("version %(number)d is live")
        else:
            text = _("version %(number)d, not in use")
        return text % numbers

    def _tab_tip(self) -> str:
        return self._tab(Language(self.language)).tip


def desk_of(shop: Shop, message_type: MessageType, language: str) -> Desk:
    """In one query, whatever there is."""
    found = MessageTemplate.objects.filter(
        Q(shop=None) | Q(shop=shop), message_type=message_type.code
    ).select_related("current__created_by", "draft__saved_by")
    rows = {(not row.is_built_in, row.language): row for row in found.defer("current__html")}
    return Desk(shop, message_type, language, rows)


def person_name(user: Any) -> str:
    """Who somebody is for colleagues; staff that were deleted have no name."""
    return (user.get_full_name() or user.get_username()) if user else _("somebody")
