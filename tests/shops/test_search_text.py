from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shops.search_text import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("Order 1042 ANNA@Shop.Example", "order 1042 anna@shop.example"),
        ("Zażółć gęślą jaźń ŁÓDŹ", "zazolc gesla jazn lodz"),
        ("Größe STRASSE Straße ẞ", "grosse strasse strasse ss"),
        ("Smørrebrød Ærø Þór Đorđe Œuvre", "smorrebrod aero thor dorde oeuvre"),
        ("Příliš žluťoučký kůň", "prilis zlutoucky kun"),
        ("İstanbul ılık", "istanbul ilik"),
        ("Ёлка Йод", "елка иод"),
        ("Ελλάς", "ελλασ"),
        ("O’Brien – „Café“", 'o\'brien - "cafe"'),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("ﬁne №5 ① 𝐀", "fine no5 1 a"),
        ("Cafe\u0301", "cafe"),
        ("서울 が 📦", "서울 が 📦"),
    ],
)
def test_it_folds_what_people_type_differently(text, folded):
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(), st.text(st.characters(max_codepoint=0x24F), max_size=5), st.text())
def test_a_word_is_found_in_any_text_around_it(before, word, after):
    assert fold(word) in fold(f"{before} {word} {after}")


def test_no_letter_of_the_latin_alphabets_of_europe_is_left():
    letters = [chr(code) for code in range(0xC0, 0x180) if chr(code).isalpha()]
    assert [letter for letter in letters if not fold(letter).isascii()] == []
