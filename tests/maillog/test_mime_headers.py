from __future__ import annotations

import email
import re
from dataclasses import replace
from email.policy import default

import pytest

from maillog.mime import (
    Attachment,
    BadBody,
    BadHeader,
    Mailbox,
    build,
    clean_sender_name,
    headers_of,
    prefix_headers,
)
from tests.maillog.mails import make_parts, wire

HOSTILE = [
    "a\r\nBcc: x@evil.test",
    "a\nb",
    "a\rb",
    "a\0b",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "\ud800",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_it_refuses_control_characters_in_every_header_and_names_the_field(value):
    box = Mailbox("a@shop.example", value)
    file = Attachment(value, "application/pdf", b"")
    for field, values in {
        "Subject": {"subject": value},
        "From": {"from_name": value},
        "To": {"to": (box,)},
        "Cc": {"cc": (box,)},
        "Reply-To": {"reply_to": (box,)},
        "X-Note": {"headers": (("X-Note", value),)},
        "List-Unsubscribe": {"headers": (("list-unsubscribe", value),)},
        "Message-ID": {"message_id": f"<{value}@shop.example>"},
        "attachment name": {"attachments": (file,)},
        "attachment type": {"attachments": (replace(file, name="a", content_type=value),)},
        "Content-ID": {"attachments": (replace(file, name="a", content_id=value),)},
    }.items():
        with pytest.raises(BadHeader) as refused:
            wire(**values)
        assert refused.value.field == field


@pytest.mark.parametrize("value", HOSTILE + ["a@b.example, c@d.example", '"a b"@c.example', "a"])
def test_it_refuses_an_address_that_is_not_one(value):
    for field, values in {
        "From": {"from_address": f"{value}@shop.example"},
        "To": {"to": (Mailbox(f"{value}@shop.example"),)},
        "Cc": {"cc": (Mailbox(value),)},
        "Reply-To": {"reply_to": (Mailbox(f"x@{value}"),)},
    }.items():
        if value == "a" and field != "Cc" and field != "Reply-To":
            continue
        with pytest.raises(BadHeader) as refused:
            wire(**values)
        assert refused.value.field == field


@pytest.mark.parametrize(
    "name",
    [
        "Bcc",
        "X-A: b\nBcc",
        "X-",
        "X-" + "a" * 61,
        "x-ż",
        "X-A\n",
        "From",
        "Precedence",
        "Received",
        "",
    ],
)
def test_it_refuses_header_names_that_are_not_on_the_list(name):
    with pytest.raises(BadHeader):
        wire(headers=((name, "1"),))


def test_it_refuses_a_header_that_comes_twice():
    with pytest.raises(BadHeader, match="x-note"):
        wire(headers=(("X-Note", "1"), ("x-note", "2")))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Smith, John", b'To: "Smith, John" <a@b.example>'),
        ('Jo "J" Doe', b'To: "Jo \\"J\\" Doe" <a@b.example>'),
        ("boss@bank.example", b'To: "boss@bank.example" <a@b.example>'),
        ("=?utf-8?q?x?=", b"To: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <a@b.example>"),
        ("Ewa", b"To: Ewa <a@b.example>"),
        ("", b"To: a@b.example"),
    ],
)
def test_a_display_name_never_makes_a_second_recipient(name, line):
    assert line + b"\r\n" in wire(to=(Mailbox("a@b.example", name),))


def test_a_subject_that_looks_encoded_is_shown_as_typed():
    subject = "=?utf-8?q?Bcc?="
    assert email.message_from_bytes(wire(subject=subject), policy=default)["Subject"] == subject
    assert b"Subject: =?utf-8?q?Bcc?=" not in wire(subject=subject)


def test_many_recipients_stand_on_lines_of_their_own():
    boxes = tuple(Mailbox(f"anna{number}@shop.example") for number in range(60))
    content = wire(to=boxes)
    assert max(map(len, content.split(b"\r\n"))) <= 78
    found = email.message_from_bytes(content, policy=default)["To"].addresses
    assert [box.addr_spec for box in found] == [box.address for box in boxes]


def test_the_sender_name_loses_the_signs_that_look_like_an_address():
    content = wire(from_name='Shop, "sale@bank.example": now ' + "x" * 90)
    assert dict(headers_of(content))["From"].startswith("Shop sale bank.example now xxx")
    assert len(clean_sender_name("x" * 90)) == 70


def test_an_idn_domain_becomes_an_a_label():
    assert b"<ewa@xn--bcher-kva.example>" in wire(to=(Mailbox("ewa@Bücher.example", "Ewa"),))


def test_a_local_part_beyond_ascii_needs_smtputf8_and_is_never_rewritten():
    built = build(make_parts(to=(Mailbox("łucja@poczta.example"),)))
    assert built.needs_smtputf8
    assert "To: łucja@poczta.example\r\n".encode() in built.content
    assert not build(make_parts()).needs_smtputf8


def test_an_emoji_subject_of_any_length_stays_within_75_columns_a_word():
    for length in range(1, 90):
        content = wire(subject="Paczka " + "📦" * length)
        words = re.findall(rb"=\?utf-8\?.\?.*?\?=", content.split(b"Date:")[0])
        assert all(len(word) <= 75 for word in words)
        assert max(map(len, content.split(b"\r\n"))) <= 78
        assert dict(headers_of(content))["Subject"] == "Paczka " + "📦" * length


def test_a_long_plain_subject_is_folded_between_words():
    subject = " ".join(f"word{number}" for number in range(60))
    content = wire(subject=subject)
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert b"=?" not in content.split(b"\r\nDate:")[0].split(b"Subject:")[1]
    assert email.message_from_bytes(content, policy=default)["Subject"] == subject


def test_headers_go_in_front_and_leave_the_rest_alone():
    content = wire()
    signature = "v=1; a=rsa-sha256;\r\n d=czarnybut.example; b=abc\r\n\tdef"
    longer = prefix_headers(content, (("DKIM-Signature", signature), ("X-Postroom-Delivery", "1")))
    assert longer.endswith(content)
    assert longer.startswith(f"DKIM-Signature: {signature}\r\nX-Postroom-Delivery: 1\r\n".encode())


@pytest.mark.parametrize(
    "header",
    [("Bcc", "a@b.example"), ("X-A", "1\r\nBcc: x"), ("DKIM-Signature", "v=1\r\nBcc: x@y.example")]
    + [
        ("DKIM-Signature", "v=1\r\n \r\n\r\nbody"),
        ("DKIM-Signature", "v=1\n x"),
        ("DKIM-Signature", ""),
    ],
)
def test_no_header_in_front_can_bring_another(header):
    with pytest.raises(BadHeader):
        prefix_headers(wire(), (header,))


@pytest.mark.parametrize("content", [b"", b"\r\nbody", b" folded: 1\r\n", b"no header\r\n"])
def test_headers_go_only_in_front_of_headers(content):
    with pytest.raises(BadBody):
        prefix_headers(content, (("X-A", "1"),))
