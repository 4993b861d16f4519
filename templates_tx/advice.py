"""Advice on a message: does it answer one person's doing or does it sell, and will it be shown?

Nothing here refuses anything. The rules look at what was rendered for a sample, so that loops and
conditions are done with; lines are those of what staff wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .advice_page import Page, Picture, is_amount, read
from .advice_support import FEATURES
from .advice_words import found_in

MAX_SUBJECT = 78
"""Characters: what a mail program on a computer shows in its list (RFC 5322 §2.1.1)."""
MAX_LINKS = 6
MAX_BYTES = 102 * 1024
"""Where Gmail cuts a message off."""
ENOUGH_WORDS = 80
"""Visible characters from which a message with a picture is more than the picture."""
WORDS_PER_PICTURE = 100
MANY_PICTURES = 3
SHORT_TEXT = 40
NAMED = 3
"""How many of the words found are named."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence that says what was found and what to do. `line` counts in the HTML source."""

    code: str
    text: str
    line: int | None = None


@dataclass(frozen=True)
class Mail:
    """What was rendered, and what is known of it."""

    subject: str
    html: str
    text: str
    html_source: str

    @cached_property
    def page(self) -> Page:
        return read(self.html)

    @cached_property
    def source_page(self) -> Page:
        """What staff wrote: compiling drops some of what programs would not show."""
        return read(self.html_source)

    @cached_property
    def prose(self) -> list[str]:
        """Subject and running text; lines with an amount are lines and sums of an order."""
        if self.html.strip():
            return [self.subject, *self.page.prose]
        lines = self.text.splitlines()
        return [self.subject, *(line for line in lines if not _ends_in_an_amount(line))]

    @cached_property
    def shown(self) -> str:
        return " ".join(text for text in self.page.shown if text)

    def line(self, place: re.Pattern[str] | str) -> int | None:
        """Return the line of the HTML source where a pattern or a text first stands, if it does."""
        if isinstance(place, str):
            words = [re.escape(word) for word in place.split()]
            place = re.compile(r"\s{1,99}".join(words), re.IGNORECASE)
        found = place.search(self.html_source) if place.pattern else None
        return self.html_source.count("\n", 0, found.start()) + 1 if found else None


def advise(*, subject: str, html: str, text: str, html_source: str = "") -> list[Advice]:
    """Return what is to be said of a rendered message, at most one piece of advice of a kind.

    `html_source` is what staff wrote: lines are counted there. Time is linear to all lengths.
    """
    mail = Mail(subject, html, text, html_source)
    return [advice for rule in RULES for advice in rule(mail)]


def _ends_in_an_amount(line: str) -> bool:
    """Return whether the last column, or the last word or two, of a line of text is an amount."""
    words = line[-120:].split()
    return any(is_amount(" ".join(words[-count:])) for count in (1, 2, 3) if words)


def _subject(mail: Mail) -> Iterable[Advice]:
    subject = mail.subject.strip()
    if not subject:
        yield Advice("no_subject", _("The message has no subject. Say what it is about."))
    if len(subject) > MAX_SUBJECT:
        yield Advice(
            "long_subject",
            _("The subject has %(length)s characters, shown are about %(most)s. Shorten it.")
            % {"length": len(subject), "most": MAX_SUBJECT},
        )
    letters = [letter for letter in subject if letter.isalpha()]
    if len(letters) >= 6 and subject.isupper():
        yield Advice(
            "capitals", _("The subject is all in capitals, as spam is. Write it as a sentence.")
        )
    if subject.count("!") > 1:
        yield Advice(
            "exclamation_marks",
            _("The subject has several exclamation marks, as spam has. Leave them out."),
        )


def _words(mail: Mail) -> Iterable[Advice]:
    sentences = {
        "sale_words": _("“%(words)s” sounds like selling."),
        "cross_sell": _("“%(words)s” offers other products."),
        "campaign": _("“%(words)s” belongs in a campaign."),
    }
    what_to_do = _(
        "This message answers what one customer did and must not sell: leave it out, "
        "or send it with your newsletter to those who asked for it."
    )
    for code, sentence in sentences.items():
        if found := found_in(mail.prose, code, mail.page.language):
            said = sentence % {"words": _named(found)}
            yield Advice(code, f"{said} {what_to_do}", mail.line(found[0]))


def _unsubscribe(mail: Mail) -> Iterable[Advice]:
    found = found_in(mail.prose, "unsubscribe", mail.page.language)
    found += [link for link in mail.page.all_links if _UNSUBSCRIBE.search(link[:2_000])][:1]
    if found:
        yield Advice(
            "unsubscribe",
            _(
                "“%(words)s”: messages about an order need no way to unsubscribe, "
                "and who uses it would miss them. Leave it out."
            )
            % {"words": _named(found)},
            mail.line(found[0]),
        )


_UNSUBSCRIBE = re.compile(r"unsub(?:scribe)?\b|opt-?out\b|list-manage\.", re.IGNORECASE)


