"""Merge tags of newsletter programs, `*|ORDER_NUMBER|*`, as Liquid: done when a template is saved.

Works on what staff wrote and never on data: a `*|X|*` in a customer's name stays what it is.
Nothing moves to another line, so that errors name the line that the author sees.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_START = re.compile(r"\{[{%]|\*\|")
_TAG = re.compile(r"\*\|(?:(?P<inner>[^|*\r\n{}]{1,200})\|\*|[A-Za-z][\w:.]{0,60})")
"""A tag, or (without `inner`) the beginning of one that is never closed."""
_BLOCK = re.compile(r"\{%-?\s*(?P<name>raw|comment)\s*-?%\}")
_END = {name: re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}") for name in ("raw", "comment")}

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset({"blank", "empty", "false", "nil", "null", "true"}) | {
    "and",
    "in",
    "not",
    "or",
}
_CONDITION = re.compile(r"(?P<name>[\w.:]+?)\s*(?:(?P<sign>!=|=)\s*(?P<value>[^\"<>&]*))?")
_FILTERS = {"UPPER": "upcase", "LOWER": "downcase", "TITLE": "capitalize"}

ALIASES = {
    "COMPANY": "shop.name",
    "EMAIL_ADDRESS": "customer.email",
    "EMAIL": "customer.email",
    "FIRSTNAME": "customer.first_name",
    "FIRST_NAME": "customer.first_name",
    "FNAME": "customer.first_name",
    "FULLNAME": "customer.name",
    "FULL_NAME": "customer.name",
    "INVOICE_LINK": "order.invoice_url",
    "INVOICE_URL": "order.invoice_url",
    "LASTNAME": "customer.last_name",
    "LAST_NAME": "customer.last_name",
    "LIST:ADDRESS": "shop.address",
    "LIST:COMPANY": "shop.name",
    "LIST:EMAIL": "shop.email",
    "LIST:NAME": "shop.name",
    "LIST:PHONE": "shop.phone",
    "LIST:URL": "shop.url",
    "LNAME": "customer.last_name",
    "MC:SUBJECT": "subject",
    "MERGE0": "customer.email",
    "MERGE1": "customer.first_name",
    "MERGE2": "customer.last_name",
    "NAME": "customer.name",
    "ORDERID": "order.number",
    "ORDER_ID": "order.number",
    "ORDER_NO": "order.number",
    "SHOP": "shop.name",
    "SURNAME": "customer.last_name",
    "TRACKING_LINK": "order.tracking_url",
    "TRACKING_NUMBER": "order.tracking_number",
    "TRACKING_URL": "order.tracking_url",
}
"""What Mailchimp, Mandrill and Ecomail call it → what it is called here, where that is known."""


def translate(source: str, known: Collection[str]) -> str:
    """Return the source with its merge tags as Liquid; what has no meaning here stays.

    `known` are the names of the message type (`order.number`) and those of values handed in; they
    win over aliases. A name that is not known is kept as it is written: it has to be handed in.
    """
    translator = _Translator(known)
    pieces, end = [], 0
    for tag in _tags(source):
        liquid = translator.liquid((tag["inner"] or "").strip())
        pieces += [source[end : tag.start()], liquid or tag[0]]
        end = tag.end()
    return "".join([*pieces, source[end:]])


def leftovers(source: str) -> list[tuple[int, int, str]]:
    """Return line, column (both from 1) and text of each merge tag that would be sent as it is."""
    found: list[tuple[int, int, str]] = []
    line, line_start, position = 1, 0, 0
    for tag in _tags(source):
        line += source.count("\n", position, tag.start())
        line_start = source.rfind("\n", position, tag.start()) + 1 or line_start
        position = tag.start()
        found.append((line, position - line_start + 1, tag[0]))
    return found


def _tags(source: str) -> Iterator[re.Match[str]]:
    """Merge tags, and beginnings of some, outside `{{ }}`, `{% %}`, raw blocks and comments."""
    position = 0
    while start := _START.search(source, position):
        if start[0] != "*|":
            position = _after_liquid(source, start.start())
            continue
        if tag := _TAG.match(source, start.start()):
            yield tag
        position = (tag or start).end()


def _after_liquid(source: str, start: int) -> int:
    """Return where the markup, or the raw block or comment, that begins at `start` has ended.

    What is never closed reaches to the end of the source: saving it will say so.
    """
    block = _BLOCK.match(source, start)
    if block:
        end = _END[block["name"]].search(source, block.end())
        return end.end() if end else len(source)
    closed = source.find("}}" if source[start + 1] == "{" else "%}", start + 2)
    return closed + 2 if closed >= 0 else len(source)


class _Translator:
    """Knows the names, and which conditions are open at this place."""

    def __init__(self, known: Collection[str]) -> None:
        self.paths: dict[str, str] = {}
        for path in sorted(known):
            self.paths.setdefault(_key(path), path)
        self.exact = frozenset(known)
        self.open: list[str] = []

    def liquid(self, inner: str) -> str:
        """Return the Liquid for what stands between `*|` and `|*`, or "" where there is none."""
        word, colon, rest = inner.partition(":")
        word = word.upper()
        if word in ("IF", "IFNOT", "ELSEIF") and colon:
            return self._condition(word, rest.strip())
        if word in ("ELSE", "END") and rest.strip().upper() in ("", "IF", "IFNOT"):
            return self._end(word)
        if word in _FILTERS and (path := self.path(rest.strip())):
            return f"{{{{ {path} | {_FILTERS[word]} }}}}"
        path = self.path(inner)
        return f"{{{{ {path} }}}}" if path else ""

    def path(self, name: str) -> str:
        """Return the name as templates know it, or "" where it can be none."""
        if name in self.exact:
            return name
        alias = ALIASES.get(name.upper(), "")
        path = self.paths.get(_key(name)) or self.paths.get(_key(alias))
        if path:
            return path
        is_name = _IDENTIFIER.fullmatch(name) and name not in _RESERVED
        return name if is_name else ""

    def _condition(self, word: str, written: str) -> str:
        condition = _CONDITION.fullmatch(written)
        path = self.path(condition["name"]) if condition else ""
        if not condition or not path or (word == "ELSEIF" and not self.open):
            return ""
        test = path
        if condition["sign"]:
            sign = "==" if condition["sign"] == "=" else "!="
            test = f'{path} {sign} "{condition["value"].strip()}"'
        if word == "ELSEIF":
            return f"{{% elsif {test} %}}"
        self.open.append("if" if word == "IF" else "unless")
        return f"{{% {self.open[-1]} {test} %}}"

    def _end(self, word: str) -> str:
        if not self.open:
            return ""
        return "{% else %}" if word == "ELSE" else f"{{% end{self.open.pop()} %}}"


def _key(name: str) -> str:
    return name.replace(".", "_").lower()
