from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from maillog.mime import Attachment, build, headers_of, parse_parts
from tests.maillog.mails import mails, wire, with_line_ends


@given(mails())
@settings(max_examples=60, deadline=None)
def test_the_viewer_shows_what_was_sent(parts):
    content = build(parts).content
    mail = parse_parts(content)
    assert (mail.text, mail.html) == (with_line_ends(parts.text), with_line_ends(parts.html))
    assert [(file.name, file.content) for file in mail.attachments] == [
        (file.name.strip(), file.content) for file in parts.attachments
    ]
    assert dict(headers_of(content))["Subject"] == parts.subject.strip()


@given(st.binary(max_size=400))
@example(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n" * 50)
@example(b"Content-Type: a\0/\xff\r\n\r\nx")
@example(b"Subject: =?utf-8?b?A?=\r\nFrom: =?x?q?a?=\r\n\r\n")
@example(b"Subject: =?punycode?q?=FF?=\r\nContent-Type: text/plain; charset=idna\r\n\r\n\xff\xff")
@example(b'Content-Type: text/html; charset="\0"\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nM')
@settings(max_examples=200, deadline=None)
def test_the_reader_never_raises_on_garbage(content):
    check_reader(content)


@given(st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_reader_never_raises_on_a_damaged_mail(chance: random.Random):
    file = Attachment("zażółć " * 9, "image/png", b"12345", "logo")
    content = bytearray(wire(attachments=(file, replace(file, content_id=""))))
    for _ in range(chance.randint(1, 30)):
        place = chance.randrange(len(content))
        content[place : place + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 4))
    check_reader(bytes(content))


def test_the_reader_survives_a_thousand_nested_parts():
    level = "Content-Type: multipart/mixed; boundary=b{0}\r\n\r\n--b{0}\r\n"
    check_reader("".join(level.format(number) for number in range(1000)).encode())


def check_reader(content: bytes) -> None:
    mail = parse_parts(content)
    values = [mail.text, mail.html, *(item for pair in headers_of(content) for item in pair)]
    values += [item for file in mail.attachments for item in (file.name, file.content_type)]
    for value in values:
        assert "\0" not in value
        value.encode()


def test_an_attached_message_is_one_file_and_8_bit_headers_are_read():
    content = (
        b"Subject: Za\xc5\xbc\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=iso-8859-2\r\n\r\n\xbf\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhello\r\n--b--\r\n"
    )
    mail = parse_parts(content)
    assert dict(headers_of(content))["Subject"] == "Zaż"
    assert mail.text == "ż"
    (inner,) = mail.attachments
    assert (inner.content_type, inner.content) == ("message/rfc822", b"Subject: inner\n\nhello")
