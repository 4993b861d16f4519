"""The filters a template may use: the safe ones of python-liquid, and the shop's own.

The list is a list of what is allowed, so that a new version of the library adds nothing by itself.
Left out on purpose: `safe` (undoes escaping), `escapejs` (no scripts in mail), `base64_*`, `date`
of the library (its parser and its format widths are open-ended; ours takes ISO dates and a short
list of directives). Where the library's own way is quadratic or doubles before anybody can look
(`split`, `join`, `replace`, `uniq`, `strip_html`), the filter here is ours.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date as babel_date
from babel.numbers import NumberPattern, format_decimal
from liquid import Environment, Markup, RenderContext, escape, soft_str
from liquid.exceptions import FilterArgumentError
from liquid.filter import sequence_filter, string_filter, with_context

from .liquid_context import GuardedContext
from .liquid_guard import MAX_ITEMS, MAX_WEIGHT, TooLarge, spell
from .liquid_links import with_links

SHORT = 20_000
"""Characters for filters that work character by character in Python."""

_QUICK = """
    abs append at_least at_most capitalize ceil compact concat default divided_by downcase
    escape find find_index first floor has last lstrip map minus modulo newline_to_br plus
    prepend reject remove remove_first remove_last reverse round rstrip size slice sort
    sort_natural squish strip strip_newlines sum times truncate upcase where
"""
_SLOW = "escape_once truncatewords url_decode url_encode"
LIBRARY_FILTERS = dict.fromkeys(_QUICK.split(), MAX_WEIGHT) | dict.fromkeys(_SLOW.split(), SHORT)
"""Name → characters of input. Those of the library that stay as they are."""


class GuardedFilter:
    """A filter and how many characters it takes. Called by the parse tree, which weighs them."""

    def __init__(self, function: Callable[..., Any], limit: int) -> None:
        self.function = function
        self.limit = limit
        self.takes_context = getattr(function, "with_context", False)

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self.function(*args, **kwargs)


# Text and lists


@string_filter
def split(text: str, separator: object) -> list[str]:
    """Cut a text at each separator; one that would give more than 10,000 pieces is refused."""
    separator = "" if separator is None else soft_str(spell_undefined(separator))
    if not text or text == separator:
        return []
    if separator == "":
        if len(text) > MAX_ITEMS:
            raise TooLarge("this would be too many pieces", token=None)
        return list(text)
    pieces = text.split(None if separator == " " else separator, MAX_ITEMS)
    if len(pieces) > MAX_ITEMS:
        raise TooLarge("this would be too many pieces", token=None)
    return pieces


def spell_undefined(value: object) -> str:
    """Return an argument as text; an unknown name raises UndefinedError as it does in `{{ }}`."""
    return value if isinstance(value, str) else str(value)


@sequence_filter
def join(items: Iterable[object], separator: object = " ") -> str:
    """Join a list; under autoescape (items or separator are Markup) the parts are escaped."""
    glue = spell_undefined(separator)
    parts = [item if isinstance(item, str) else spell(item) for item in items]
    length = sum(map(len, parts)) + len(glue) * max(len(parts) - 1, 0)
    if length > MAX_WEIGHT:
        raise TooLarge("the joined text would be too long", token=None)
    return soft_str(glue).join(parts)


def _replaced(text: str, old: str, new: str, count: int) -> str:
    hits = text.count(old) if count < 0 else min(text.count(old), count)
    if len(text) + hits * max(len(escape(new)) - len(old), 0) > MAX_WEIGHT:
        raise TooLarge("the text would become too long", token=None)
    return text.replace(old, new, count)


@string_filter
def replace(text: str, old: object, new: object = "") -> str:
    """Replace each occurrence of `old`."""
    return _replaced(text, spell_undefined(old), spell_undefined(new), -1)


@string_filter
def replace_first(text: str, old: object, new: object = "") -> str:
    """Replace the first occurrence of `old`."""
    return _replaced(text, spell_undefined(old), spell_undefined(new), 1)


@string_filter
def replace_last(text: str, old: object, new: object) -> str:
    """Replace the last occurrence of `old`."""
    before, found, after = text.rpartition(spell_undefined(old) or "\0")
    return before + spell_undefined(new) + after if found else text


@sequence_filter
def uniq(items: Iterable[Any], key: object = None) -> list[object]:
    """Drop repeated items (or items with a repeated `key`), in linear time."""
    seen: set[str] = set()
    kept: list[object] = []
    for item in items:
        value = item if key is None else item.get(str(key)) if isinstance(item, dict) else None
        mark = f"{type(value).__name__}:{value!r}" if not isinstance(value, str) else f"s{value}"
        if mark not in seen:
            seen.add(mark)
            kept.append(item)
    return kept


_TAGS = re.compile(r"<[^<>]*>")


@string_filter
def strip_html(text: str) -> str:
    """Remove everything between angle brackets. The result is plain text, escaped when written."""
    plain = text.unescape() if isinstance(text, Markup) else text
    return _TAGS.sub("", plain)


@string_filter
def ljust(text: str, width: object) -> str:
    """Pad with blanks on the right to `width` (at most 200), for columns of the text part."""
    return text.ljust(_width(width))


@string_filter
def rjust(text: str, width: object) -> str:
    """Pad with blanks on the left to `width` (at most 200), for columns of the text part."""
    return text.rjust(_width(width))


def _width(width: object) -> int:
    if not isinstance(width, int) or not 0 <= width <= 200:
        raise FilterArgumentError("the width is a number from 0 to 200", token=None)
    return width


# Addresses and colours that come from data

_URL = re.compile(r"(?:https?://|mailto:|tel:)[^\s\x00-\x20\"'<>\\`]+", re.IGNORECASE)
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def safe_url(value: object) -> str:
    """Return the address if it is http(s), mailto or tel, else "#"."""
    return str(value) if isinstance(value, str) and _URL.fullmatch(value) else "#"


def safe_color(value: object, fallback: str = "#1f3d37") -> str:
    """Return the colour if it is written as #rgb or #rrggbb, else the fallback."""
    return str(value) if isinstance(value, str) and _COLOR.fullmatch(value) else fallback


