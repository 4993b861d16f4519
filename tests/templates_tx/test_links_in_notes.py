"""`with_links`: links in what staff type work, and nothing else comes alive."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates_tx import defaults
from templates_tx.liquid_links import MAX_URL
from templates_tx.rendering import Part, Parts, TemplateError, render_all, render_part
from templates_tx.samples import sample_of

pytestmark = pytest.mark.promise("S3.19")

SOURCE = "{{ note | with_links }}"
LINK = '<a href="{}" style="color:inherit">{}</a>'


def said(note: str, part: Part = "html") -> str:
    return render_part(SOURCE, part, {"note": note})


def link(address: str, label: str | None = None) -> str:
    return LINK.format(address, address if label is None else label)


@pytest.mark.parametrize(
    ("note", "html", "text"),
    [
        ("[our page](https://a.pl/x)", link("https://a.pl/x", "our page"), "our page: https://a.pl/x"),
        ("https://a.pl", link("https://a.pl"), "https://a.pl"),
        ("[https://a.pl](https://a.pl)", link("https://a.pl"), "https://a.pl"),
        ("See https://a.pl/x.", f"See {link('https://a.pl/x')}.", "See https://a.pl/x."),
        ("(https://a.pl/x)!", f"({link('https://a.pl/x')})!", "(https://a.pl/x)!"),
        (
            "https://a.pl/Kask_(rower), so",
            f"{link('https://a.pl/Kask_(rower)')}, so",
            "https://a.pl/Kask_(rower), so",
        ),
        (
            "[Kask](https://a.pl/Kask_(rower))",
            link("https://a.pl/Kask_(rower)", "Kask"),
            "Kask: https://a.pl/Kask_(rower)",
        ),
        (
            "https://a.pl/?a=1&b=2",
            link("https://a.pl/?a=1&amp;b=2"),
            "https://a.pl/?a=1&b=2",
        ),
        ("HTTP://A.PL", link("HTTP://A.PL"), "HTTP://A.PL"),
        ("https://żółw.pl/ą", link("https://żółw.pl/ą"), "https://żółw.pl/ą"),
        ("[write](mailto:a@b.pl)", link("mailto:a@b.pl", "write"), "write: a@b.pl"),
        ("[a@b.pl](mailto:a@b.pl?body=x)", link("mailto:a@b.pl?body=x", "a@b.pl"), "a@b.pl"),
        ("one\r\ntwo\nthree", "one<br />\ntwo<br />\nthree", "one\r\ntwo\nthree"),
        ("5 < 6 & [ok] (no)", "5 &lt; 6 &amp; [ok] (no)", "5 < 6 & [ok] (no)"),
    ],
)  # fmt: skip
def test_it_makes_links_of_addresses(note: str, html: str, text: str) -> None:
    assert said(note) == html
    assert said(note, "text") == text


@pytest.mark.parametrize(
    "note",
    [
        "[x](javascript:alert(1))",
        "[x](JavaScript:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x]( javascript:alert(1))",
        "[x](\x01javascript:alert(1))",
        "[x](data:text/html,<b>)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "[x](//evil.pl)",
        "[x](/relative)",
        "[x](tel:123)",
        "[x](mailto:)",
        "mailto:a@b.pl",
        "javascript:alert(1)",
        "httpſ://a.pl",
        "[x](httpſ://a.pl)",
        "ｈｔｔｐｓ://a.pl",
        "https:⁄⁄a.pl",
        "https://",
        "https://.",
        "https:// a.pl",
        "[x](https://a.pl\u202egpj.exe)",
        "[x](https://a\u200b.pl)",
        "[](https://)",
        "[x] (javascript:x)",
        "xhttps://a.pl",
        "https://a.pl\u202egpj.exe",
        "https://bank.pl\\@evil.pl",
    ],
)  # fmt: skip
def test_it_leaves_anything_else_as_text(note: str) -> None:
    assert "<a" not in said(note)
    assert said(note, "text") == note


@pytest.mark.parametrize(
    "note",
    [
        'https://a.pl/"onmouseover="alert(1)',
        "https://a.pl/'onmouseover='alert(1)",
        "https://a.pl/<script>alert(1)</script>",
        "[<script>alert(1)</script>](https://a.pl)",
        "[\"><img src=x onerror=alert(1)>](https://a.pl)",
        "[[x](https://a.pl)](https://b.pl)",
        "[a [b](https://a.pl) c](javascript:alert(1))",
        "[x](https://a.pl)(javascript:alert(1))",
        "[x](https://a.pl/[y](https://b.pl))",
        "[x](https://a.pl\"onmouseover=\"alert(1))",
        "[x](https://a.pl'x)",
        "[x](https://a.pl <b>)",
        "https://a.pl/`x`",
    ],
)  # fmt: skip
def test_nothing_leaves_an_address_or_a_label(note: str) -> None:
    html = said(note)
    outside = re.sub(r'<a href="https://[^"\'<>`\\\s]+" style="color:inherit">[^<>]*</a>', "", html)
    assert "<" not in outside.replace("<br />", "")
    assert '"' not in outside


@given(st.text(alphabet="[]()<>\"'&:/.\\ \n\r\u202ehtpsmailojvcr:#{}%", max_size=80))
def test_whatever_is_typed_only_links_come_alive(note: str) -> None:
    html = said(note)
    inside = r'<a href="(?:https?://|mailto:)[^"\'<>]+" style="color:inherit">[^<>]*</a>'
    outside = re.sub(inside, "", html, flags=re.IGNORECASE).replace("<br />", "")
    assert not set(outside) & set("<>\"'")


def test_what_was_escaped_before_is_escaped_once() -> None:
    source = "{{ note | escape | with_links }}"
    assert render_part(source, "html", {"note": "<b> & x"}) == "&lt;b&gt; &amp; x"
    captured = "{% capture x %}<b>{{ note }}</b>{% endcapture %}{{ x | with_links }}"
    assert render_part(captured, "html", {"note": "&"}) == "&lt;b&gt;&amp;&lt;/b&gt;"


def test_placeholders_in_a_note_stay_as_they_are_typed() -> None:
    assert said("{{ shop.name }} {% raw %} *|X|*") == "{{ shop.name }} {% raw %} *|X|*"


def test_an_address_that_is_too_long_stays_text() -> None:
    longest = "https://a.pl/" + "x" * (MAX_URL - 13)
    assert said(longest) == link(longest)
    assert said(longest + "x") == longest + "x"


def test_an_unknown_note_is_an_error() -> None:
    with pytest.raises(TemplateError, match="not known here"):
        render_part("{{ shop.nota | with_links }}", "html", {"shop": {}})


@pytest.mark.parametrize(
    "turn",
    [
        "[",
        "]",
        "[a",
        "[a](",
        "[a](https://a",
        "[a](https://a(",
        "[a](https://a()",
        "[a](https://a(b",
        "(((",
        "https://",
        "https://a",
        "https://a)",
        "https://(",
        "https://a.",
        " https://a.pl",
        "[a](https://a)",
        "\n",
        "\r",
        "h",
    ],
)
def test_200_kilobytes_take_no_longer_than_their_length(turn: str) -> None:
    note = (turn * 200_000)[:199_000]
    spent = min(seconds(note) for _ in range(3))
    assert spent < 0.25


def seconds(note: str) -> float:
    started = time.thread_time()
    try:
        said(note)
    except TemplateError as error:
        assert "too much text" in error.message
    return time.thread_time() - started


@pytest.mark.parametrize("code", ["order.placed", "order.paid", "order.shipped"])
@pytest.mark.parametrize("language", defaults.languages_of("order.placed"))
def test_the_shops_note_is_sent_with_its_links(code: str, language: str) -> None:
    sample = sample_of(code, language)
    shop = sample["shop"]
    assert isinstance(shop, dict)
    note = "<b>New</b>\n[Our page](https://social.example/rower) and [x](javascript:x)"
    context = sample | {"shop": shop | {"note": note}}
    parts: Parts = defaults.load(code, language).parts
    message = render_all(parts, context)
    assert link("https://social.example/rower", "Our page") in message.html
    assert "&lt;b&gt;New&lt;/b&gt;<br />" in message.html
    assert "[x](javascript:x)" in message.html and 'href="javascript' not in message.html
    assert "Our page: https://social.example/rower" in message.text
