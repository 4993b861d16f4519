"""Rendering: what a template may say, what data may be, and how errors are reported."""

from __future__ import annotations

import datetime as dt
import gc
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from templates_tx import rendering
from templates_tx.liquid_context import OutOfTime
from templates_tx.rendering import Part, Parts, TemplateError, plain, render_all, render_part

SHOP = {"locale": "pl", "currency": "PLN", "time_zone": "Europe/Warsaw"}


def html(source: str, **context: Any) -> str:
    return render_part(source, "html", SHOP | context)


def text(source: str, **context: Any) -> str:
    return render_part(source, "text", SHOP | context)


def error(source: str, part: Part = "html", **context: Any) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        render_part(source, part, SHOP | context)
    return caught.value


def test_html_is_escaped_and_text_and_subject_are_not() -> None:
    parts = Parts(subject="{{ name }}", html="<b>{{ name }}</b>", text="{{ name }}")
    rendered = render_all(parts, {"name": 'O\'Neill & "Sons" <x>'})
    assert rendered.html == "<b>O&#39;Neill &amp; &#34;Sons&#34; &lt;x&gt;</b>"
    assert rendered.text == rendered.subject == 'O\'Neill & "Sons" <x>'


def test_a_template_without_html_renders_none() -> None:
    assert render_all(Parts("s", "", "t"), {}).html == ""


@pytest.mark.parametrize("part", ["subject", "html", "text"])
def test_placeholders_in_data_stay_as_they_are_typed(part: Part) -> None:
    name = "{{ secret }}{% if true %}{{ shop.smtp_password }}"
    context = {"name": name, "secret": "s3cret"}
    assert render_part("{{ name }}", part, context) == name
    twice = "{% capture x %}{{ name }}{% endcapture %}{% assign y = x %}{{ y }}"
    assert render_part(twice, part, context) == name


@given(st.text(max_size=60))
def test_whatever_customers_type_comes_out_as_they_typed_it(value: str) -> None:
    assert render_part("{{ x }}", "text", {"x": value}) == value
    escaped = render_part("<p>{{ x }}</p>", "html", {"x": value})
    assert "<" not in escaped[3:-4]


@given(st.text())
def test_a_subject_is_one_line_of_at_most_900_characters(value: str) -> None:
    subject = render_part("{{ x }}", "subject", {"x": value * 40})
    assert len(subject) <= 900
    assert len(subject.splitlines()) <= 1


def test_line_breaks_in_a_subject_become_blanks() -> None:
    assert render_part("Order\r\nBcc: x@y.z{{ n }}", "subject", {"n": "\n\tz\x00"}) == (
        "Order Bcc: x@y.z z"
    )


def test_an_unknown_name_is_an_error_with_its_place() -> None:
    problem = error("<p>\n  Razem {{ order.totl | money }}</p>", order={"total": "1.00"})
    assert problem.message == "“order.totl” is not known here"
    assert (problem.part, problem.line) == ("html", 2)
    assert str(problem) == "html, line 2: “order.totl” is not known here"


def test_an_error_inside_a_loop_is_reported_where_it_stands() -> None:
    source = "{% for i in items %}\n\n{{ i.name }}{{ i.prise }}\n{% endfor %}"
    assert error(source, items=[{"name": "x"}]).line == 3


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("a\nb {{ name", 2, "never closed"),
        ("a\n\n{% if name %}x", 3, "“if” is never closed by “endif”"),
        ("{% if name %}\n{% endfor %}", 2, "“endfor” does not close “if”"),
        ("\n{% endif %}", 2, "closes nothing"),
        ("\n\n{% raw %}x", 3, "never closed"),
        ("x\n{{ name | shout }}", 2, "unknown filter “shout”"),
        ("x\n{% include 'y' %}", 2, "include"),
        ("\n{{ name name }}", 2, ""),
    ],
)
def test_syntax_errors_name_the_line(source: str, line: int, words: str) -> None:
    problem = error(source, name="x")
    assert problem.line == line
    assert words in problem.message


def test_a_missing_name_is_false_and_has_a_default() -> None:
    source = "{% if a %}1{% endif %}{% unless a.b %}2{% endunless %}{{ a.b | default: '3' }}"
    assert html(source) == "23"
    assert html("{% if a == nil and b != 'x' %}4{% endif %}") == "4"


@pytest.mark.parametrize("empty", ["", [], None, False])
def test_what_is_empty_counts_as_false(empty: object) -> None:
    source = (
        "{% if x %}1{% elsif x or x %}2{% else %}3{% endif %}{% unless x and y %}4{% endunless %}"
    )
    assert html(source, x=empty, y="y") == "34"