def _named(found: list[str]) -> str:
    return "”, “".join(text[:60] for text in found[:NAMED])


def _links(mail: Mail) -> Iterable[Advice]:
    links = {link for link in mail.page.links if _scheme(link) in ("http", "https")}
    if len(links) > MAX_LINKS:
        yield Advice(
            "many_links",
            _("The message has %(count)s links. Keep those that the customer needs now.")
            % {"count": len(links)},
        )
    for code, (is_meant, text) in _ADDRESSES.items():
        found = next((link for link in mail.page.all_links if is_meant(link)), None)
        if found is not None:
            values = {"link": found[:80]}
            yield Advice(code, str(text) % values, mail.line(found[:200]))


def _scheme(link: str) -> str:
    """Return the scheme as programs read it, without the blanks and controls inside it."""
    word, colon, _rest = re.sub(r"[\x00-\x20]", "", link[:200]).partition(":")
    return word.lower() if colon else ""


_ADDRESSES: dict[str, tuple[Callable[[str], bool], str | Promise]] = {
    "unsafe_link": (
        lambda link: _scheme(link) in ("javascript", "vbscript", "data", "file"),
        gettext_lazy("The link “%(link)s” works in no mail program. Give the address of a page."),
    ),
    "insecure_link": (
        lambda link: _scheme(link) == "http",
        gettext_lazy("The link “%(link)s” is not encrypted. Write https:// if the page has it."),
    ),
    "dead_link": (
        lambda link: link in ("", "#"),
        gettext_lazy("A link leads nowhere (“%(link)s”). Give it an address or leave it out."),
    ),
}


def _pictures(mail: Mail) -> Iterable[Advice]:
    pictures = [picture for picture in mail.page.pictures if not picture.is_pixel]
    visible = len(mail.shown)
    if visible < ENOUGH_WORDS and any(not picture.is_small for picture in pictures):
        yield Advice(
            "all_picture",
            _("The message is nearly all picture. Many programs hide pictures: write it as text."),
        )
    elif len(pictures) >= MANY_PICTURES and visible < WORDS_PER_PICTURE * len(pictures):
        yield Advice(
            "many_pictures",
            ngettext(
                "%(count)s picture is much for so little text. Keep what the customer needs.",
                "%(count)s pictures are much for so little text. Keep what the customer needs.",
                len(pictures),
            )
            % {"count": len(pictures)},
        )
    yield from _picture_attributes(mail, mail.page.all_pictures)


def _picture_attributes(mail: Mail, pictures: list[Picture]) -> Iterable[Advice]:
    place = re.compile(r"<(?:mj-image|img)\b", re.IGNORECASE)
    if not all(picture.has_size for picture in pictures):
        text = _("A picture has no width. Outlook shows it as large as the file is: give it one.")
        yield Advice("picture_size", text, mail.line(place))
    if not all("alt" in picture.attributes for picture in pictures):
        text = _("A picture has no text for who does not see it. Describe it in “alt”.")
        yield Advice("picture_text", text, mail.line(place))


def _text_part(mail: Mail) -> Iterable[Advice]:
    text = mail.text.strip()
    if not text:
        yield Advice(
            "no_text",
            _("There is no text part. Some programs show only that, and filters look for it."),
        )
    elif len(text) < SHORT_TEXT and len(mail.shown) > 4 * SHORT_TEXT:
        yield Advice(
            "short_text", _("The text part says much less than the HTML. Write the same in it.")
        )
    elif _is_forgotten(mail):
        yield Advice(
            "other_text",
            _("Numbers and links of the HTML are missing in the text part. Was it forgotten?"),
        )


_NUMBER = re.compile(r"\d[\d.,]*\d")
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")


def _is_forgotten(mail: Mail) -> bool:
    """Fewer than one in four of the numbers and links stands in the text part."""
    links = {link for link in mail.page.all_links if _scheme(link) in ("http", "https")}
    facts = links | {number for number in _NUMBER.findall(mail.shown) if len(number) > 2}
    in_text = facts.intersection(_NUMBER.findall(mail.text) + _ADDRESS.findall(mail.text))
    return len(in_text) * 4 < len(facts)


def _support(mail: Mail) -> Iterable[Advice]:
    if len(mail.html.encode(errors="replace")) > MAX_BYTES:
        yield Advice(
            "clipped", _("The HTML is larger than 102 kB. Gmail cuts the message off: shorten it.")
        )
    if "html" in mail.page.tags and not mail.page.language:
        yield Advice(
            "language",
            _('The HTML does not say its language. Write <html lang="…">: it is read aloud by it.'),
            mail.line(re.compile(r"<html\b", re.IGNORECASE)),
        )
    for feature in FEATURES:
        if feature.is_in(mail.page) or feature.is_in(mail.source_page):
            yield Advice(feature.code, str(feature.text), mail.line(feature.place))


RULES: tuple[Callable[[Mail], Iterable[Advice]], ...] = (
    _words,
    _unsubscribe,
    _subject,
    _links,
    _pictures,
    _text_part,
    _support,
)
