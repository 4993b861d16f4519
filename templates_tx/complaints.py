"""What the template language complains about, in words for the people who write templates."""

from __future__ import annotations

import re
from difflib import get_close_matches

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from liquid import Environment
from liquid.exceptions import LiquidError

_CLOSERS = ("else", "elsif", "when")

# What the library and the guard say → what staff read, with the parts that are named.
_READING: list[tuple[str, Promise]] = [
    (
        r"“(?P<name>[^”]*)” is never closed by “(?P<end>[^”]*)”",
        gettext_lazy("“%(name)s” is never closed by “%(end)s”."),
    ),
    (
        r"“(?P<name>[^”]*)” does not close “(?P<block>[^”]*)”",
        gettext_lazy("“%(name)s” does not close “%(block)s”, which is still open here."),
    ),
    (
        r"“(?P<name>[^”]*)” closes nothing",
        gettext_lazy("“%(name)s” closes nothing: what it belongs to is missing before it."),
    ),
    (r"unknown filter “(?P<name>[^”]*)”", gettext_lazy("There is no filter “%(name)s”.")),
    (
        rf"unexpected tag '(?P<name>{'|'.join(_CLOSERS)})'",
        gettext_lazy("“%(name)s” stands outside of the tag that it belongs to."),
    ),
    (
        r"unexpected tag '(?P<name>end\w*)'|expected tag (?P<end>end\w*), found",
        gettext_lazy("A tag is not closed, or closed twice, here."),
    ),
    (r"unexpected tag '(?P<name>.*)'", gettext_lazy("There is no tag “%(name)s”.")),
    (r"the tag “(?P<name>.*)” is not", gettext_lazy("There is no tag “%(name)s”.")),
    (r"missing tag name", gettext_lazy("The name of the tag is missing.")),
    (r"missing expression", gettext_lazy("Something is missing behind “%(found)s”.")),
    (
        r"expected end of expression, found|expected a comma separated",
        gettext_lazy(
            "“%(found)s” cannot stand here: perhaps a dot, a comma or “|” is missing before it."
        ),
    ),
    (
        r"expected a primitive expression|missing or unexpected path|expected an identifier, found "
        r"end|expected an infix",
        gettext_lazy("The name of a value is missing here."),
    ),
    (
        r"expected an identifier",
        gettext_lazy("A name of your own consists of letters, digits and “_”."),
    ),
    (r"expected '=', found", gettext_lazy("Write {%% assign name = value %%}.")),
    (r"expected in, found", gettext_lazy("Write {%% for item in list %%}.")),
    (
        r"expected 'reversed', 'offset' or 'limit'",
        gettext_lazy("Only “limit”, “offset” and “reversed” may follow the list."),
    ),
    (r"expected word, found", gettext_lazy("The name of a filter is missing behind “|”.")),
    (
        r"unexpected '?[“”„‘’«»]",
        gettext_lazy('Quotation marks have to be straight: " instead of “ or ”.'),
    ),
    (
        r"unexpected ['\"](?P<character>['\"])",
        gettext_lazy("A quotation mark is never closed here."),
    ),
    (
        r"unexpected ['\"](?P<character>.{1,20}?)['\"]",
        gettext_lazy("“%(character)s” cannot stand here."),
    ),
    (r"disallowed parentheses", gettext_lazy("Conditions have no parentheses.")),
    (
        r"disallowed not",
        gettext_lazy("There is no “not”: write {%% unless … %%} instead of {%% if not … %%}."),
    ),
    (
        r"nested too deeply|nesting limit|context depth",
        gettext_lazy("Tags stand in tags in tags here: too many in each other."),
    ),
    (
        r"a template has at most (?P<count>\d+)",
        gettext_lazy("This is too long: at most %(count)s characters."),
    ),
    (r"too many placeholders", gettext_lazy("There are too many placeholders in it.")),
    (r"this placeholder is too long", gettext_lazy("This placeholder is too long.")),
]
_RENDERING: list[tuple[str, Promise]] = [
    (r"“(?P<name>[^”]*)” is not known here", gettext_lazy("“%(name)s” is not known here.")),
    (
        r"“” is not an? (?:number|date)",
        gettext_lazy("A value may be empty here: write {%% if … %%} around it."),
    ),
    (r"“(?P<value>.*)” is not a number", gettext_lazy("“%(value)s” is not a number.")),
    (r"“(?P<value>.*)” is not a date", gettext_lazy("“%(value)s” is not a date.")),
    (r"unknown date pattern", gettext_lazy('This is no pattern of a date, such as "%%d.%%m.%%Y".')),
    (
        r"the style is short",
        gettext_lazy('A date is written "short", "medium", "long" or "full".'),
    ),
    (r"unknown currency “(?P<name>.*)”", gettext_lazy("“%(name)s” is no currency.")),
    (r"this is a group of values", gettext_lazy("This is a group of values: choose one of them.")),
    (
        r"takes too long",
        gettext_lazy("It takes too long to write this message: use fewer or smaller loops."),
    ),
    (
        r"too long|too much|too many|iteration limit|at most \d+ (?:turns|numbers)",
        gettext_lazy("The message becomes too long."),
    ),
    (
        r"not supported between",
        gettext_lazy(
            "A text cannot be compared with a number: write {%% assign amount = … | plus: 0 %%} "
            "before it and compare “amount”."
        ),
    ),
    (r"unexpected “(?P<name>.*)”", gettext_lazy("“%(name)s” stands outside of a loop.")),
    (
        r"(?P<name>\w+): .*argument|(?P<other>\w+): unknown argument",
        gettext_lazy("“%(name)s” has other values behind its colon."),
    ),
    (r"divi(?:de|sion).*zero", gettext_lazy("Nothing can be divided by zero.")),
    (r"layout has no", gettext_lazy("The layout has no {{ content }}.")),
    (
        r"“(?P<name>.*)” stands where no text can be",
        gettext_lazy("“%(name)s” stands where no text can be."),
    ),
    (
        r"a tag stands where none can be",
        gettext_lazy(
            "A tag such as {%% if %%} stands where none can be: put it around whole rows."
        ),
    ),
]


def in_words(said: str, found: str = "") -> str:
    """A sentence for staff. ``found``: what stands at the place of the complaint."""
    for pattern, words in (*_READING, *_RENDERING):
        if match := re.search(pattern, said):
            return str(words) % {**match.groupdict(""), "found": found[:60]}
    return _("This cannot be read: %(words)s") % {"words": said[:200]}


def instead(error: LiquidError, environment: Environment) -> str:
    """The filter or tag that was probably meant; empty if it is none of them."""
    said = str(error.message)
    if match := re.match(r"unknown filter “(.*)”", said):
        return closest(match[1], environment.filters)
    if match := re.match(r"unexpected tag '(\w+)'", said):
        named = [name for name in environment.tags if name.islower() and name.isalpha()]
        return "" if match[1] in _CLOSERS else closest(match[1], named)
    return ""


def closest(word: str, words: object) -> str:
    """The word that looks most like it; empty if none does."""
    found = get_close_matches(word[:80], list(words), 1, 0.6)  # type: ignore[call-overload]
    return str(found[0]) if found else ""
