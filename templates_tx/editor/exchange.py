"""A message type's words as one file: taken out of one shop, put into another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shops.models import Shop
from shops.models.shop import Language
from shops.storable import storable
from templates_tx.editor.forms import MOST
from templates_tx.message_types import MessageType
from templates_tx.models import MessageTemplate, TemplateVersion
from templates_tx.problems import PART_NAMES, Problem, Sources
from templates_tx.saving import Checked, OrdersFail, Refused, checked, own_row, store

FORMAT = 1
MOST_BYTES = 1_000_000
# Names in the file → names in ``Sources``.
PARTS = {
    "subject": "subject",
    "preheader": "preheader",
    "html": "html_source",
    "text": "text",
    "sms": "sms",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with words, or with the file that they are in.

    ``language``: whose words; empty for the whole file.
    """

    text: str
    language: str = ""
    line: int | None = None
    part: str = ""

    @property
    def place(self) -> str:
        """Language, part and line, as far as they are known: “Polish, HTML, line 2”."""
        place = [str(Language(self.language).label)] if self.language else []
        if self.part:
            place.append(str(PART_NAMES[self.part]))
        if self.line:
            place.append(_("line %(line)d") % {"line": self.line})
        return ", ".join(place)


class NotTaken(Exception):
    """Nothing of the file was stored. ``only_orders``: it may be saved all the same."""

    def __init__(self, faults: list[Fault], *, only_orders: bool = False) -> None:
        super().__init__("; ".join(fault.text for fault in faults))
        self.faults, self.only_orders = faults, only_orders


def exported(shop: Shop, message_type: MessageType) -> dict[str, Any] | None:
    """Every language whose customers get words of the shop's own; None if there is none.

    What is imported is used: words that are not in use here would be, there.
    """
    mine = MessageTemplate.objects.for_shop(shop).filter(message_type=message_type.code)
    rows = mine.filter(in_use=True)
    found = {
        row.language: {name: getattr(row.current, source) for name, source in PARTS.items()}
        for row in rows.exclude(current=None).select_related("current")
    }
    if not found:
        return None
    return {"postroom": FORMAT, "code": message_type.code, "languages": found}


def file_name(shop: Shop, message_type: MessageType) -> str:
    return f"{shop.slug}-{message_type.code}.json"


def read(upload: UploadedFile[Any], message_type: MessageType) -> dict[str, Sources]:
    """Language → words. Raises ``NotTaken`` for what is no such file."""
    if (upload.size or 0) > MOST_BYTES:
        raise _refused(_("The file is larger than 1 MB."))
    try:
        given = json.loads(upload.read().decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise _refused(_("This is no JSON file. Choose one that was exported here.")) from None
    if not isinstance(given, dict) or "postroom" not in given:
        raise _refused(_("This is no file with words of a message."))
    if given["postroom"] != FORMAT:
        raise _refused(_("The file is of a newer format than this installation can read."))
    if given.get("code") != message_type.code:
        values = {"theirs": storable(str(given.get("code"))[:80]), "ours": message_type.code}
        raise _refused(_("The file is for “%(theirs)s”, this message is “%(ours)s”.") % values)
    languages = given.get("languages")
    if not isinstance(languages, dict) or not languages:
        raise _refused(_("The file holds no words."))
    return _languages(languages)


def _refused(text: str) -> NotTaken:
    return NotTaken([Fault(text)])


def _languages(given: dict[str, Any]) -> dict[str, Sources]:
    faults, made = [], {}
    for code, words in given.items():
        if code not in Language.values:
            text = _("The language “%(code)s” is not known here.") % {"code": storable(code[:20])}
            faults.append(Fault(text))
        elif not isinstance(words, dict) or not all(
            _is_text(words.get(name, "")) for name in PARTS
        ):
            faults.append(Fault(_("Its words are no text, or too long."), code))
        else:
            made[code] = _sources(words)
    if faults:
        raise NotTaken(faults)
    return made


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST


def _sources(words: dict[str, str]) -> Sources:
    texts = {source: words.get(name, "") for name, source in PARTS.items()}
    return Sources(**{name: storable(text.replace("\r\n", "\n")) for name, text in texts.items()})


def take(
    given: dict[str, Sources],
    shop: Shop,
    message_type: MessageType,
    user: AbstractUser,
    *,
    even_if_orders_fail: bool = False,
) -> list[TemplateVersion]:
    """A new version in each language, or, as ``NotTaken``, every reason why there is none."""
    good: dict[str, Checked] = {}
    faults: list[Fault] = []
    only_orders = True
    for language, sources in given.items():
        try:
            good[language] = checked(
                sources, shop, message_type, language, even_if_orders_fail=even_if_orders_fail
            )
        except OrdersFail as failing:
            faults.append(Fault(orders_sentence(failing), language))
        except Refused as refused:
            only_orders = False
            faults += [fault_of(each, language) for each in refused.problems]
    if faults:
        raise NotTaken(faults, only_orders=only_orders)
    with transaction.atomic():
        return [
            store(own_row(shop, message_type, language), words, user)
            for language, words in good.items()
        ]


def fault_of(problem: Problem, language: str) -> Fault:
    return Fault(problem.message, language, problem.line, problem.part)


def orders_sentence(failing: OrdersFail) -> str:
    """Fails for 3 of 50 orders: 10482, 10477, 10391."""
    run = failing.dry_run
    numbers = list(dict.fromkeys(each.order_number for each in run.failures))
    return ngettext(
        "Fails for %(n)d of %(all)d order: %(numbers)s.",
        "Fails for %(n)d of %(all)d orders: %(numbers)s.",
        run.tried,
    ) % {"n": len(numbers), "all": run.tried, "numbers": ", ".join(numbers)}
