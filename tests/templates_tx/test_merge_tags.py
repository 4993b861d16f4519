"""Merge tags of newsletter programs in templates: what they become and what is left."""

from __future__ import annotations

import time

import pytest

from templates_tx.merge_tags import ALIASES, leftovers, translate
from templates_tx.rendering import Part, TemplateError, render_part

KNOWN = frozenset(
    {"shop.name", "shop.address", "customer.name", "customer.first_name", "customer.email"}
    | {"order.number", "order.total", "order.invoice_url", "order.delivery_address", "text"}
)


@pytest.mark.parametrize(
    ("tag", "liquid"),
    [
        ("*|ORDER_NUMBER|*", "{{ order.number }}"),
        ("*|order.number|*", "{{ order.number }}"),
        ("*|Order.Number|*", "{{ order.number }}"),
        ("*| ORDER_NUMBER |*", "{{ order.number }}"),
        ("*|ORDER_DELIVERY_ADDRESS|*", "{{ order.delivery_address }}"),
        ("*|TEXT|*", "{{ text }}"),
        ("*|FNAME|*", "{{ customer.first_name }}"),
        ("*|fname|*", "{{ customer.first_name }}"),
        ("*|LNAME|*", "{{ LNAME }}"),
        ("*|EMAIL|*", "{{ customer.email }}"),
        ("*|COMPANY|*", "{{ shop.name }}"),
        ("*|SHOP_NAME|*", "{{ shop.name }}"),
        ("*|LIST:COMPANY|*", "{{ shop.name }}"),
        ("*|INVOICE_URL|*", "{{ order.invoice_url }}"),
        ("*|SUBJECT|*", "{{ SUBJECT }}"),
        ("*|CouponText2|*", "{{ CouponText2 }}"),
        ("*|UPPER:ORDER_NUMBER|*", "{{ order.number | upcase }}"),
        ("<a href='*|INVOICE_URL|*'>", "<a href='{{ order.invoice_url }}'>"),
        ("*|FNAME|**|EMAIL|*", "{{ customer.first_name }}{{ customer.email }}"),
    ],
)
def test_a_tag_becomes_the_name_it_stands_for(tag: str, liquid: str) -> None:
    assert translate(tag, KNOWN) == liquid
    assert leftovers(liquid) == []


@pytest.mark.parametrize(
    ("source", "liquid"),
    [
        ("*|IF:NAME|*a*|ELSE:|*b*|END:IF|*", "{% if customer.name %}a{% else %}b{% endif %}"),
        ("*|IF:X|*a*|ELSE|*b*|END:|*", "{% if X %}a{% else %}b{% endif %}"),
        ("*|IFNOT:X|*a*|END:IF|*", "{% unless X %}a{% endunless %}"),
        ("*|IFNOT:X|*a*|END:IFNOT|*", "{% unless X %}a{% endunless %}"),
        (
            "*|IF:A|*1*|IFNOT:B|*2*|END:IF|*3*|END:IF|*",
            "{% if A %}1{% unless B %}2{% endunless %}3{% endif %}",
        ),
        ("*|IF:A=x y|*1*|ELSEIF:A|*2*|END:IF|*", '{% if A == "x y" %}1{% elsif A %}2{% endif %}'),
        ("*|if:A != x|*1*|end:if|*", '{% if A != "x" %}1{% endif %}'),
    ],
)  # fmt: skip
def test_conditions_become_liquids(source: str, liquid: str) -> None:
    assert translate(source, KNOWN) == liquid
    values = {"X": "", "A": "x", "B": "", "customer": {"name": "Anna"}}
    assert render_part(liquid, "text", values) is not None


