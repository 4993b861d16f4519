"""Made-up but possible data for every contract: what a shop's customers could really cause.

The same seed gives the same data. Texts are empty, long, in several scripts, or hostile; lists are
short and long; amounts are none, small and huge. What is wrong with a template for one order in
twenty shows up here before it does in a shop.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from templates_tx.contract import Contract, Entry, Field, Group, Kind, Rows

_TEXTS = (
    "Kask Giro Register MIPS",
    "Żółć, gęślą jaźń & „cudzysłów”",
    "Ærlig talt: på Østlandet",
    "L'été à Besançon – 50 % « mérité »",
    "Příliš žluťoučký kůň",
    "Größe 40½ (weiß)",
    "{{ order.total }} {% if x %}",
    "*|FNAME|* %%[name]%% ${7*7}",
    "<script>alert(1)</script><b>fett</b>",
    '" onmouseover="x',
    "O'Neill; DROP TABLE orders",
    "=cmd|' /C calc'!A0",
    "😀 emoji 👩‍🚀 שלום مرحبا",
    "a" * 300,
    "dwa  odstępy\u00a0i\u200bzero",
)
_LINES = "Pierwszy wiersz\nDrugi wiersz <b>\n\nPo przerwie: {{ customer.email }}"
_LINKS = (
    "https://rowerownia.example/z/10482?a=1&b=2",
    "http://rowerownia.example/ł",
    "javascript:alert(1)",
    'https://x.example/"><script>',
    "//rowerownia.example",
)
_AMOUNTS = ("0.00", "0.01", "9.99", "1234.50", "9999999.99", "-20.00")
_ZONES = ("Europe/Warsaw", "America/New_York", "Pacific/Auckland")
_EPOCH = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)


def generated(contract: Contract, language: str, seed: int) -> dict[str, Any]:
    """A context that fits ``contract``, different for each ``seed``."""
    chance = Random(f"{language}/{seed}")
    made = {entry.name: _value(entry, chance) for entry in contract.entries}
    if "shop" in made:
        # Staff choose these, from forms that check them.
        made["shop"] |= {"accent": "#a01b2c", "accent_text": "#ffffff"}
    settings = {"currency": "EUR", "time_zone": chance.choice(_ZONES), "locale": language}
    return made | {name: value for name, value in settings.items() if name in made}


def _value(entry: Entry, chance: Random) -> Any:
    if isinstance(entry, Group):
        return {inner.name: _value(inner, chance) for inner in entry.entries}
    if isinstance(entry, Rows):
        count = chance.choice((1, 1, 2, 3, 12, 60))
        if entry.may_be_empty and chance.random() < 0.2:
            count = 0
        return [
            {field.name: _value(field, chance) for field in entry.fields} for _row in range(count)
        ]
    if entry.may_be_empty and chance.random() < 0.3:
        return entry.empty()
    return _filled(entry, chance)


def _filled(field: Field, chance: Random) -> Any:
    moment = _EPOCH + timedelta(seconds=chance.randrange(400 * 86_400))
    match field.kind:
        case Kind.MONEY:
            return chance.choice(_AMOUNTS)
        case Kind.NUMBER:
            return chance.choice(("1", "2", "0.5", "1000"))
        case Kind.DATE:
            return moment.date().isoformat()
        case Kind.MOMENT:
            return moment.isoformat()
        case Kind.LINK:
            return chance.choice(_LINKS)
        case Kind.LINES:
            return [chance.choice(_TEXTS) for _line in range(chance.randint(1, 4))]
        case Kind.MULTILINE:
            return chance.choice((*_TEXTS, _LINES))
        case _:
            return chance.choice(_TEXTS)