@pytest.mark.parametrize("full", ["0", "x", [0], 0, True])
def test_what_is_not_empty_counts_as_true(full: object) -> None:
    assert html("{% if x %}1{% endif %}{% if y or x %}2{% endif %}", x=full, y="") == "12"


def test_size_first_and_last_of_lists() -> None:
    source = "{{ l.size }}{{ l.first }}{{ l.last }}{{ l[1] }}{{ t.size }}"
    assert html(source, l=["a", "b", "c"], t="four") == "3acb4"
    assert html("{% if l.first %}x{% endif %}-{{ l.size }}", l=[]) == "-0"


def test_keys_of_data_win_over_what_liquid_adds() -> None:
    assert html("{{ x.size }}{{ x.first }}", x={"size": "XL", "first": "1."}) == "XL1."


def test_a_group_of_values_is_not_printed() -> None:
    assert "group of values" in error("{{ order }}", order={"a": 1}).message
    assert "group of values" in error("{{ items }}", items=[{"a": 1}]).message
    assert html("{{ lines }}", lines=["<a>", 1, None, True]) == "&lt;a&gt;1true"


def test_loops_know_where_they_are() -> None:
    source = "{% for i in l %}{{ forloop.index }}{{ i }}{% unless forloop.last %},{% endunless %}"
    assert html(source + "{% else %}none{% endfor %}", l=["a", "b"]) == "1a,2b"
    assert html(source + "{% else %}none{% endfor %}", l=[]) == "none"


def test_cycle_counter_case_and_echo_work() -> None:
    source = "{% for i in (1..3) %}{% cycle 'a', 'b' %}{% increment n %}{% endfor %}"
    assert html(source) == "a0b1a2"
    assert html("{% case x %}{% when 'a', 'b' %}1{% else %}2{% endcase %}", x="b") == "1"
    assert html("{% liquid\nassign y = x | upcase\necho y %}", x="<b>") == "&lt;B&gt;"


@pytest.mark.parametrize(
    ("source", "pl", "en"),
    [
        ("{{ '1234.50' | money }}", "1 234,50 zł", "€1,234.50"),
        ("{{ '21234.50' | money }}", "21 234,50 zł", "€21,234.50"),
        ("{{ '0.1' | money: 'CZK' }}", "0,10 CZK", "CZK0.10"),
        ("{{ '-5' | money }}", "-5,00 zł", "-€5.00"),
        ("{{ '12345.5' | number }}", "12 345,5", "12,345.5"),
        ("{{ d | format_date }}", "21 listopada 2026", "November 21, 2026"),
        ("{{ d | format_date: 'short' }}", "21.11.2026", "11/21/26"),
        ("{{ d | format_datetime }}", "21 listopada 2026, 00:30", "November 21, 2026, 00:30"),
        ("{{ '2026-11-21' | format_date }}", "21 listopada 2026", "November 21, 2026"),
        ("{{ d | date: '%d.%m.%Y' }}", "21.11.2026", "21.11.2026"),
    ],
)
def test_amounts_and_dates_follow_the_language_and_the_shops_clock(
    source: str, pl: str, en: str
) -> None:
    moment = "2026-11-20T23:30:00+00:00"
    said = text(source, d=moment).replace("\xa0", " ")
    assert said == pl
    english = SHOP | {"locale": "en", "currency": "EUR", "d": moment}
    assert render_part(source, "text", english).replace("\xa0", " ") == en


def test_amounts_keep_their_digits() -> None:
    assert "99 999 999 999 999,99" in text("{{ x | money }}", x="99999999999999.99").replace(
        "\xa0", " "
    )
    assert text("{{ x | plus: 1 }}", x=Decimal("1.5")) == "2.5"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ 'abc' | money }}", "“abc” is not a number"),
        ("{{ '' | money }}", "is not a number"),
        ("{{ '1' | money: 'zł' }}", "unknown currency"),
        ("{{ 'soon' | format_date }}", "“soon” is not a date"),
        ("{{ '2026-11-21' | format_date: 'huge' }}", "short, medium, long or full"),
        ("{{ '2026-11-21' | date: '%9999d' }}", "unknown date pattern"),
        ("{% assign time_zone = 'Mars/Base' %}{{ '2026-11-21T10:00:00Z' | format_date }}", "Mars"),
    ],
)
def test_bad_values_are_named(source: str, words: str) -> None:
    assert words in error(source).message


