"""Our signatures, read by dkimpy; the bodies and headers that are easy to get wrong."""

from __future__ import annotations

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailaccounts.dkim import SigningFailed, SigningKey, sign
from mailaccounts.dkim.signature import relaxed_body
from tests.dkim_keys import PRIVATE, RECORD

KEY = SigningKey("rowerownia.example", "pr202611ab12", PRIVATE)
HEAD = (
    b"From: Rowerownia <sklep@rowerownia.example>\r\n"
    b"To: =?utf-8?q?Anna_Wi=C5=9Bniewska?=\r\n <anna@klient.example>\r\n"
    b"Subject: =?utf-8?q?Zam=C3=B3wienie_10482?=\r\n"
    b"Date: Wed, 25 Nov 2026 17:40:15 +0000\r\n"
    b"Message-ID: <abc@rowerownia.example>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
)


def signed(content: bytes, at: int = 1_795_628_415) -> bytes:
    return f"DKIM-Signature: {sign(content, KEY, at)}\r\n".encode() + content


def holds(content: bytes) -> bool:
    """What dkimpy says of the mail as it arrives: SMTP ends its last line (RFC 5321, 4.1.1.4)."""
    content = content if content.endswith(b"\r\n") else content + b"\r\n"

    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        return RECORD if name == b"pr202611ab12._domainkey.rowerownia.example." else None

    return bool(dkim.verify(content, dnsfunc=look_up))


BODIES = {
    "plain": b"Dzi\xc4\x99kujemy, Anno.\r\n",
    "empty": b"",
    "only empty lines": b"\r\n\r\n\r\n",
    "blanks at line ends": b"a  b \t c \r\n\t\r\nd\t\r\n \r\n\r\n",
    "no last line end": b"one\r\ntwo ",
    "only blanks": b"  \t ",
    "dots": b".\r\n..\r\n.hidden\r\n",
    "8-bit": "Zażółć gęślą jaźń\r\n".encode(),
    "long line": b"x" * 990 + b"\r\n",
}


@pytest.mark.promise("S5.3")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_second_implementation_accepts_the_signature(body: bytes) -> None:
    assert holds(signed(HEAD + b"\r\n" + body))


def test_it_accepts_a_message_without_body_and_without_the_empty_line() -> None:
    assert holds(signed(HEAD))


@pytest.mark.parametrize(
    "change",
    [
        (b"10482", b"10483"),
        (b"kujemy", b"kuj"),
        (b"sklep@", b"oszust@"),
        (b"Content-Type: text/plain", b"Content-Type: text/html"),
        (b"Date: Wed, 25", b"Date: Thu, 26"),
    ],
)
def test_any_change_breaks_it(change: tuple[bytes, bytes]) -> None:
    content = signed(HEAD + b"\r\n" + BODIES["plain"])
    assert change[0] in content
    assert not holds(content.replace(*change))


@pytest.mark.parametrize("name", [b"From", b"To", b"Subject", b"Date", b"Reply-To"])
def test_nobody_can_add_a_second_line_of_what_the_reader_sees(name: bytes) -> None:
    content = signed(HEAD + b"\r\nHej\r\n")
    assert not holds(name + b": someone@else.example\r\n" + content)


def test_nobody_can_append_to_the_body() -> None:
    content = signed(HEAD + b"\r\nHej\r\n")
    assert b" l=" not in content
    assert not holds(content + b"and more\r\n")


def test_lines_of_relays_do_not_break_it() -> None:
    content = signed(b"X-Postroom-Delivery: 0123\r\n" + HEAD + b"\r\nHej\r\n")
    assert holds(
        b"Received: from a by b; now\r\n" + content.replace(b"X-Postroom-Delivery: 0123\r\n", b"")
    )


def test_refolding_and_more_blanks_do_not_break_it() -> None:
    content = signed(HEAD + b"\r\nHej hej\r\n")
    changed = content.replace(b"Message-ID: ", b"message-id:\r\n\t").replace(
        b"Hej hej", b"Hej   hej "
    )
    assert changed != content
    assert holds(changed)


def test_its_lines_are_short_and_its_value_is_repeatable() -> None:
    content = HEAD + b"\r\nHej\r\n"
    value = sign(content, KEY, 1)
    assert value == sign(content, KEY, 1) != sign(content, KEY, 2)
    assert all(len(line) <= 78 for line in f"DKIM-Signature: {value}".split("\r\n"))


@pytest.mark.parametrize("private", ["", "no key", PRIVATE[:200]])
def test_a_key_that_is_none_is_named_without_its_text(private: str) -> None:
    with pytest.raises(SigningFailed) as failure:
        sign(HEAD, SigningKey("a.example", "sel", private), 1)
    assert "sel" in str(failure.value)
    assert failure.value.__cause__ is None
    assert "BEGIN" not in repr(SigningKey("a.example", "sel", PRIVATE))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text("ab .\t\u017c", max_size=6), max_size=6), st.booleans())
def test_bodies_are_made_relaxed_as_dkimpy_makes_them(lines: list[str], ended: bool) -> None:
    body = ("\r\n".join(lines) + ("\r\n" if ended else "")).encode()
    arrived = body if body.endswith(b"\r\n") or not body else body + b"\r\n"
    assert relaxed_body(body) == dkim.canonicalization.Relaxed.canonicalize_body(arrived)