@pytest.mark.parametrize(
    "source",
    [
        "*|LIST:UNKNOWN|*",
        "*|order.totl|*",
        "*|true|*",
        "*|1ST|*",
        "*|a b|*",
        "*|żółw|*",
        "*|x \"y|*",
        "*|ELSE:|*",
        "*|END:IF|*",
        "*|ELSEIF:X|*",
        "*|IF:|*",
        "*|IF:X=\"|*",
        "*|IF:X > 5|*",
        "*|HTML:X|*",
        "*|DATE:d/m/y|*",
        "*|INTERESTED:a:b|*",
    ],
)  # fmt: skip
def test_what_has_no_meaning_here_stays_and_is_named_with_its_place(source: str) -> None:
    page = f"one\n  two {source} {{{{ x }}}} *|FNAME|*"
    translated = translate(page, KNOWN)
    assert source in translated
    assert "{{ customer.first_name }}" in translated
    assert leftovers(translated) == [(2, 7, source)]


def test_a_tag_that_is_never_closed_is_named() -> None:
    assert leftovers("a\n\n*|FNAME| and *|LIST:X\nrest *| 5 * | 3") == [
        (3, 1, "*|FNAME"),
        (3, 14, "*|LIST:X"),
    ]
    assert translate("*|FNAME\n|*", KNOWN) == "*|FNAME\n|*"


@pytest.mark.parametrize(
    "source",
    [
        "{% raw %}*|FNAME|*{% endraw %}",
        "{%- raw -%}\n{{ *|FNAME|* }}{%- endraw -%}",
        "{% comment %}*|FNAME|*{% endcomment %}",
        "{{ '*|FNAME|*' }}",
        "{% if x == '*|FNAME|*' %}{% endif %}",
        "{{ '*|FNAME|*'",
        "{% raw %}*|FNAME|*",
    ],
)
def test_liquid_is_left_alone(source: str) -> None:
    assert translate(source, KNOWN) == source
    assert leftovers(source) == []


def test_after_liquid_it_goes_on() -> None:
    source = "{% raw %}*|A|*{% endraw %}*|A|*{{ '*|B|*' }}*|B|*"
    assert translate(source, ()) == "{% raw %}*|A|*{% endraw %}{{ A }}{{ '*|B|*' }}{{ B }}"


def test_values_that_are_handed_in_win_over_aliases() -> None:
    assert translate("*|FNAME|* *|fname|*", KNOWN | {"FNAME"}) == "{{ FNAME }} {{ FNAME }}"
    assert translate("*|a_b|* *|A.B|*", {"a.b", "a_b"}) == "{{ a_b }} {{ a.b }}"


def test_every_line_stays_where_it_is() -> None:
    source = "*|FNAME|*\r\n*|IF:X|*\n\n*|X|*|END|*\n*|END:IF|*\n"
    assert translate(source, KNOWN).count("\n") == source.count("\n")
    translated = translate(source + "*|Y|*", KNOWN)
    with pytest.raises(TemplateError) as caught:
        render_part(translated, "text", {"X": "1", "customer": {"first_name": "Anna"}})
    assert caught.value.line == 6


def test_a_value_that_was_not_handed_in_is_an_error() -> None:
    with pytest.raises(TemplateError, match="“COUPON” is not known here"):
        render_part(translate("*|COUPON|*", KNOWN), "text", {})


@pytest.mark.parametrize("part", ["subject", "html", "text"])
@pytest.mark.parametrize("data", ["*|ORDER_NUMBER|*", "{{ order.number }}", "*|IF:X|*"])
def test_placeholders_in_data_are_never_evaluated(part: Part, data: str) -> None:
    source = translate("*|FNAME|*", KNOWN)
    values = {"customer": {"first_name": data}, "order": {"number": "10482"}, "X": "1"}
    assert render_part(source, part, values) == data


def test_aliases_name_paths_that_templates_could_have() -> None:
    for name, path in ALIASES.items():
        assert name == name.upper()
        assert translate(f"*|{name}|*", {path}) == f"{{{{ {path} }}}}"


@pytest.mark.parametrize(
    "turn", ["*|", "*|A", "*|A|*", "*|IF:A|*", "{{", "{%", "{% raw %}", "{{ }}", "*|A\n", "|*", "{"]
)
def test_a_megabyte_takes_no_longer_than_its_length(turn: str) -> None:
    source = (turn * 1_000_000)[:1_000_000]
    started = time.thread_time()
    leftovers(translate(source, KNOWN))
    assert time.thread_time() - started < 2