@pytest.mark.parametrize(
    "address", ["https://x.pl/a?b=1&c=%20", "http://x.pl", "mailto:a@b.pl", "tel:+48123"]
)
def test_good_addresses_pass(address: str) -> None:
    assert text("{{ a | safe_url }}", a=address) == address


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "//x.pl",
     "/x", "vbscript:x", "https://x.pl/\n", "https://x.pl/ y", 'https://x.pl/"onload="', "", None,
     "https:x", "file:///etc/passwd", "java\tscript:x", "https://x.pl/<b>"],
)  # fmt: skip
def test_other_addresses_become_a_dead_link(address: str | None) -> None:
    assert html('<a href="{{ a | safe_url }}">', a=address) == '<a href="#">'


@pytest.mark.parametrize("color", ["red", "#12", "#12345g", "url(x)", "#fff;x:y", None, ""])
def test_what_is_not_a_colour_is_replaced(color: str | None) -> None:
    assert text("{{ c | safe_color: '#abc' }}", c=color) == "#abc"
    assert text("{{ c | safe_color }}", c="#A1b2C3") == "#A1b2C3"


def test_text_of_staff_keeps_its_paragraphs() -> None:
    assert html("{{ t | newline_to_br }}", t="a <b>\n\nb") == "a &lt;b&gt;<br />\n<br />\nb"
    assert html("{{ t | escape | newline_to_br }}", t="<\nb") == "&lt;<br />\nb"


def test_list_and_text_filters() -> None:
    assert text("{{ l | uniq | sort | join: '-' }}", l=["b", "a", "b"]) == "a-b"
    assert text("{{ l | uniq: 'k' | map: 'v' | join }}", l=[{"k": 1, "v": "x"}] * 3) == "x"
    assert text("{{ 'a,b' | split: ',' | reverse | join: '' }}") == "ba"
    assert text("{{ 'aXbX' | replace_first: 'X', '1' | replace_last: 'X', '2' }}") == "a1b2"
    assert text("{{ 'aXbX' | replace: 'X', '' }}{{ 'abc' | replace_last: 'X', 'y' }}") == "ababc"
    assert text("{{ '<p>a &lt; <b>b</b></p>' | strip_html }}") == "a &lt; b"
    assert text("{{ 'a' | ljust: 3 }}{{ 'b' | rjust: 3 }}|") == "a    b|"


class Color(StrEnum):
    RED = "red"


class Order:
    number = "1"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Order(), "context.x"),
        ({"y": [1, Order()]}, "context.x.y[1]"),
        (mark_safe("<b>"), "context.x"),
        (lazystr("x"), "context.x"),
        (Color.RED, "context.x"),
        (b"x", "context.x"),
        ((1, 2), "context.x"),
        ({1: "x"}, "context.x"),
        ({"a": {"b": {1, 2}}}, "context.x.a.b"),
        (float("nan"), "context.x"),
        (print, "context.x"),
        ("x" * 200_001, "context.x"),
        ([0] * 50_001, "context.x"),
    ],
)
def test_data_that_is_not_plain_is_refused_with_its_path(value: object, path: str) -> None:
    with pytest.raises(ValueError, match=path.replace("[", r"\[")):
        render_part("x", "text", {"x": value})


def test_data_that_holds_itself_is_refused() -> None:
    loop: dict[str, object] = {}
    loop["loop"] = loop
    with pytest.raises(ValueError, match="too much data"):
        plain(loop)


def test_plain_data_passes() -> None:
    day = dt.date(2026, 11, 21)
    values = ["x", 1, 1.5, Decimal("1.5"), True, None, day, dt.datetime.now(dt.UTC), {}, []]
    assert plain({"x": values}) == {"x": values}


def test_a_source_is_parsed_once() -> None:
    rendering._parse.cache_clear()
    for _ in range(3):
        render_part("{{ x }}", "text", {"x": "1"})
    assert rendering._parse.cache_info().misses == 1


def test_a_full_collection_is_not_the_templates_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector's pause counts as this thread's time; the message gets its own once more."""
    looks: list[float] = []
    once = iter([True])

    def slow_first(template: object, data: object, deadline: float) -> str:
        looks.append(deadline)
        if next(once, False):
            gc.collect()
            raise OutOfTime("this template takes too long", token=None)
        return "made"

    monkeypatch.setattr(rendering._VERBATIM, "render_template", slow_first)
    assert render_part("x", "text", {}) == "made"
    assert len(looks) == 2 and looks[1] > looks[0]


def test_a_template_that_is_slow_by_itself_has_no_second_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[float] = []

    def slow(template: object, data: object, deadline: float) -> str:
        looks.append(deadline)
        raise OutOfTime("this template takes too long", token=None)

    monkeypatch.setattr(rendering._VERBATIM, "render_template", slow)
    with pytest.raises(TemplateError):
        render_part("x", "text", {})
    assert len(looks) == 1
