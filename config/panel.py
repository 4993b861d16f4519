"""The panel's frame: the menu as the reader sees it, the shops to switch to, who is looking.

Templates get it as ``panel``; nothing is read from the database before a template asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language_info

from config.menu import MENU, WHERE, Entry, Group
from shops.alarms import open_alarms
from shops.models import Alarm, Role, Shop

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An ``Entry`` as one reader sees it in one shop."""

    entry: Entry
    url: str
    current: bool = False
    count: int | None = None

    @property
    def name(self) -> str:
        """Safe as an id in HTML."""
        return self.entry.url_name.replace(":", "-")

    @property
    def words(self) -> str:
        """What "Find a page" looks through; the label comes first, see ``palette.js``."""
        found = (self.entry.label, self.entry.subtitle, *self.entry.synonyms)
        return "|".join(str(word) for word in found if word)


@dataclass(frozen=True, slots=True)
class MenuGroup:
    label: StrOrPromise
    items: tuple[MenuItem, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of a pop-up menu: a shop or a language."""

    value: str
    label: str
    url: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """An open alarm as one reader sees it; ``url`` is empty where they may not mend it."""

    alarm: Alarm
    url: str


def shop_url(name: str, shop: Shop) -> str:
    """Address of a page of ``shop``; empty if this installation has no such page."""
    try:
        return reverse(name, kwargs={"shop": shop.slug})
    except NoReverseMatch:
        return ""


def initials(name: str) -> str:
    """At most two letters for the round picture: "Marta Wilk" → "MW", "anna@shop.pl" → "A"."""
    words = name.partition("@")[0].replace(".", " ").replace("_", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def current_url(path: str, urls: Iterable[str]) -> str:
    """Which of the menu's ``urls`` the page at ``path`` belongs to: the longest that it lies under.

    A page that others lie under as well (the overview) is current only when it is itself shown.
    """
    known = list(urls)
    leaves = [url for url in known if not any(o != url and o.startswith(url) for o in known)]
    under = [url for url in known if path == url or (url in leaves and path.startswith(url))]
    return max(under, key=len, default="")


class PanelContext:
    """What ``panel/base.html`` shows around a page; each part is worked out when asked for."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def shop(self) -> Shop | None:
        """The shop whose page this is, as ``ShopScoped`` found it."""
        return getattr(self.request, "shop", None)

    @cached_property
    def role(self) -> Role | None:
        return getattr(self.request, "role", None)

    @cached_property
    def shops(self) -> list[Choice]:
        """The shops that the reader may switch to."""
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            return []
        return [
            Choice(shop.slug, shop.name, shop_url("panel:overview", shop), shop == self.shop)
            for shop in Shop.objects.for_user(user).only("slug", "name")
        ]

    @cached_property
    def menu(self) -> list[MenuGroup]:
        """Groups with at least one page that exists and that the reader's role may open."""
        if self.shop is None:
            return []
        groups = [MenuGroup(group.label, self._items(group)) for group in MENU]
        return [group for group in groups if group.items]

    @cached_property
    def _urls(self) -> dict[str, str]:
        if self.shop is None:
            return {}
        names = [entry.url_name for group in MENU for entry in group.entries]
        return {name: url for name in names if (url := shop_url(name, self.shop))}

    def _items(self, group: Group) -> tuple[MenuItem, ...]:
        here = current_url(self.request.path, self._urls.values())
        return tuple(
            MenuItem(entry, url, url == here, self._count(entry))
            for entry in group.entries
            if (url := self._urls.get(entry.url_name)) and self.may(entry.role)
        )

    def _count(self, entry: Entry) -> int | None:
        return entry.counter(self.shop) if entry.counter and self.shop else None

    def may(self, role: str) -> bool:
        return self.role is not None and self.role.covers(role)

    @cached_property
    def where_url(self) -> str:
        """Where the box "Where is my e-mail?" sends its ``q``."""
        if self.shop is None:
            return ""
        return next((url for name in WHERE if (url := shop_url(name, self.shop))), "")

    @cached_property
    def home_url(self) -> str:
        return (shop_url("panel:overview", self.shop) if self.shop else "") or "/"

    @cached_property
    def alarms(self) -> list[Notice]:
        """What waits under the bell, the most urgent first."""
        if self.shop is None:
            return []
        found = open_alarms(self.shop, operator=self.request.user.is_superuser)
        may_mend = self.may(Role.ACCOUNTS)
        return [Notice(alarm, alarm.path if may_mend else "") for alarm in found]

    @property
    def banner(self) -> Notice | None:
        """The one alarm above the content; all the others only wait under the bell."""
        return next((each for each in self.alarms if each.alarm.is_urgent), None)

    @cached_property
    def help_url(self) -> str:
        return shop_url("panel:help", self.shop) if self.shop else ""

    @cached_property
    def user_name(self) -> str:
        user = self.request.user
        return (user.get_full_name() or user.get_username()) if user.is_authenticated else ""

    @property
    def initials(self) -> str:
        return initials(self.user_name)

    @cached_property
    def languages(self) -> list[Choice]:
        """Each language under the name that its speakers give it."""
        here = getattr(self.request, "LANGUAGE_CODE", settings.LANGUAGE_CODE)
        return [
            Choice(code, get_language_info(code)["name_local"].capitalize(), current=code == here)
            for code, _name in settings.LANGUAGES
        ]


def panel(request: HttpRequest) -> dict[str, PanelContext]:
    """Context processor: gives every template ``panel``, at no cost until it is used."""
    return {"panel": PanelContext(request)}
