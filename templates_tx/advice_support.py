"""What mail programs do not show, as a table: what to look for, who does not show it, what to do.

Programs named here are those of most customers: Gmail, Outlook for Windows, Apple Mail.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .advice_page import Page


@dataclass(frozen=True)
class Feature:
    """`place` finds it in what staff wrote; `is_in` says whether a page has it."""

    code: str
    is_in: Callable[[Page], bool]
    place: re.Pattern[str]
    text: str | Promise


def _tags(code: str, names: str, text: str | Promise) -> Feature:
    wanted = frozenset(names.split())
    place = re.compile(rf"<(?:{'|'.join(wanted)})\b", re.IGNORECASE)
    return Feature(code, lambda page: not wanted.isdisjoint(page.tags), place, text)


def _css(code: str, pattern: str, text: str | Promise) -> Feature:
    found = re.compile(pattern, re.IGNORECASE)
    return Feature(code, lambda page: any(map(found.search, page.css)), found, text)


def _has_external_style(page: Page) -> bool:
    return any(
        name == "link" and "stylesheet" in value.get("rel", "").lower().split()
        for name, value in page.attributes
    )


def _has_embedded_picture(page: Page) -> bool:
    sources = (picture.attributes.get("src", "") for picture in page.all_pictures)
    return any(source[:5].lower() == "data:" for source in sources)


FEATURES = (
    _tags(
        "script",
        "script",
        _("Scripts (<script>) run in no mail program, and many filters refuse the message."),
    ),
    _tags(
        "form",
        "form input select textarea",
        _("Outlook shows no forms, others warn of them. Link to a page with the form instead."),
    ),
    _tags(
        "button",
        "button",
        _("A <button> does nothing in most mail programs. Make a link that looks like a button."),
    ),
    _tags(
        "video",
        "video audio",
        _("Gmail and Outlook play no video or sound. Show a picture that links to it."),
    ),
    _tags(
        "frame",
        "iframe frame object embed",
        _("Mail programs remove <iframe> and whatever is embedded. Link to the page instead."),
    ),
    _tags(
        "svg",
        "svg canvas math",
        _("Gmail and Outlook show no SVG drawings. Use a PNG or JPEG picture."),
    ),
    Feature(
        "style_sheet",
        _has_external_style,
        re.compile(r"<link\b", re.IGNORECASE),
        _("Mail programs load no style sheets (<link>). Write the rules in a <style> instead."),
    ),
    _css(
        "web_font",
        r"@font-face|@import",
        _("Gmail and Outlook load no fonts. The text will be shown in another one, so name one."),
    ),
    _css(
        "position",
        r"(?<![\w-])position\s{0,9}:",
        _("Gmail and Outlook ignore “position”. Place things by the rows of a table."),
    ),
    _css(
        "flex",
        r"(?<![\w-])display\s{0,9}:\s{0,9}(?:inline-)?(?:flex|grid)\b",
        _("Outlook knows neither “flex” nor “grid”. Put things side by side in a table."),
    ),
    _css(
        "background_image",
        r"(?<![\w-])background(?:-image)?\s{0,9}:[^;{}]{0,200}?url\(",
        _("Outlook shows no background pictures. Choose a background colour for it, too."),
    ),
    Feature(
        "embedded_picture",
        lambda page: _has_embedded_picture(page) or any("url(data:" in css for css in page.css),
        re.compile(r"\bdata:image", re.IGNORECASE),
        _("Gmail and Outlook show no pictures written into the text (data:). Link to a file."),
    ),
)
