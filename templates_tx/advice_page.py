"""Reads rendered HTML the way a mail program does and notes what advice is given on.

A tokenizer of its own: `html.parser` of Python 3.13.0 takes a minute and a half for 100 kB of
`<a <a <a`. Here each character is consumed once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)"
    r"(?P<attributes>(?:[^>=]|=\s*+(?:\"[^\"]*+\"?|'[^']*+'?)?)*+)>?"
)
_ATTRIBUTE = re.compile(
    r"([^\s/=][^\s/=]*+)(?:\s*+=\s*+(?:\"([^\"]*+)\"?|'([^']*+)'?|([^\s\"']\S*+)?))?"
)
_RAW_END = {
    name: re.compile(rf"</{name}\b", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title")
}
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}+;?")
_AMOUNT = re.compile(
    r"[-−–]?\s?(?:(?:[^\W\d_]{1,3}|[$€£])\s?)?\d[\d\s.,]*(?:\s?(?:[^\W\d_]{1,3}\.?|[$€£]))?"
)
_CURRENCY = re.compile(r"[$€£]|zł|kč|kr|[.,]\d\d\b", re.IGNORECASE)
_INLINE = frozenset({"a", "abbr", "b", "em", "font", "i", "small", "span", "strong", "u", "wbr"})

type Attributes = dict[str, str]


@dataclass(frozen=True)
class Picture:
    attributes: Attributes

    @property
    def has_size(self) -> bool:
        """One of the two is enough: programs keep the proportions."""
        style = self.attributes.get("style", "")
        sizes = self.attributes.keys() & {"width", "height"}
        return bool(sizes) or re.search(r"(?<![\w-])(?:width|height)\s*:", style) is not None

    @property
    def is_pixel(self) -> bool:
        return {self.attributes.get("width"), self.attributes.get("height")} <= {"0", "1"}

    @property
    def is_small(self) -> bool:
        """A logo or a symbol by its size, in pixels."""
        sizes = [self.attributes.get(name, "") for name in ("width", "height")]
        return any(size.isdecimal() and len(size) < 3 and int(size) <= 64 for size in sizes)


@dataclass
class Row:
    """A row of a table, or (the first one) what stands outside all tables."""

    cells: list[list[str]] = field(default_factory=lambda: [[]])
    links: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)


@dataclass
class Page:
    """What a page holds. `prose`, `links` and `pictures` leave out rows with an amount.

    Those rows are the lines and the sums of an order: "Discount −20.00" is no offer there, and
    each product may have its picture and its link.
    """

    tags: set[str] = field(default_factory=set)
    attributes: list[tuple[str, Attributes]] = field(default_factory=list)
    """Of `html`, `link` and whatever carries an address."""
    css: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    all_pictures: list[Picture] = field(default_factory=list)

    @property
    def language(self) -> str:
        found = [value.get("lang", "") for name, value in self.attributes if name == "html"]
        return found[0].strip().lower()[:2] if found else ""

    @property
    def all_links(self) -> list[str]:
        return [
            value["href"]
            for name, value in self.attributes
            if name in ("a", "area") and "href" in value
        ]


def read(source: str) -> Page:
    """Read a page, in time linear to its length, whatever it holds."""
    reader = _Reader()
    for token in _tokens(source):
        if isinstance(token, str):
            reader.rows[-1].cells[-1].append(token)
        elif token["end"]:
            reader.end(token["name"].lower())
        else:
            reader.start(token["name"].lower(), token["attributes"])
    reader.end(reader.in_raw)
    while reader.rows:
        reader.end_row()
    return reader.page


def _tokens(source: str) -> Iterator[str | re.Match[str]]:
    """Yield texts and tags; comments are left out, what is in a `<style>` is one text."""
    position = 0
    while (start := source.find("<", position)) >= 0:
        yield source[position:start]
        tag = _TAG.match(source, start)
        if not tag:
            position = _after_no_tag(source, start)
            if position == start + 1:
                yield "<"
            continue
        yield tag
        position = tag.end()
        if (ends := _RAW_END.get(tag["name"].lower())) and not tag["end"]:
            end = ends.search(source, position)
            yield source[position : end.start() if end else len(source)]
            position = end.start() if end else len(source)
    yield source[position:]


def _after_no_tag(source: str, start: int) -> int:
    """Return where a comment or a declaration ends; what is neither is a `<` in the text."""
    if source.startswith("<!--", start):
        end = source.find("-->", start + 4)
        return end + 3 if end >= 0 else len(source)
    if source.startswith(("<!", "<?", "</"), start):
        end = source.find(">", start)
        return end + 1 if end >= 0 else len(source)
    return start + 1


class _Reader:
    """Fills a page. Rows nest; what is inside one belongs to the innermost."""

    def __init__(self) -> None:
        self.page = Page()
        self.rows = [Row()]
        self.in_raw = ""
        """The element whose text is not shown, while one is open: it has a cell of its own."""

    def start(self, name: str, written: str) -> None:
        self.page.tags.add(name)
        attributes = _attributes(written) if "=" in written or name == "img" else {}
        if style := attributes.get("style"):
            self.page.css.append(style)
        if name in ("html", "link", "a", "area"):
            self.page.attributes.append((name, attributes))
        if name in ("a", "area") and "href" in attributes:
            self.rows[-1].links.append(attributes["href"])
        elif name == "img":
            self.rows[-1].pictures.append(Picture(attributes))
        self._divide(name)

    def end(self, name: str) -> None:
        if name and name == self.in_raw:
            text = "".join(self.rows[-1].cells.pop())
            if name == "style":
                self.page.css.append(text)
            self.rows[-1].cells.append([])
            self.in_raw = ""
        elif name == "tr" and len(self.rows) > 1:
            self.end_row()
        elif name not in _INLINE:
            self.rows[-1].cells[-1].append(" ")

    def end_row(self) -> None:
        row = self.rows.pop()
        texts = [_tidy("".join(cell)) for cell in row.cells]
        self.page.shown += texts
        self.page.all_pictures += row.pictures
        if self.rows and any(map(is_amount, texts)):
            return
        self.page.prose += texts
        self.page.links += row.links
        self.page.pictures += row.pictures

    def _divide(self, name: str) -> None:
        if name == "tr":
            self.rows.append(Row())
        elif name in ("td", "th") or name in _RAW_END:
            self.rows[-1].cells.append([])
            self.in_raw = name if name in _RAW_END else ""
        elif name not in _INLINE:
            self.rows[-1].cells[-1].append(" ")


def _attributes(written: str) -> Attributes:
    """Return the attributes of a tag; where one is repeated, the first counts."""
    found: Attributes = {}
    for name, double, single, bare in _ATTRIBUTE.findall(written):
        found.setdefault(name.lower(), _unescaped(double or single or bare).strip())
    return found


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    # Python refuses to read a number of thousands of digits.
    return html.unescape(_LONG_REFERENCE.sub("\N{REPLACEMENT CHARACTER}", text))


def _tidy(text: str) -> str:
    return " ".join(_unescaped(text).split())


def is_amount(text: str) -> bool:
    """Return whether a cell says nothing but an amount of money."""
    if len(text) > 30 or not _AMOUNT.fullmatch(text):
        return False
    return _CURRENCY.search(text) is not None
