"""Compiling: MJML and HTML to one Liquid source, with every Liquid tag where it was."""

from __future__ import annotations

import pytest

from templates_tx.compiling import compile_html, lean
from templates_tx.rendering import TemplateError, render_part

LAYOUT = """<!doctype html><html><head><title>{{ shop.name }}</title>
<style>.a{color:{{ shop.accent }}} @media (prefers-color-scheme:dark){.b{color:#fff!important}}
</style></head><body>{% if shop.logo %}<img src="{{ shop.logo }}">{% endif %}
<table><tr><td>{{ content }}</td></tr></table></body></html>"""

CONTEXT = {
    "shop": {"name": "Rowerownia", "accent": "#123456", "logo": "https://x.pl/l.png"},
    "name": "Anna",
    "items": [{"name": "<Rower>", "url": 'https://x.pl/?a=1&b="2"'}, {"name": "Kask", "url": ""}],
}


def rendered(body: str, layout: str | None = LAYOUT) -> str:
    return render_part(compile_html(body, layout), "html", CONTEXT)


def test_the_body_stands_in_the_layout_with_css_inlined() -> None:
    page = rendered('<p class="a">Cześć {{ name }}</p>')
    assert '<td><p style="color:#123456">Cześć Anna</p></td>' in page
    assert '<img src="https://x.pl/l.png">' in page
    assert "<title>Rowerownia</title>" in page


def test_rules_for_dark_mode_stay_and_idle_classes_go() -> None:
    page = compile_html('<p class="a b other">x</p>', LAYOUT)
    assert "@media (prefers-color-scheme:dark){.b{color:#fff!important}}" in page
    assert 'class="b"' in page


def test_loops_between_table_rows_stay_between_them() -> None:
    page = rendered(
        "<table>{% for i in items %}<tr>{% if i.url %}<td>{{ i.name }}</td>{% endif %}</tr>"
        "{% endfor %}</table>"
    )
    assert "<table><tr><td>&lt;Rower&gt;</td></tr><tr></tr></table>" in page


def test_liquid_in_attributes_keeps_its_quotes() -> None:
    page = compile_html("""<a href="{{ x | replace: "a", 'b' }}" title='{{ "<>" }}'>x</a>""")
    assert """href="{{ x | replace: "a", 'b' }}\"""" in page
    assert """title="{{ "<>" }}\"""" in page


def test_liquid_may_stand_in_place_of_an_attribute() -> None:
    source = '<a {% if name == "Anna" %}href="https://x.pl"{% endif %} class="c">x</a>'
    assert '<a href="https://x.pl">x</a>' in rendered(source).replace(" >", ">").replace("  ", " ")


def test_comparisons_with_angle_brackets_survive() -> None:
    source = "{% if items.size > 1 and items.size < 9 %}<b>many</b>{% endif %}"
    assert "<b>many</b>" in rendered(source)


def test_raw_and_comments_of_liquid_are_left_alone() -> None:
    assert "{{ not this }}" in rendered("<p>{% raw %}{{ not this }}{% endraw %}</p>")
    assert "hidden" not in compile_html("<p>{% comment %}hidden {{ x }}{% endcomment %}y</p>")


def test_mjml_bodies_are_compiled_into_the_layout() -> None:
    body = """<mj-section>{% if name %}<mj-column><mj-text>Cześć {{ name }}</mj-text>
    <mj-table>{% for i in items %}<tr><td>{{ i.name }}</td></tr>{% endfor %}</mj-table>
    <mj-button href="{{ items[0].url }}">Zobacz</mj-button></mj-column>{% endif %}</mj-section>"""
    page = rendered(body)
    assert "mj-text" not in page
    assert "<tr><td>&lt;Rower&gt;</td></tr><tr><td>Kask</td></tr>" in page
    assert "#outlook" not in page
    assert 'href="https://x.pl/?a=1&amp;b=&#34;2&#34;"' in page
    assert page.count("<body") == page.count("</html>") == 1
    assert "mj-column-per-100" in page.partition("</head>")[0]


def test_a_whole_mjml_document_needs_no_layout() -> None:
    page = rendered("<mjml><mj-body><mj-raw><b>{{ name }}</b></mj-raw></mj-body></mjml>", None)
    assert "<b>Anna</b>" in page


def test_a_layout_may_be_mjml() -> None:
    layout = """<mjml><mj-head><mj-title>{{ shop.name }}</mj-title></mj-head><mj-body>
    <mj-section><mj-column><mj-text>{{ content }}</mj-text></mj-column></mj-section>
    </mj-body></mjml>"""
    page = rendered("<b>{{ name }}</b>", layout)
    assert "<title>Rowerownia</title>" in page
    assert "<b>Anna</b>" in page


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<mj-section><mj-column>", "MJML"),
        ("<mj-section><mj-foo>x</mj-foo></mj-section>", "mj-foo"),
        ("<mj-include path='/etc/passwd' type='html'/>", "MJML"),
        ("<table><tr>{{ name }}</tr></table>{% if name %}", "never closed"),
        ("<p>{{ name | nope }}</p>", "unknown filter"),
    ],
)
def test_what_cannot_be_compiled_is_said(body: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words) as caught:
        compile_html(body, LAYOUT)
    assert caught.value.part == "html"


def test_a_layout_without_a_place_for_the_body_is_refused() -> None:
    with pytest.raises(TemplateError, match="content"):
        compile_html("<p>x</p>", "<html><body></body></html>")


def test_a_tag_that_the_parser_would_lose_is_refused() -> None:
    with pytest.raises(TemplateError, match="stands where no text can be"):
        compile_html("<mj-section unknown='{{ name }}'><mj-column></mj-column></mj-section>")


def test_nothing_is_fetched() -> None:
    body = '<link rel="stylesheet" href="http://127.0.0.1:9/x.css"><mj-text>x</mj-text>'
    page = compile_html(body, LAYOUT)
    assert "fonts.googleapis" not in page


def test_words_that_look_like_the_stand_ins_are_kept() -> None:
    assert "lq0x lqq1x Anna" in rendered("<p>lq0x lqq1x {{ name }}</p>")


def test_blanks_go_beside_blocks_and_stay_between_words() -> None:
    html = lean("<p>  a  <b>b</b> <i>c</i>\n</p>\n\n<p>{{ x }} {{ y }}</p>")
    assert html == "<p>a <b>b</b> <i>c</i></p><p>{{ x }} {{ y }}</p>"
    assert lean("<pre>a\n  b</pre>") == "<pre>a\n  b</pre>"


def test_conditional_comments_for_outlook_stay() -> None:
    start = "<!--[if mso]><table><tr><td><![endif]-->"
    end = "<!--[if mso]></td></tr></table><![endif]-->"
    source = f"{start}<p>x</p>{end}"
    assert source in compile_html(source)