# Amounts and dates, as the shop's language writes them


@lru_cache(maxsize=256)
def _locale(code: str) -> Locale:
    try:
        return Locale.parse(code.replace("-", "_"))
    except (ValueError, UnknownLocaleError) as error:
        raise FilterArgumentError(f"unknown language “{code[:20]}”", token=None) from error


def _setting(context: RenderContext, name: str, default: str) -> str:
    assert isinstance(context, GuardedContext)
    return context.setting(name, default)


def _language(context: RenderContext) -> str:
    return _setting(context, "locale", "en")


def _amount(value: object) -> Decimal:
    text = str(value)
    if len(text) > 60:
        raise TooLarge("this number is too large", token=None)
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise FilterArgumentError(f"“{text}” is not a number", token=None) from error
    if not amount.is_finite() or abs(amount.adjusted()) > 20:
        raise TooLarge("this number is too large", token=None)
    return amount


_CURRENCY = re.compile(r"[A-Z]{3}")


@lru_cache(maxsize=4096)
def _money(value: str, currency: str, language: str) -> str:
    if not _CURRENCY.fullmatch(currency):
        raise FilterArgumentError(f"unknown currency “{currency[:20]}”", token=None)
    # What `format_currency` does, without looking the locale and the pattern up each time.
    locale = _locale(language)
    pattern: NumberPattern = locale.currency_formats["standard"]
    return str(pattern.apply(_amount(value), locale, currency=currency))


@with_context
def money(value: object, currency: object = None, *, context: RenderContext) -> str:
    """Write an amount as the customer's language does: `1234.50` → `1 234,50 zł`."""
    if currency is None:
        currency = _setting(context, "currency", "EUR")
    return _money(str(value), str(currency), _language(context))


@with_context
def number(value: object, *, context: RenderContext) -> str:
    """Write a number as the customer's language does: `1234.5` → `1 234,5`."""
    return format_decimal(_amount(value), locale=_locale(_language(context)))


def _moment(value: object) -> dt.date:
    """Return a date or a datetime; times without a zone are the shop's own."""
    if isinstance(value, dt.date):
        return value
    text = str(value)
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 else dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise FilterArgumentError(f"“{text[:40]}” is not a date", token=None) from error


@lru_cache(maxsize=256)
def _zone(name: str) -> dt.tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise FilterArgumentError(f"unknown time zone “{name[:40]}”", token=None) from error


def _in_shop_time(value: object, context: RenderContext) -> dt.date:
    moment = _moment(value)
    if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
        return moment.astimezone(_zone(_setting(context, "time_zone", "UTC")))
    return moment


@lru_cache(maxsize=1024)
def _day(day: dt.date, style: str, language: str) -> str:
    return babel_date(day, style, locale=_locale(language))


_STYLES = frozenset({"short", "medium", "long", "full"})


def _style(style: object) -> str:
    if style not in _STYLES:
        raise FilterArgumentError("the style is short, medium, long or full", token=None)
    return str(style)


@with_context
def format_date(value: object, style: object = "long", *, context: RenderContext) -> str:
    """Write the day in the customer's language, as seen in the shop's time zone."""
    moment = _in_shop_time(value, context)
    day = moment.date() if isinstance(moment, dt.datetime) else moment
    return _day(day, _style(style), _language(context))


@with_context
def format_datetime(value: object, style: object = "long", *, context: RenderContext) -> str:
    """Write day and time in the customer's language, in the shop's time zone."""
    moment = _in_shop_time(value, context)
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.combine(moment, dt.time.min)
    language = _language(context)
    # "long" and "full" times spell the zone out; a customer needs hours and minutes.
    day = _day(moment.date(), _style(style), language)
    return f"{day}, {moment:%H:%M}"


_DIRECTIVES = re.compile(r"(?:[^%]|%-?[aAbBdHIjmMpSuwyY%])*")


@with_context
def date(value: object, pattern: object, *, context: RenderContext) -> str:
    """Write a date by a pattern such as `%d.%m.%Y`, for templates brought from elsewhere."""
    text = spell_undefined(pattern)
    if len(text) > 100 or not _DIRECTIVES.fullmatch(text):
        raise FilterArgumentError("unknown date pattern", token=None)
    return _in_shop_time(value, context).strftime(str(text))


OWN_FILTERS: dict[str, Callable[..., Any]] = {
    "date": date,
    "format_date": format_date,
    "format_datetime": format_datetime,
    "join": join,
    "ljust": ljust,
    "money": money,
    "number": number,
    "replace": replace,
    "replace_first": replace_first,
    "replace_last": replace_last,
    "rjust": rjust,
    "safe_color": safe_color,
    "safe_url": safe_url,
    "split": split,
    "strip_html": strip_html,
    "uniq": uniq,
    "with_links": with_links,
}


def allowed_filters(environment: Environment) -> dict[str, Callable[..., Any]]:
    """Return all filters of an environment, from those that the library registered on it."""
    filters: dict[str, Callable[..., Any]] = {}
    for name, limit in LIBRARY_FILTERS.items():
        function = environment.filters[name]
        if getattr(function, "with_environment", False):
            function = partial(function, environment=environment)
        filters[name] = GuardedFilter(function, limit)
    return filters | {name: GuardedFilter(own, MAX_WEIGHT) for name, own in OWN_FILTERS.items()}
