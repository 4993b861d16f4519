"""Tags in HTML that nobody has checked: as a pattern would find them, but in linear time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates_tx.compiling import compile_html
from templates_tx.deep_stack import on_a_deep_stack
from templates_tx.markup import MAX_BEGINNINGS, MAX_DEPTH, TooDeep, check_shape, markups
from templates_tx.rendering import TemplateError

# What is wanted, put as a pattern: right, and quadratic.
PATTERN = re.compile(
    r"<!--.*?-->"
    r"|<(?P<raw>style|title|textarea|script|mj-style|mj-title|mj-preview)\b.*?</(?P=raw)\s*>"
    r"|</?[a-z!](?:[^>\"']|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL | re.IGNORECASE,
)
PIECES = st.sampled_from(
    [
        *("<", ">", '"', "'", "<a ", "</a>", "<p title=", "<!--", "-->", "<style>", "</style >"),
        *("<STYLE", "</title>", "<title>", "x", " ", "=", "<!doctype html>", "<1>", "<mj-style>"),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_it_finds_what_the_pattern_finds(source: str) -> None:
    wanted = [(each.start(), each.end()) for each in PATTERN.finditer(source)]
    assert [(each.start, each.end) for each in markups(source)] == wanted


def test_it_names_elements_of_raw_text() -> None:
    found = list(markups("<p>a</p><Style>b > c</style><!-- <p> -->"))
    assert [each.raw for each in found] == ["", "", "style", ""]
    assert found[2].text == "<Style>b > c</style>"


@pytest.mark.parametrize(
    "unit", ["<a ", '<p "', "<p '\"", "<!--", "<style>", "<style", '"<img ', "</title", "<"]
)
def test_it_takes_time_in_step_with_the_length(unit: str) -> None:
    source = '<p title="' + unit * (200_000 // len(unit))
    start = time.thread_time()
    list(markups(source))
    assert time.thread_time() - start < 3


@pytest.mark.parametrize("tag", ["div", "b", "mj-wrapper", "table", "unknown-tag"])
def test_a_page_that_would_end_the_process_is_refused(tag: str) -> None:
    with pytest.raises(TemplateError, match="200 deep"):
        compile_html(f"<{tag}>" * 3_900)


def test_ends_that_fit_nothing_do_not_hide_the_depth() -> None:
    with pytest.raises(TooDeep):
        check_shape("<div></span>" * (MAX_DEPTH + 1))
    with pytest.raises(TooDeep):
        check_shape("<br>" * (MAX_BEGINNINGS + 1))


# Our reading and the libraries' differ here: what is a comment, a quote or a title to us is tags to
# them. The process of the test would end with the one that it starts.
HIDDEN = {
    "comment": "<!-->{}-->",
    "comment, ended oddly": "<!-- --!>{}-->",
    "quote": '<a ">{}">',
    "title": "<svg><title>{}</title></svg>",
    "in MJML": "<mj-section><mj-column><mj-text><!-->{}--></mj-text></mj-column></mj-section>",
    "a title in MJML": "<mj-section><mj-column><mj-text><title>{}</title></mj-text></mj-column>"
    "</mj-section>",
}


def test_what_is_deep_to_others_only_does_not_end_the_process() -> None:
    inner = ("<div>" * 3_900, "<mj-wrapper>" * 3_900, "<b>" * 7_900, "<div>" * 30_000)
    sources = [shape.format(deep) for shape in HIDDEN.values() for deep in inner]
    script = (
        "import sys, json, django; django.setup()\n"
        "from templates_tx.compiling import compile_html\n"
        "from templates_tx.rendering import TemplateError\n"
        "for source in json.load(sys.stdin):\n"
        "    try: compile_html(source)\n"
        "    except TemplateError: pass\n"
        "from templates_tx.compiling import _inlined\n"
        "_inlined('<div>' * 30_000)\n"
        "print('alive')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.stdout == "alive\n", (ended.returncode, ended.stderr[-500:])


def test_work_on_a_deep_stack_gives_back_what_it_makes_and_what_it_raises() -> None:
    before = threading.stack_size()
    assert on_a_deep_stack(lambda: 7) == 7
    with pytest.raises(KeyError):
        on_a_deep_stack(lambda: {}["x"])
    assert threading.stack_size() == before


@pytest.mark.parametrize("length", [10, 190_000])
def test_a_word_that_looks_like_ours_costs_nothing(length: int) -> None:
    start = time.thread_time()
    page = compile_html("<p>lq" + "q" * length + "0x {{ a }}</p>")
    assert "0x {{ a }}" in page
    assert time.thread_time() - start < 3


def test_what_pages_really_look_like_is_let_through() -> None:
    check_shape("<div>" * MAX_DEPTH + "</div>" * MAX_DEPTH)
    check_shape("<table>" + "<tr><td>x<br><p>y" * 900 + "</table>")
    assert "<b>" in compile_html("<p><b>x</b></p>" * 500)
