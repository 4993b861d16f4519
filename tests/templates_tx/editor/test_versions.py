"""Versions: the list, what one changed, and the way back."""

from __future__ import annotations

import pytest

from templates_tx.editor.versions import MOST_LINES, compare
from templates_tx.problems import Sources
from templates_tx.saving import save_version
from tests.templates_tx.editor.desks import own, url, words


def sources(html="", subject="S", text="T"):
    return Sources(subject=subject, html_source=html, text=text)


def signs(before, after):
    [part] = compare(sources(before), sources(after))
    return [(line.sign, "".join(piece.text for piece in line.pieces)) for line in part.lines]


CHANGES = {
    "one line": ("a\nb\nc", "a\nX\nc", [("", "a"), ("−", "b"), ("+", "X"), ("", "c")]),
    "added": ("a", "a\nb", [("", "a"), ("+", "b")]),
    "taken away": ("a\nb", "b", [("−", "a"), ("", "b")]),
    "from nothing": ("", "a", [("+", "a")]),
    "to nothing": ("a", "", [("−", "a")]),
    "far apart": (
        "\n".join("abcdefghijkl"),
        "\n".join("XbcdefghijkY"),
        [
            *[("−", "a"), ("+", "X"), ("", "b"), ("", "c"), ("", "d"), ("…", "")],
            *[("", "i"), ("", "j"), ("", "k"), ("−", "l"), ("+", "Y")],
        ],
    ),
}


@pytest.mark.parametrize(("before", "after", "lines"), CHANGES.values(), ids=CHANGES)
def test_it_says_line_by_line_what_was_changed(before, after, lines):
    assert signs(before, after) == lines


def test_lines_have_the_numbers_of_both_sides():
    [part] = compare(sources("a\nb"), sources("x\na\nb"))
    assert [(line.before, line.after) for line in part.lines] == [(None, 1), (1, 2), (2, 3)]


def test_single_words_are_marked_in_lines_that_are_alike():
    [part] = compare(sources("<h1>Thank you, Anna</h1>"), sources("<h1>Thank you, Jan</h1>"))
    assert [[piece.text for piece in line.pieces if piece.is_changed] for line in part.lines] == [
        ["Anna"],
        ["Jan"],
    ]


def test_only_parts_that_differ_are_named():
    parts = compare(sources(subject="A", text="T"), sources(subject="B", text="T"))
    assert [part.name for part in parts] == ["subject"]


def test_what_would_take_too_long_is_not_compared():
    [part] = compare(sources("a\n" * MOST_LINES), sources("b\n" * MOST_LINES))
    assert part.is_too_long
    assert part.lines == []


# Pages


@pytest.fixture
def template(shop, owner):
    """Three versions: the copy, "A", "B"; the last is live."""
    made = own(shop, owner)
    for subject in ("A {{ order.number }}", "B {{ order.number }}"):
        given = words(made, subject=subject)
        typed = Sources(subject, given["html"], given["text"])
        save_version(made, typed, owner)
    return made


def test_the_list_says_who_when_and_which_is_live(shop, owner, owner_client, template):
    page = owner_client.get(url(shop, "versions")).text
    assert page.index("Version 3") < page.index("Version 2") < page.index("Version 1")
    assert page.count(">Live<") == 1
    assert owner.get_username() in page
    assert page.count(">Restore<") == 2


def test_a_list_without_versions_says_what_will_be_there(shop, owner_client):
    assert "Your own versions will be listed here." in owner_client.get(url(shop, "versions")).text


@pytest.mark.parametrize(
    ("number", "query", "gone", "come"),
    [
        (3, "", "A", "B"),
        (2, "?against=live", "A", "B"),
        (2, "", "Zamówienie", "A"),
        (3, "?against=rubbish", "A", "B"),
    ],
)
def test_a_version_is_compared(shop, owner_client, template, number, query, gone, come):
    page = owner_client.get(url(shop, "version", number=number) + query).text
    assert gone in page.partition('<tr class="del">')[2].partition("</tr>")[0]
    assert come in page.partition('<tr class="add">')[2].partition("</tr>")[0]


def test_words_in_a_comparison_are_shown_not_run(shop, owner, owner_client, template):
    given = words(template, html=words(template)["html"] + "<script>alert(1)</script>")
    save_version(template, Sources("C {{ order.number }}", given["html"], given["text"]), owner)
    page = owner_client.get(url(shop, "version", number=4)).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page


def test_a_version_that_does_not_exist_is_not_found(shop, owner_client, template):
    assert owner_client.get(url(shop, "version", number=9)).status_code == 404
    assert owner_client.post(url(shop, "restore", number=9)).status_code == 404
    assert owner_client.get(url(shop, "version", number=1, language="en")).status_code == 404


def test_an_earlier_version_comes_back_as_a_new_one(shop, owner_client, template):
    page = owner_client.post(url(shop, "restore", number=2), follow=True)
    template.refresh_from_db()
    assert (template.current.number, template.current.subject) == (4, "A {{ order.number }}")
    assert "Version 2 is back, as version 4." in page.text


def test_a_version_that_does_not_fit_any_more_is_not_restored(shop, owner_client, template):
    template.versions.filter(number=2).update(subject="{{ no.longer_known }}")
    page = owner_client.post(url(shop, "restore", number=2), follow=True)
    template.refresh_from_db()
    assert template.current.number == 3
    assert "Not restored" in page.text
