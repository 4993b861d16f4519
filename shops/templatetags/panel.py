"""Template tags and filters of the panel: icons, states, times, money, form controls.

Whatever comes from outside is escaped here; none of these trusts its arguments.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency
from django import forms, template
from django.forms import BoundField
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

register = template.Library()
NOTHING = "–"
NO_BREAK_SPACE = "\u00a0"
TONES = frozenset({"ok", "warn", "bad", "acc", "idle", "hol", "out"})


@register.simple_tag
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """An icon of ``static/vendor/icons.txt``. Without ``label`` screen readers skip it."""
    spoken = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else mark_safe('aria-hidden="true"')
    )
    return format_html(
        '<svg class="ti{}" {}><use href="{}#{}"/></svg>',
        f" {css}" if css else "",
        spoken,
        static("postroom/icons.svg"),
        name,
    )


def tone_of(tone: str) -> str:
    """The colour class for ``tone``; raises ``ValueError`` for one that the style sheet lacks."""
    if tone not in TONES:
        raise ValueError(f"unknown tone {tone!r}: one of {', '.join(sorted(TONES))}")
    return tone


@register.simple_tag
def status_dot(tone: str, text: str, css: str = "") -> SafeString:
    """A state that changes: a dot with a word. ``tone``: ok, warn, bad, idle or hol (hollow)."""
    return format_html(
        '<span class="st{}"><span class="dot {}"></span>{}</span>',
        f" {css}" if css else "",
        tone_of(tone),
        text,
    )


@register.simple_tag
def badge(tone: str, text: str, sign: str = "") -> SafeString:
    """A lasting property or a check's result. ``tone``: ok, warn, bad, acc, idle or out."""
    drawn = icon(sign) if sign else ""
    return format_html('<span class="bdg {}">{}{}</span>', tone_of(tone), drawn, text)


@register.simple_block_tag
def captured(content: str) -> SafeString:
    """``{% captured as name %}…{% endcaptured %}``: what is between, to be shown more than once."""
    return mark_safe(content.strip())


def reader_locale() -> Locale:
    """The reader's language; English as written in Europe: 19 Nov, 24 hours."""
    language = get_language() or "en"
    try:
        return Locale.parse("en_GB" if language.startswith("en") else language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_GB")


def shop_zone(context: Context) -> tzinfo:
    shop = context.get("shop") or getattr(context.get("request"), "shop", None)
    return shop.zone if shop is not None else timezone.get_current_timezone()


def day_text(local: datetime, today: datetime, locale: Locale) -> str:
    skeleton = "MMMd" if local.year == today.year else "yMMMd"
    return format_skeleton(skeleton, local, tzinfo=local.tzinfo, locale=locale)


def moment_text(local: datetime, today: datetime, form: str) -> str:
    clock = f"{local:%H:%M:%S}" if form == "seconds" else f"{local:%H:%M}"
    if local.date() == today.date():
        return clock
    day = day_text(local, today, reader_locale())
    return day if form == "short" else f"{day} {clock}"


@register.simple_tag(takes_context=True)
def local_time(context: Context, moment: datetime | None, form: str = "short") -> SafeString:
    """A moment on the shop's clock: today the hour, earlier the date.

    ``form``: "short" (10:02 or 19 Nov), "long" (the hour also on earlier days), "seconds" (as
    "long" with seconds). The full date with its zone is the tooltip.
    """
    if moment is None:
        return format_html('<span class="t3">{}</span>', NOTHING)
    zone = shop_zone(context)
    local, today = moment.astimezone(zone), timezone.now().astimezone(zone)
    full = f"{format_date(local, 'long', locale=reader_locale())}, {local:%H:%M:%S %Z}"
    return format_html(
        '<time class="num nw" datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        full,
        moment_text(local, today, form),
    )


@register.simple_tag(takes_context=True)
def money(context: Context, amount: Decimal | None, currency: str) -> str:
    """An amount as the shop's own customers read it: 4 218,00 zł. None gives a dash."""
    if amount is None:
        return NOTHING
    shop = context.get("shop") or getattr(context.get("request"), "shop", None)
    locale = Locale.parse(shop.language) if shop is not None else reader_locale()
    return format_currency(amount, currency, locale=locale)


@register.filter
def count(number: int | None) -> str:
    """A plain number with thousands set apart: 5 627."""
    return NOTHING if number is None else f"{number:,}".replace(",", NO_BREAK_SPACE)


def control_class(widget: forms.Widget) -> str:
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return ""  # Django would put the class on the box around them as well.
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, forms.Select) else "form-control"


@register.filter
def control(field: BoundField, extra: str = "") -> SafeString:
    """A form field's control in the panel's dress; ``extra`` are further classes."""
    widget = field.field.widget
    attrs: dict[str, Any] = {
        "class": " ".join(
            part for part in (widget.attrs.get("class"), control_class(widget), extra) if part
        )
    }
    if "switch" in extra.split():
        attrs["role"] = "switch"
    return field.as_widget(attrs=attrs)


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def undo_url(message: Any) -> str:
    """Where a message's Undo posts to: ``messages.success(…, extra_tags=f"undo:{url}")``."""
    tags = str(getattr(message, "extra_tags", "") or "").split()
    return next((tag.removeprefix("undo:") for tag in tags if tag.startswith("undo:")), "")
