"""What an HTTP answer means, whatever a provider sends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from mailaccounts.esp.answers import read
from mailaccounts.esp.guarded import Answer
from mailaccounts.transports.base import AnswerClass

NAMES = st.sampled_from(
    ["code", "ErrorCode", "name", "type", "message", "errors", "error", "Errors", "detail", "x"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def answer(status: int, body: bytes, **headers: str) -> Answer:
    return Answer(status, "Reason", CaseInsensitiveDict(headers), body)


@given(st.integers(100, 599), JSON.map(lambda each: json.dumps(each).encode()) | st.binary())
def test_no_answer_breaks_it_and_only_4xx_is_a_verdict(status, body):
    found = read(answer(status, body), ("tajny-klucz",), slug="postmark")
    assert found.words.isprintable()
    assert len(found.words.encode()) <= 2048
    if status // 100 != 4:
        assert found.answer is AnswerClass.UNKNOWN
    assert found.answer is not AnswerClass.SENT


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"errors": ["first", {"message": "second"}]}', "first; second"),
        (b'{"errors": {"to.0.email": ["is not valid"]}}', "to.0.email: is not valid"),
        (b'{"error": "bad"}', "bad"),
        (b'{"error": {"message": "bad"}}', "bad"),
        (b'[{"message": "bad"}]', "bad"),
        (b"<html><title>502 Bad Gateway</title></html>", "502 Bad Gateway"),
        (b"plain words", "plain words"),
        (b"", "Reason"),
        (b"[" * 100_000, None),
    ],
)
def test_it_finds_the_providers_words(body, words):
    found = read(answer(400, body)).words
    assert words is None or found == words


def test_a_long_answer_does_not_show_half_a_key():
    key = "tajny-klucz-0123456789"
    body = json.dumps({"message": "x" * 2040 + key}).encode()
    assert "tajny" not in read(answer(400, body), (key,)).words
